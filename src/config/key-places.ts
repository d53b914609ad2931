import { existsSync } from 'node:fs'
import { loadConfig } from './load.ts'
import { configFile, dataFolder } from './paths.ts'

export interface KeyFiles {
  file: string
  passwordFile: string
}

/** Where keys lie: as the configuration says, and at the usual place where there is none yet, for keys come first. */
export function readKeyPlaces(
  file: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): { dataDir: string; key?: KeyFiles; sender?: KeyFiles } {
  if (file === undefined && !existsSync(configFile(env))) return { dataDir: env.FISHERMAN_DATA_DIR || dataFolder(env) }
  // A mode that needs a key must not keep one from being made.
  const { dataDir, key, sender } = loadConfig(file, { mode: 'observe' }, env)
  return { dataDir, ...(key ? { key } : {}), ...(sender ? { sender } : {}) }
}
