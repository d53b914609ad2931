import { type Limits, weiOf } from '../chain/limits.ts'
import { chainPreset } from '../chain/presets.ts'
import { STATUTE_ROUNDS } from '../chain/rules.ts'
import type { Config } from '../config/schema.ts'
import { type CourtParams, LOCAL_COURT, PUBLIC_COURT } from '../court/params.ts'
import type { DrawParams } from '../sample/draw.ts'
import { LOCAL_DRAW, PUBLIC_DRAW } from '../sample/params.ts'

/** What the daemons of one network agree on, beside its contracts. */
export interface NetworkParams {
  draw: DrawParams
  court: CourtParams
  /** Milliseconds between two looks at a feed, at the chain, and two pulls from a peer. */
  feedPollMs: number
  chainPollMs: number
  pullEveryMs: number
  /** Seconds between a seal and its opening: by then whoever woke before it was heard has sealed its own answer. */
  openAfterSeconds: number
  /** Seconds after a seal's deadline when a later tranche stops waiting for it to be opened. */
  openGraceSeconds: number
  /** Seconds that a fail waits for the deposit to be frozen before it is opened all the same. */
  freezeWaitSeconds: number
  /** Seconds that each further member waits before it brings a conviction that the opener did not bring. */
  convictTurnSeconds: number
  /** Seconds after the end of the appeal in which further wrong pictures of a convicted node are not prosecuted again. */
  strikeSeconds: number
  /** Milliseconds between two announcements of a grown log, and between two questions for our own head. */
  announceHeadMs: number
  askHeadMs: number
  /** Milliseconds between two heads on the chain: well within the time after which a silent member's weight stops counting. */
  anchorHeadMs: number
  /** Milliseconds between two readings of all orchestrators, for the score feeds. */
  directoryMs: number
  /** Seconds that a fraud report may be passed on. */
  reportLifeSeconds: number
  /** What transactions may cost, lock and take at most, where the operator says nothing: coins, tokens, gwei. */
  limits: { maxFeeGwei: number; gasPerDay: number; bond: number; slashesPerDay: number }
}

const LOCAL: NetworkParams = {
  draw: LOCAL_DRAW,
  court: LOCAL_COURT,
  feedPollMs: 1_000,
  chainPollMs: 500,
  pullEveryMs: 3_000,
  openAfterSeconds: 2,
  openGraceSeconds: 3,
  freezeWaitSeconds: 15,
  convictTurnSeconds: 3,
  strikeSeconds: 60,
  announceHeadMs: 2_000,
  askHeadMs: 1_000,
  anchorHeadMs: 3_600_000,
  directoryMs: 5_000,
  reportLifeSeconds: 3_600,
  // No real money.
  limits: { maxFeeGwei: 1_000, gasPerDay: 1_000, bond: 1_000_000, slashesPerDay: 1_000_000 },
}

const PUBLIC: NetworkParams = {
  draw: PUBLIC_DRAW,
  court: PUBLIC_COURT,
  feedPollMs: 10_000,
  chainPollMs: 2_000,
  pullEveryMs: 30_000,
  // Four tranches: whoever woke in the same one, and whoever did not hear of the seal in time, has sealed its own by then.
  openAfterSeconds: 40,
  openGraceSeconds: 20,
  freezeWaitSeconds: 300,
  convictTurnSeconds: 60,
  // The public appeal takes two weeks: that is respite enough.
  strikeSeconds: 0,
  announceHeadMs: 30_000,
  askHeadMs: 10_000,
  anchorHeadMs: 20 * 3_600_000,
  // Half of what gateways wait: whoever joins the pool is in the feed the next time they ask.
  directoryMs: 300_000,
  reportLifeSeconds: 14 * 86_400,
  // Arbitrum's floor is 0.01 gwei and a proof costs 0.5 million gas with its commitment: room for thousands at that price, for ten at its peaks.
  limits: { maxFeeGwei: 10, gasPerDay: 0.05, bond: 250, slashesPerDay: 20 },
}

export function networkParams(network: 'local' | 'arbitrum-sepolia' | 'arbitrum-one'): NetworkParams {
  return network === 'local' ? LOCAL : PUBLIC
}

/** The operator's limits over those of the network, as the chain client takes them. */
export function limitsFor(
  params: Pick<NetworkParams, 'limits'>,
  given: Config['limits'],
): { maxFeePerGas: bigint; limits: Limits } {
  const known = params.limits
  return {
    maxFeePerGas: weiOf(given.maxFeeGwei ?? known.maxFeeGwei) / 1_000_000_000n,
    limits: {
      gasPerDay: weiOf(given.gasPerDay ?? known.gasPerDay),
      bond: weiOf(given.bond ?? known.bond),
      slashesPerDay: given.slashesPerDay ?? known.slashesPerDay,
    },
  }
}

/** Windows after which no receipt can be part of a case: the statute, and a round more for a receipt that was of the round before. */
export function windowsToKeep(network: 'local' | 'arbitrum-sepolia' | 'arbitrum-one'): number {
  const { roundSec, windowSec } = chainPreset(network)
  return Math.ceil(((STATUTE_ROUNDS + 1) * roundSec) / windowSec)
}
