import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Folders that programs are looked for in, as the shell would. */
export function programPath(env: NodeJS.ProcessEnv = process.env): string {
  return env.PATH ?? ''
}

/** Folder for what a program remembers from one run to the next. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.XDG_STATE_HOME
  return join(given && isAbsolute(given) ? given : join(homedir(), '.local', 'state'), 'fisherman')
}

/** Folder for what can be made again at any time. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.XDG_CACHE_HOME
  // The specification says to ignore a path that is not absolute.
  return join(given && isAbsolute(given) ? given : join(homedir(), '.cache'), 'fisherman')
}

/** Where the configuration is looked for when nobody says. */
export function configFile(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.XDG_CONFIG_HOME
  return join(given && isAbsolute(given) ? given : join(homedir(), '.config'), 'fisherman', 'fisherman.yaml')
}

/** Where a daemon keeps what must not be lost, when nobody says. */
export function dataFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.XDG_DATA_HOME
  return join(given && isAbsolute(given) ? given : join(homedir(), '.local', 'share'), 'fisherman')
}

/** Places within a data folder. */
export const PLACES = {
  log: 'proofs',
  bundles: 'bundles',
  rebuttals: 'rebuttals',
  idle: 'idle',
  guard: 'guard',
  stop: 'STOP',
  pause: 'PAUSE',
} as const
