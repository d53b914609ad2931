import { existsSync } from 'node:fs'
import { loadConfig } from '../config/load.ts'
import { configFile } from '../config/paths.ts'
import { usage } from './complain.ts'

/** Which fisherman a command is about. */
export interface FolderOptions {
  config?: string
  dataDir?: string
}

/** Its data folder: as said, or of the configuration that is said, or of the one at its usual place. */
export function dataDirOf({ dataDir, config }: FolderOptions): string {
  if (dataDir === undefined && config === undefined && !existsSync(configFile()))
    throw usage('say which fisherman: --config FILE or --data-dir FOLDER')
  return dataDir ?? loadConfig(config).dataDir
}
