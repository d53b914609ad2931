import { loadConfig } from '../config/load.ts'
import { startDaemon } from '../daemon.ts'
import { createLogger } from '../observe/logger.ts'
import type { RunOptions } from './run.options.ts'
import { untilSignal } from './until-signal.ts'

/** Runs the daemon until it is told to stop. Returns the exit code. */
export async function runCommand(options: RunOptions): Promise<number> {
  const config = loadConfig(options.config, { mode: options.mode, dataDir: options.dataDir, 'log.level': options.logLevel })
  const logger = createLogger({ level: config.log.level, format: config.log.format ?? (process.stderr.isTTY ? 'human' : 'json') })
  const signal = untilSignal()
  const daemon = await startDaemon(config, logger)
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  logger.info('Fisherman stops')
  await daemon.stop()
  return 0
}
