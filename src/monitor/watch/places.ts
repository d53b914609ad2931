import type { Cursor } from '../../gossip/pull-frames.ts'
import type { PullPlaces } from '../../gossip/puller.ts'
import type { WatchState } from './state.ts'

export interface Places extends PullPlaces {
  /** Writes the places that were reached, if everything before them is shown. */
  settle(): void
  isSettled(): boolean
  /** Was this peer's log read to its end? */
  isAtEnd(peerId: string): boolean
  /** Peers whose logs were. */
  ends(): number
  /** Grows with each place that is new. */
  steps(): number
}

/**
 * A place in a peer's log is kept only when nothing that was read before it still waits to be shown: otherwise a restart would go on behind a proof
 * that nobody saw.
 */
export function createPlaces(state: WatchState, deps: { isIdle(): boolean }): Places {
  const reached = new Map<string, Cursor>()
  const atEnd = new Set<string>()
  let steps = 0
  return {
    of: state.placeOf,
    reached(peerId, cursor, { more, waits }) {
      if (waits) return
      reached.set(peerId, cursor)
      if (state.placeOf(peerId)?.seq !== cursor.seq) steps++
      if (!more) atEnd.add(peerId)
    },
    settle() {
      if (reached.size === 0 || !deps.isIdle()) return
      for (const [peerId, cursor] of reached) state.reached(peerId, cursor)
      reached.clear()
    },
    isSettled: () => reached.size === 0 && deps.isIdle(),
    isAtEnd: (peerId) => atEnd.has(peerId),
    ends: () => atEnd.size,
    steps: () => steps,
  }
}
