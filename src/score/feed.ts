import type { Hex } from '../../proofs/types.ts'
import type { Score } from './score.ts'

/**
 * One entry as gateways and Livepeer's Explorer read it. Numbers only: an unmodified gateway reads the innermost level as a map of numbers,
 * and one word in it makes it drop the whole answer.
 */
export interface FeedEntry {
  success_rate: number
  round_trip_score: number
  score: number
  /** Samples, the 95 % interval of the success rate, round trips, and 1 where the score was earned, 0 where it stands for "unknown". */
  n: number
  success_low: number
  success_high: number
  trips: number
  known: 0 | 1
}

/** What stands for "we do not know": passes every threshold, since a gateway counts who is left out as 0. */
const BENEFIT_OF_DOUBT = 1

/**
 * Scores as a gateway filters by them: keeps nodes with score >= its minimum, takes a missing node for 0, keeps what it read once for ever, and
 * drops the filter altogether where nobody passes. So all nodes are named; who must not get work stands at 0; who is unknown passes; and where
 * nobody good reaches `floor`, the best of them is lifted to it, so that the filter never drops and lets a cheat back in.
 */
export function feedOf(scores: ReadonlyMap<Hex, Score>, { floor }: { floor: number }): Record<Hex, FeedEntry> {
  const lifted = floor > 0 ? bestBelow(scores, floor) : undefined
  const entries = [...scores].sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    entries.map(([address, one]): [Hex, FeedEntry] => {
      const plain = one.tier === 'unknown' ? BENEFIT_OF_DOUBT : (one.score ?? 0)
      return [
        address,
        {
          success_rate: one.tier === 'unknown' ? BENEFIT_OF_DOUBT : one.tier === 'known' ? one.successRate : 0,
          // A speed that nobody measured takes nothing away; `trips` says that it is none.
          round_trip_score: one.speed ?? BENEFIT_OF_DOUBT,
          score: address === lifted ? Math.max(plain, floor) : plain,
          ...{ n: one.n, success_low: one.interval.low, success_high: one.interval.high, trips: one.trips },
          known: one.tier === 'known' || one.tier === 'failing' || one.tier === 'convicted' ? 1 : 0,
        },
      ]
    }),
  )
}

/** The best node that may get work, where none of them passes this floor; undefined where one does, or there is none. */
function bestBelow(scores: ReadonlyMap<Hex, Score>, floor: number): Hex | undefined {
  let best: { address: Hex; score: number } | undefined
  for (const [address, { tier, score = 0 }] of scores) {
    if (tier === 'unknown') return undefined
    if (tier !== 'known') continue
    if (score >= floor) return undefined
    if (!best || score > best.score || (score === best.score && address < best.address)) best = { address, score }
  }
  return best?.address
}

/** Those who may get work, best first; who is unknown comes after who is known, in the order of addresses. */
export function ranked(scores: ReadonlyMap<Hex, Score>): { address: Hex; score: Score }[] {
  return [...scores]
    .filter(([, { tier }]) => tier === 'known' || tier === 'unknown')
    .map(([address, score]) => ({ address, score }))
    .sort((a, b) => (b.score.score ?? -1) - (a.score.score ?? -1) || (a.address < b.address ? -1 : 1))
}
