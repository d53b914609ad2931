/** Environment for programs that this one starts with their own configuration: ours, without what configures us. */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('FISHERMAN_')))
}
