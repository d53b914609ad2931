import { sleep } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { configKeys } from '../config/keys.ts'
import { readConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { type Daemon, startDaemon } from '../daemon.ts'
import { createLogFile } from '../observe/log-file.ts'
import { createLogger, type LeveledLogger } from '../observe/logger.ts'
import { configFlagsOf } from './config-flags.ts'
import type { RunOptions } from './run.options.ts'
import { untilSignal } from './until-signal.ts'

/** Milliseconds that a stop may take; what is not done by then is taken up at the next start. */
const STOP_MS = 20_000

/** Runs the daemon until it is told to stop. Returns the exit code. */
export async function runCommand(options: RunOptions, version: string): Promise<number> {
  const read = () => readConfig({ file: options.config, flags: configFlagsOf(options, configKeys()) }).config
  const config = read()
  const { level, format, file, maxBytes, keep } = config.log
  const lines = file === undefined ? undefined : createLogFile({ file, maxBytes, keep })
  const logger = createLogger({
    level,
    format: format ?? (process.stderr.isTTY && !lines ? 'human' : 'json'),
    ...(lines ? { stream: lines } : {}),
  })
  let daemon: Daemon | undefined
  let again = false
  const onHangUp = () => {
    // Whoever moved the file away sends this signal too.
    lines?.reopen()
    if (daemon) reload(daemon, read, logger)
    // While it starts: once it has.
    else again = true
  }
  const signal = untilSignal(process.stderr.isTTY ? undefined : onHangUp)
  const running = await startDaemon(config, logger, { version, firstStart: options.firstStart === true }).catch(
    (error: unknown) => {
      // Standard error says it too, for whoever started us.
      if (lines) logger.error('Fisherman could not start', { reason: messageOf(error) })
      throw error
    },
  )
  daemon = running
  if (again) onHangUp()
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  logger.info('Fisherman stops')
  const inTime = await Promise.race([running.stop().then(() => true), sleep(STOP_MS).then(() => false)])
  if (!inTime) logger.warn('Fisherman could not end everything in time', { seconds: STOP_MS / 1000 })
  return 0
}

function reload(daemon: Daemon, read: () => Config, logger: LeveledLogger): void {
  try {
    const config = read()
    const { changed, needRestart } = daemon.reload(config)
    // Whoever sent the signal wants the answer, however quiet the daemon is.
    logger.setLevel('info')
    const names = {
      changed: changed.join(', ') || 'nothing',
      ...(needRestart.length > 0 ? { needRestart: needRestart.join(', ') } : {}),
    }
    if (needRestart.length > 0) logger.warn('The configuration was read again; some of it waits for a restart', names)
    else logger.info('The configuration was read again', names)
    logger.setLevel(config.log.level)
  } catch (error) {
    const reason = messageOf(error).replace(/:\n/, ': ').replace(/\n\s*/g, '; ')
    logger.error('The configuration was not read again and the old one stays', { reason })
  }
}
