import type { StatementKind } from '../../proofs/codec.ts'
import type { Hex } from '../../proofs/types.ts'
import { createRateLimiter, type Quota, type RateLimiter } from '../base/rate.ts'
import type { Road } from './validate.ts'

/**
 * What one signer may bring by gossip. A fisherman answers some tens of samples a minute, ten times as many where it likes (DESIGN 6.2); a
 * feed closes a window each 4 s at the fastest preset. Votes come in bursts when a case escalates, fraud proofs are rare.
 */
const GOSSIP: Readonly<Record<StatementKind, Quota>> = {
  window: { burst: 16, everyMs: 1_000 },
  sealed: { burst: 200, everyMs: 200 },
  answer: { burst: 200, everyMs: 200 },
  vote: { burst: 200, everyMs: 500 },
  'fraud-proof': { burst: 20, everyMs: 2_000 },
  head: { burst: 20, everyMs: 5_000 },
}

/**
 * A pull brings history: a day of one busy signer at once, afterwards four times the rate of gossip, so that a node that was away always
 * catches up. An honest log holds no more than gossip let in.
 */
const PULL_BURST = 5_000
const PULL_SPEED = 4

/** Signers remembered a kind and road; registered fishermen and nodes are hundreds. */
const MAX_SIGNERS = 4_096

export interface Quotas {
  allows(road: Road, kind: StatementKind, signer: Hex): boolean
  take(road: Road, kind: StatementKind, signer: Hex): boolean
}

/** What a node sends keeps below what others take: two clocks that watch one flow never agree to the message. */
export const SENDING_SHARE = 0.9

export function createQuotas(clock: { nowMs(): number }, share = 1): Quotas {
  const limiters = new Map<string, RateLimiter>()
  for (const [kind, quota] of Object.entries(GOSSIP)) {
    const pull = { burst: PULL_BURST, everyMs: quota.everyMs / PULL_SPEED }
    const gossip = { burst: quota.burst * share, everyMs: quota.everyMs / share }
    limiters.set(`gossip:${kind}`, createRateLimiter({ ...gossip, maxKeys: MAX_SIGNERS }, clock))
    limiters.set(`pull:${kind}`, createRateLimiter({ ...pull, maxKeys: MAX_SIGNERS }, clock))
  }
  const of = (road: Road, kind: StatementKind) => limiters.get(`${road}:${kind}`)
  return {
    allows: (road, kind, signer) => of(road, kind)?.allows(signer) ?? false,
    take: (road, kind, signer) => of(road, kind)?.take(signer) ?? false,
  }
}
