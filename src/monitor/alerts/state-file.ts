import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { FishermanError, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Memory } from './rules.ts'
import type { Alert, Notice } from './types.ts'

/** What the monitor knows beyond one round. */
export interface AlertState {
  standing: { alert: Alert; sinceMs: number; toldMs: number }[]
  /** Ids of news. */
  told: string[]
  memory: Memory
  /** Oldest first. */
  undelivered: Notice[]
}

export interface StateFile {
  /** What an earlier run left; undefined at the first start, and where nothing is kept. */
  kept: AlertState | undefined
  /** Writes it whole. A failure is told in the log when it begins and when it is over, and never thrown: alerts go on without a file. */
  save(state: AlertState): void
}

const alert = z.object({
  ...{ id: z.string(), kind: z.string(), severity: z.enum(['critical', 'warning', 'info']) },
  ...{ says: z.string(), do: z.string() },
})
const notice = z.object({ state: z.enum(['raised', 'still', 'over', 'news']), alert, sinceMs: z.number() })
const file = z.object({
  monitor: z.literal(1),
  scope: z.string(),
  standing: z.array(z.object({ alert, sinceMs: z.number(), toldMs: z.number() })),
  told: z.array(z.string()),
  memory: z.object({
    parameters: z.record(z.string(), z.string()),
    daemons: z.record(z.string(), z.object({ sinceSec: z.number(), checked: z.number(), receipts: z.number() })),
    cases: z.record(z.string(), z.string()),
  }),
  // Files of earlier versions know none.
  undelivered: z.array(notice).default([]),
})

/** `scope` names chain and contracts: another network's alerts are not ours. Throws `monitor-state` for a file that cannot be used. */
export function openStateFile(
  { path, scope }: { path?: string | undefined; scope: string },
  { log }: { log: Logger },
): StateFile {
  if (path === undefined) return { kept: undefined, save: () => undefined }
  let last: string | undefined
  let failed = false
  return {
    kept: read(path, scope),
    save(state) {
      const text = JSON.stringify({ monitor: 1, scope, ...state })
      if (text === last) return
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
        writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true })
        renameSync(`${path}.new`, path)
        last = text
        if (failed) log.info('The state of the monitor can be kept again', { path })
        failed = false
      } catch (error) {
        const what = 'make room, or choose another with --state; alerts go on, and some are told again after a restart'
        if (!failed) log.error('The state of the monitor cannot be kept', { reason: `${path}: ${messageOf(error)}; ${what}` })
        failed = true
      }
    },
  }
}

function read(path: string, scope: string): AlertState | undefined {
  if (!existsSync(path)) return undefined
  let parsed: z.output<typeof file>
  try {
    parsed = file.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw unusable(
      path,
      'it is damaged, or no state of a monitor',
      'delete it to begin anew, or choose another with --state',
      cause,
    )
  }
  if (parsed.scope !== scope) throw unusable(path, 'it is of another network', 'choose another with --state')
  const { standing, told, memory, undelivered } = parsed
  return { standing, told, memory, undelivered } as AlertState
}

function unusable(path: string, why: string, what: string, cause?: unknown): FishermanError {
  const message = `the state file ${path} cannot be used: ${why}; ${what}`
  return new FishermanError({ code: 'monitor-state', message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
