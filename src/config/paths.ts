/** Folders that programs are looked for in, as the shell would. */
export function programPath(env: NodeJS.ProcessEnv = process.env): string {
  return env.PATH ?? ''
}
