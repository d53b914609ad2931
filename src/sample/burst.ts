import { abiHash } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { fraction } from './draw.ts'

/** Two in a round of Livepeer (5,760 blocks of 12 s): of 28 in 14 rounds, 20 tell a node that is there 97 % of the time from one that is not. */
const PER_DAY = 2.5
const DAY_SEC = 86_400

/** Seconds from the beacon to the burst: enough to make streams that nobody has seen, and short for a node that would rent a card. */
export const BURST_LEAD_SECONDS = 60

/**
 * Does this beacon name this node for a burst? The same for all fishermen, so that they come at the same moment, and nodes that share one card are asked
 * together where one beacon names both; before the beacon nobody knows. `windowSeconds` lie between two beacons.
 */
export function isBurst(beacon: Hex, transcoder: Hex, windowSeconds: number): boolean {
  return fraction(abiHash(['string', 'bytes32', 'address'], ['burst', beacon, transcoder])) < (PER_DAY * windowSeconds) / DAY_SEC
}
