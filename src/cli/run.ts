import { sleep } from '../base/clock.ts'
import { configKeys } from '../config/keys.ts'
import { readConfig } from '../config/load.ts'
import { startDaemon } from '../daemon.ts'
import { createLogger } from '../observe/logger.ts'
import { configFlagsOf } from './config-flags.ts'
import type { RunOptions } from './run.options.ts'
import { untilSignal } from './until-signal.ts'

/** Milliseconds that a stop may take; what is not done by then is taken up at the next start. */
const STOP_MS = 20_000

/** Runs the daemon until it is told to stop. Returns the exit code. */
export async function runCommand(options: RunOptions, version: string): Promise<number> {
  const { config } = readConfig({ file: options.config, flags: configFlagsOf(options, configKeys()) })
  const logger = createLogger({ level: config.log.level, format: config.log.format ?? (process.stderr.isTTY ? 'human' : 'json') })
  const signal = untilSignal()
  const daemon = await startDaemon(config, logger, { version, firstStart: options.firstStart === true })
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  logger.info('Fisherman stops')
  const inTime = await Promise.race([daemon.stop().then(() => true), sleep(STOP_MS).then(() => false)])
  if (!inTime) logger.warn('Fisherman could not end everything in time', { seconds: STOP_MS / 1000 })
  return 0
}
