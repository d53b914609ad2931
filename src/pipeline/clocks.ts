import type { Hex } from '../../proofs/types.ts'

/** How far others' clocks are from ours, by what they sign: only for people, nothing is decided by it. */
export interface PeerClocks {
  /** A head that has just come by gossip, and was signed a moment ago by its owner's clock. */
  heard(fisherman: Hex, signedAtSec: number): void
  /** Seconds by which each one's clock is ahead of ours, the latest of each. */
  ahead(): { fisherman: Hex; seconds: number }[]
}

const MAX_KEPT = 256

export function createPeerClocks(deps: { nowSec(): number }): PeerClocks {
  const last = new Map<Hex, number>()
  return {
    heard(fisherman, signedAtSec) {
      last.delete(fisherman)
      last.set(fisherman, signedAtSec - deps.nowSec())
      for (const oldest of last.keys()) if (last.size > MAX_KEPT) last.delete(oldest)
    },
    ahead: () => [...last].map(([fisherman, seconds]) => ({ fisherman, seconds })),
  }
}
