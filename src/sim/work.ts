import type { Hex } from '../../proofs/types.ts'
import type { Random } from './random.ts'
import type { NodeKind, SimSettings } from './settings.ts'

/** One stream of a node on one day. */
export interface Stream {
  id: Hex
  requester: string
  /** Share of its segments that honest verification fails. */
  badShare: number
}

/** Below so many streams a day probes supply the others. */
const LEAST_STREAMS = 5
/** Gateways that a node's streams come from. */
const REQUESTERS = 10

/** The work of one node in one day. */
export function streamsOfDay(settings: SimSettings, kind: NodeKind, random: Random): Stream[] {
  const { streams, probes, honestFails, burstyStreams, burstyFails } = settings
  const count = probes ? Math.max(streams, LEAST_STREAMS) : streams
  return Array.from({ length: count }, (_, i) => ({
    id: `${random.hex(8)}${'0'.repeat(48)}`,
    requester: `requester ${i % REQUESTERS}`,
    badShare:
      kind.name === 'cheat' ? kind.rate : kind.name === 'bursty' && random.next() < burstyStreams ? burstyFails : honestFails,
  }))
}

/** An index drawn with these weights. */
export function pick(weights: readonly number[], random: Random): number {
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [index, weight] of weights.entries()) {
    left -= weight
    if (left < 0) return index
  }
  return weights.length - 1
}
