import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import type { StatementKind } from '../../proofs/codec.ts'
import type { Topics } from './topics.ts'

// Derived, not guessed: the method is Ethereum's (weights a topic, decay from "forget after T", caps from expected rates), with rates of a network
// of some tens of fishermen. Scoring bugs cannot be analysed without these numbers, so the node logs all of them at debug level when it starts.

const DECAY_INTERVAL_MS = 10_000
const HOUR_MS = 3_600_000
/** Points for a full time in the mesh and for full first deliveries, a unit of topic weight. */
const MESH_POINTS = 10
const DELIVERY_POINTS = 40
/** Peers in a topic's mesh: Ethereum's D, Dlow and Dhigh; the network is small and bandwidth is free. */
export const MESH = { D: 8, Dlo: 6, Dhi: 12, Dlazy: 6 } as const

/** Weight of a topic, and statements expected an hour in the whole network. The weights sum up to 1.2, so that all points together are 60. */
const TOPIC: Readonly<Record<StatementKind, { weight: number; perHour: number; forgetMs: number }>> = {
  window: { weight: 0.1, perHour: 6_000, forgetMs: HOUR_MS },
  sealed: { weight: 0.25, perHour: 1_200, forgetMs: HOUR_MS },
  answer: { weight: 0.25, perHour: 1_200, forgetMs: HOUR_MS },
  vote: { weight: 0.25, perHour: 60, forgetMs: 24 * HOUR_MS },
  'fraud-proof': { weight: 0.25, perHour: 10, forgetMs: 24 * HOUR_MS },
  head: { weight: 0.1, perHour: 1_200, forgetMs: HOUR_MS },
}

export const MAX_POSITIVE = (MESH_POINTS + DELIVERY_POINTS) * Object.values(TOPIC).reduce((sum, { weight }) => sum + weight, 0)

/** No gossip with a peer below the first, no publishing to it below the second, nothing from it at all below the third: the 4th invalid statement. */
export const THRESHOLDS = { gossipThreshold: -200, publishThreshold: -400, graylistThreshold: -800 } as const

/** Factor an interval, so that one hundredth is left after `forgetMs`. */
export function decayOver(forgetMs: number): number {
  return 0.01 ** (DECAY_INTERVAL_MS / forgetMs)
}

function topicParams(kind: StatementKind) {
  const { weight, perHour, forgetMs } = TOPIC[kind]
  const decay = decayOver(forgetMs)
  // A counter that gets r an interval converges to r / (1 - decay); a good peer of D is first for up to twice its share.
  const perInterval = (perHour * DECAY_INTERVAL_MS) / HOUR_MS
  const cap = Math.max(1, (2 * perInterval) / MESH.D / (1 - decay))
  return {
    topicWeight: weight,
    timeInMeshQuantum: DECAY_INTERVAL_MS,
    timeInMeshCap: HOUR_MS / DECAY_INTERVAL_MS,
    timeInMeshWeight: MESH_POINTS / (HOUR_MS / DECAY_INTERVAL_MS),
    firstMessageDeliveriesDecay: decay,
    firstMessageDeliveriesCap: cap,
    firstMessageDeliveriesWeight: DELIVERY_POINTS / cap,
    // A mesh peer that delivers little is normal: our traffic is rare and irregular.
    meshMessageDeliveriesWeight: 0,
    meshMessageDeliveriesDecay: 0.5,
    meshMessageDeliveriesCap: 1,
    meshMessageDeliveriesThreshold: 1,
    meshMessageDeliveriesWindow: 10,
    meshMessageDeliveriesActivation: HOUR_MS,
    meshFailurePenaltyWeight: 0,
    meshFailurePenaltyDecay: 0.5,
    // One invalid statement costs all that a peer can earn; the counter is squared, so the 4th costs sixteen times as much.
    invalidMessageDeliveriesWeight: -MAX_POSITIVE / weight,
    invalidMessageDeliveriesDecay: decayOver(6 * HOUR_MS),
  }
}

/** Score parameters of gossipsub; `appSpecificScore` is how bans reach the router. */
export function scoreOptions(topics: Topics, appSpecificScore: (peerId: string) => number) {
  const kinds = Object.keys(TOPIC) as StatementKind[]
  return {
    scoreParams: {
      topics: Object.fromEntries(kinds.map((kind) => [topics.topicOf(kind), topicParams(kind)])),
      topicScoreCap: MAX_POSITIVE,
      appSpecificScore,
      appSpecificWeight: 1,
      // Beyond eight peers behind one address (a data centre, a NAT) each further one costs half of what can be earned, squared.
      IPColocationFactorThreshold: 8,
      IPColocationFactorWeight: -MAX_POSITIVE / 2,
      // A whole network on one machine is a test or a demo, not a Sybil.
      IPColocationFactorWhitelist: new Set(['127.0.0.1', '::1']),
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyWeight: -5,
      behaviourPenaltyDecay: decayOver(HOUR_MS),
      decayInterval: DECAY_INTERVAL_MS,
      decayToZero: 0.01,
      // An hour: a graylisted peer does not come back clean by reconnecting.
      retainScore: HOUR_MS,
    },
    // Peer exchange from strangers is off; grafting by opportunity needs better than the median of a small network.
    scoreThresholds: { ...THRESHOLDS, acceptPXThreshold: 1_000, opportunisticGraftThreshold: 5 },
  } satisfies Partial<GossipsubOpts>
}
