import type { Counters } from './counters.ts'
import type { Node } from './node.ts'

/** A peer's gossip stream opens within a second of the link; after this without one the link is half open. */
const HALF_OPEN_MS = 5_000

/**
 * Finds links over which nothing comes in while the other side believes that all is well: a frame over the limit, or a stream that broke,
 * leaves one.
 */
export interface HalfOpenCheck {
  /** Identify has told that this peer speaks gossip. */
  speaks(peerId: string): void
  gone(peerId: string): void
  /** Peers whose link must be cut and dialled anew. */
  look(): string[]
}

export function createHalfOpenCheck(deps: { node: Node; clock: { nowMs(): number }; counters: Counters }): HalfOpenCheck {
  const { node, clock, counters } = deps
  /** When the link was first seen without an inbound gossip stream. */
  const since = new Map<string, number>()
  const speaking = new Set<string>()

  function isHalfOpen(id: string, hears: boolean): boolean {
    const nowMs = clock.nowMs()
    if (hears || !speaking.has(id)) since.delete(id)
    else if (!since.has(id)) since.set(id, nowMs)
    else return nowMs - (since.get(id) ?? nowMs) >= HALF_OPEN_MS
    return false
  }

  return {
    speaks: (id) => void speaking.add(id),
    gone(id) {
      since.delete(id)
      speaking.delete(id)
    },
    look() {
      return node.getPeers().flatMap((peer) => {
        const streams = node.getConnections(peer).flatMap((connection) => connection.streams)
        const hears = streams.some((stream) => stream.direction === 'inbound' && stream.protocol.startsWith('/meshsub/'))
        if (!isHalfOpen(peer.toString(), hears)) return []
        since.delete(peer.toString())
        counters.add('peers.half-open')
        return [peer.toString()]
      })
    },
  }
}
