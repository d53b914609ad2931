import type { Logger } from '../../base/log.ts'
import { type Judged, type Memory, NO_MEMORY } from './rules.ts'
import { sourceOf } from './sources.ts'
import { openStateFile } from './state-file.ts'
import type { Alert, Notice } from './types.ts'

/**
 * Which alerts stand, what was told of them, and what still waits to be delivered; on disk, so that a restart forgets nothing and repeats no more
 * than what a crash cut off from the disk.
 */
export interface AlertBook {
  memory(): Memory
  standing(): { alert: Alert; sinceMs: number }[]
  /** Takes one round in; returns what is to be told, also where it cannot be written down. */
  take(round: Judged, nowMs: number): Notice[]
  /** What nobody took yet, oldest first, also from before a restart. */
  undelivered(): readonly Notice[]
  /** It was taken, or given up. */
  delivered(notice: Notice): void
}

/** Milliseconds after which a trouble that lasts is told again. */
const AGAIN_MS = 24 * 3_600_000
/** News remembered, so that none is told twice. */
const TOLD = 5_000

/**
 * `scope` names chain and contracts: another network's alerts are not ours. `forwards`: each notice waits here until it was delivered. Throws
 * `monitor-state` for a file that cannot be used.
 */
export function openAlertBook(
  init: { path?: string | undefined; scope: string; forwards: boolean },
  deps: { log: Logger },
): AlertBook {
  const { kept, save } = openStateFile(init, deps)
  const standing = new Map(kept?.standing.map((one) => [one.alert.id, one]) ?? [])
  const told = new Set(kept?.told ?? [])
  let memory: Memory = kept?.memory ?? NO_MEMORY
  let undelivered = kept?.undelivered ?? []

  const write = () => save({ standing: [...standing.values()], told: [...told], memory, undelivered })

  function ended({ alerts, sight }: Judged): Notice[] {
    const ids = new Set(alerts.map(({ id }) => id))
    return [...standing.values()].flatMap(({ alert, sinceMs }): Notice[] => {
      const isReadable = sight.get(sourceOf(alert))
      // Who cannot look says nothing of it.
      if (ids.has(alert.id) || isReadable === false) return []
      standing.delete(alert.id)
      return [{ state: 'over', alert: isReadable ? alert : notWatched(alert), sinceMs }]
    })
  }

  function stands(alert: Alert, nowMs: number): Notice[] {
    const before = standing.get(alert.id)
    const again = before !== undefined && nowMs - before.toldMs >= AGAIN_MS
    const sinceMs = before?.sinceMs ?? nowMs
    standing.set(alert.id, { alert, sinceMs, toldMs: before && !again ? before.toldMs : nowMs })
    return !before || again ? [{ state: before ? 'still' : 'raised', alert, sinceMs }] : []
  }

  function happened(alert: Alert, nowMs: number): Notice[] {
    const known = told.delete(alert.id)
    // What is seen again stays among the newest: a flood of others must not push it out.
    told.add(alert.id)
    return known ? [] : [{ state: 'news', alert, sinceMs: nowMs }]
  }

  return {
    memory: () => memory,
    standing: () => [...standing.values()].map(({ alert, sinceMs }) => ({ alert, sinceMs })),
    take(round, nowMs) {
      const notices = [
        ...ended(round),
        ...round.alerts.flatMap((alert) => stands(alert, nowMs)),
        ...round.news.flatMap((alert) => happened(alert, nowMs)),
      ]
      for (const id of [...told].slice(0, -TOLD)) told.delete(id)
      memory = round.memory
      if (init.forwards) undelivered = [...undelivered, ...notices]
      write()
      return notices
    },
    undelivered: () => undelivered,
    delivered(notice) {
      undelivered = undelivered.filter((one) => one !== notice)
      write()
    },
  }
}

/** A daemon or an account that is named no more: its trouble may last. */
function notWatched(alert: Alert): Alert {
  return { ...alert, says: `not watched any more: ${alert.says}` }
}
