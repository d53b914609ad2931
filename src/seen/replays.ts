import { refusal } from './refusal.ts'

/** How far the time of a donation may be from ours, milliseconds, both ways. */
export const TIME_WINDOW_MS = 300_000
/** Ids remembered; with less room than donations in two windows none is taken any more, rather than one twice. */
const MOST = 100_000

/** Takes each donation once. */
export interface Replays {
  /** Throws for one that came before, or at the wrong time; the returned function forgets it again where it did not come whole. */
  take(donor: string, id: string, timeMs: number): () => void
}

export function createReplays(clock: { nowMs(): number }): Replays {
  const seen = new Map<string, number>()
  // What was taken before a restart is not known any more: only what was sent since then is new for sure.
  const sinceMs = clock.nowMs()
  return {
    take(donor, id, timeMs) {
      const nowMs = clock.nowMs()
      if (Math.abs(nowMs - timeMs) > TIME_WINDOW_MS)
        throw refusal(
          409,
          'time',
          `timeMs is ${Math.round((nowMs - timeMs) / 1000)} s from our clock; send within ${TIME_WINDOW_MS / 1000} s`,
        )
      if (timeMs < sinceMs)
        throw refusal(409, 'time', 'it was sent before this receiver started, which may have had it already; send newer ones')
      for (const [key, atMs] of seen) {
        if (nowMs - atMs <= 2 * TIME_WINDOW_MS) break
        seen.delete(key)
      }
      const key = `${donor} ${id}`
      if (seen.has(key)) throw refusal(409, 'replayed', `donation ${id} was sent before`)
      if (seen.size >= MOST) throw refusal(503, 'full', 'too many donations in ten minutes', 60)
      seen.set(key, nowMs)
      return () => void seen.delete(key)
    },
  }
}
