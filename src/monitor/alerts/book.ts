import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { FishermanError, messageOf } from '../../base/errors.ts'
import { type Memory, NO_MEMORY } from './rules.ts'
import type { Alert } from './types.ts'

/** What is told to people: a trouble begins, is still there after a day, or is over; news is told once. */
export interface Notice {
  state: 'raised' | 'still' | 'over' | 'news'
  alert: Alert
  /** Unix milliseconds at which it was raised. */
  sinceMs: number
}

/** Which alerts stand and what was told of them; on disk, so that a restart repeats nothing and forgets nothing. */
export interface AlertBook {
  memory(): Memory
  standing(): { alert: Alert; sinceMs: number }[]
  /** Takes one round in; returns what is to be told. */
  take(round: { alerts: readonly Alert[]; news: readonly Alert[]; memory: Memory }, nowMs: number): Notice[]
}

/** Milliseconds after which a trouble that lasts is told again. */
const AGAIN_MS = 24 * 3_600_000
/** News remembered, so that none is told twice. */
const TOLD = 5_000

const alert = z.object({
  ...{ id: z.string(), kind: z.string(), severity: z.enum(['critical', 'warning', 'info']) },
  ...{ says: z.string(), do: z.string() },
})
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
})

/** `scope` names chain and contracts: another network's alerts are not ours. Throws `monitor-state` for a file that cannot be used. */
export function openAlertBook(init: { path?: string | undefined; scope: string }): AlertBook {
  const known = read(init.path, init.scope)
  const standing = new Map(known?.standing.map((one) => [one.alert.id, { ...one, alert: one.alert as Alert }]) ?? [])
  const told = new Set(known?.told ?? [])
  let memory: Memory = known?.memory ?? NO_MEMORY

  function save(): void {
    if (init.path === undefined) return
    const text = JSON.stringify({
      ...{ monitor: 1, scope: init.scope, standing: [...standing.values()], told: [...told].slice(-TOLD), memory },
    })
    try {
      mkdirSync(dirname(init.path), { recursive: true, mode: 0o700 })
      writeFileSync(`${init.path}.new`, text, { mode: 0o600 })
      renameSync(`${init.path}.new`, init.path)
    } catch (error) {
      throw unusable(init.path, messageOf(error), 'make room, or choose another with --state', error)
    }
  }

  return {
    memory: () => memory,
    standing: () => [...standing.values()].map(({ alert, sinceMs }) => ({ alert, sinceMs })),
    take(round, nowMs) {
      const notices: Notice[] = []
      const ids = new Set(round.alerts.map(({ id }) => id))
      for (const [id, { alert, sinceMs }] of standing) {
        if (ids.has(id)) continue
        standing.delete(id)
        notices.push({ state: 'over', alert, sinceMs })
      }
      for (const alert of round.alerts) {
        const before = standing.get(alert.id)
        const again = before !== undefined && nowMs - before.toldMs >= AGAIN_MS
        if (!before || again) notices.push({ state: before ? 'still' : 'raised', alert, sinceMs: before?.sinceMs ?? nowMs })
        standing.set(alert.id, { alert, sinceMs: before?.sinceMs ?? nowMs, toldMs: before && !again ? before.toldMs : nowMs })
      }
      for (const alert of round.news) {
        if (told.has(alert.id)) continue
        told.add(alert.id)
        notices.push({ state: 'news', alert, sinceMs: nowMs })
      }
      memory = round.memory
      save()
      return notices
    },
  }
}

function read(path: string | undefined, scope: string): z.output<typeof file> | undefined {
  if (path === undefined || !existsSync(path)) return undefined
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
  return parsed
}

function unusable(path: string, why: string, what: string, cause?: unknown): FishermanError {
  const message = `the state file ${path} cannot be used: ${why}; ${what}`
  return new FishermanError({ code: 'monitor-state', message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
