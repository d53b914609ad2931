import '../../src/polyfill.ts'
import { appendFileSync } from 'node:fs'
import type { Moment } from '../../src/base/write-ahead.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startDaemon } from '../../src/daemon.ts'
import { createLogger } from '../../src/observe/logger.ts'

// The daemon itself, with a hand on its plug: it writes down each point that it reaches and dies at the one that it was told.

const [configFile = '', journal = '', kill = '{}'] = process.argv.slice(2)
const spec = JSON.parse(kill) as { point?: string; count?: number; afterMs?: number }
let left = spec.count ?? 1

/** The line is in the kernel's hands before we go on: it outlives us. */
function write(line: unknown): void {
  appendFileSync(
    journal,
    `${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))}\n`,
  )
}

function reached({ step, what, stage, record }: Moment): void {
  const point = `${step}.${what}.${stage}`
  write({ point, step, what, stage, record })
  if (point === spec.point && --left <= 0) process.kill(process.pid, 'SIGKILL')
}

const config = loadConfig(configFile, {})
const logger = createLogger({ level: 'info', format: 'json' })
await startDaemon(config, logger, { version: 'crash', firstStart: true, reached })
write({ point: 'started' })
if (spec.afterMs !== undefined) setTimeout(() => process.kill(process.pid, 'SIGKILL'), spec.afterMs)
