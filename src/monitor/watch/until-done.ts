import { type Clock, sleep } from '../../base/clock.ts'
import { FishermanError } from '../../base/errors.ts'
import type { Gossip } from '../../gossip/index.ts'
import type { Doubts } from './doubts.ts'
import type { Places } from './places.ts'
import type { WatchCounts, WatchEvent, WatchOptions } from './types.ts'

export interface Running {
  clock: Clock
  gossip: Pick<Gossip, 'peers' | 'counters'>
  places: Places
  doubts: Doubts
  counts: WatchCounts
  onEvent(event: WatchEvent): void
}

const CONNECT_MS = 20_000
/** A peer whose log did not move for so many times that long holds up nobody who wants an end. */
const PATIENCE = 3
const LOOK_MS = 50

/**
 * Keeps the watch's view of its peers until the signal fires. With `once` it resolves when every peer's log is read to its end, and throws where
 * that cannot be for any of them.
 */
export async function untilDone(
  { once = false, peers, connectMs = CONNECT_MS }: Pick<WatchOptions, 'once' | 'peers' | 'connectMs'>,
  { clock, counts, gossip, places, doubts, onEvent }: Running,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = clock.monotonicMs()
  let [steps, movedMs] = [0, startedMs]
  let warned = false
  for (;;) {
    await sleep(LOOK_MS, signal)
    const connected = gossip.peers().map(({ id }) => id)
    if (connected.length !== counts.peers) {
      counts.peers = connected.length
      onEvent({ type: 'peers', connected: connected.length })
    }
    places.settle()
    const nowMs = clock.monotonicMs()
    if (steps !== places.steps() + counts.proofs) [steps, movedMs] = [places.steps() + counts.proofs, nowMs]
    const waitedLong = nowMs - startedMs > connectMs
    if (once && places.isSettled()) {
      const read = connected.filter(places.isAtEnd).length
      if (read === connected.length && read >= peers.length) return
      if (waitedLong && read === connected.length && places.ends() > 0) return tellMissing(peers.length, places.ends(), onEvent)
      if (waitedLong && connected.length === 0) throw nobody(gossip, doubts, connectMs)
      if (nowMs - movedMs > PATIENCE * connectMs) {
        if (places.ends() > 0) return tellMissing(peers.length, places.ends(), onEvent)
        throw unreadable()
      }
    } else if (!once && waitedLong && !warned) {
      warned = true
      if (connected.length < peers.length)
        onEvent({ type: 'notice', message: `only ${connected.length} of ${peers.length} peers can be reached` })
    }
  }
}

function tellMissing(named: number, read: number, tell: Running['onEvent']): void {
  if (read < named) tell({ type: 'notice', message: `only ${read} of ${named} peers could be read to the end` })
}

function nobody(gossip: Running['gossip'], doubts: Doubts, connectMs: number): FishermanError {
  const counters = gossip.counters()
  const why = counters['banned.foreign']
    ? 'whoever answers belongs to another network: check chain and anchor, or --deployment'
    : counters['banned.invalid-statement'] || counters['banned.violation']
      ? `the only peers reached serve false proofs${doubts.last() ? ` (${doubts.last()})` : ''}: name others`
      : `none answered in ${connectMs / 1000} s: check the addresses, and that the fishermen run`
  return new FishermanError({ code: 'no-peers', message: `no peer to follow: ${why}`, blame: 'unknown' })
}

function unreadable(): FishermanError {
  const message = 'the peers are connected, and none lets its log be read to the end: name others'
  return new FishermanError({ code: 'no-peers', message, blame: 'unknown' })
}
