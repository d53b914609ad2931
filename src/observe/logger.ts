import { pino } from 'pino'
import { maskCredentials } from '../base/errors.ts'
import type { LogFields, Logger } from '../base/log.ts'

export interface LoggerInit {
  level: 'debug' | 'info' | 'warn' | 'error'
  /** Human on a terminal, JSON elsewhere, unless said. */
  format: 'human' | 'json'
  /** Where lines go; standard error by default, since standard output belongs to results. */
  stream?: { write(text: string): unknown }
}

/** Field names whose value never reaches a log, whatever a caller passes. */
const SECRET = /key$|password|secret|mnemonic|salt$/i

export interface LeveledLogger extends Logger {
  setLevel(level: LoggerInit['level']): void
}

export function createLogger(init: LoggerInit): LeveledLogger {
  const stream = init.stream ?? process.stderr
  const target = init.format === 'json' ? stream : { write: (line: string) => stream.write(humanLine(line)) }
  const log = pino(
    { level: init.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    target as { write(line: string): void },
  )
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: LogFields) =>
    log[level](safe(fields ?? {}), message)
  return {
    ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    setLevel(level) {
      log.level = level
    },
  }
}

/** Big integers as text, URLs without credentials, secrets not at all. */
function safe(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (SECRET.test(name) && name !== 'blsPublicKey') return [name, '***']
      if (typeof value === 'bigint') return [name, value.toString()]
      return [name, typeof value === 'string' ? maskCredentials(value) : value]
    }),
  )
}

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info ', 40: 'WARN ', 50: 'ERROR' }

function humanLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as { level: number; time: string; msg: string }
  const rest = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${time.slice(11, 23)} ${LEVELS[level] ?? level} ${msg}${rest.length > 0 ? `  ${rest.join(' ')}` : ''}\n`
}
