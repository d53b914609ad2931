import { type Interval, wilson } from './interval.ts'
import { type Axis, type Weights, weighed } from './weights.ts'

/** What was seen of one node in one region and one span of time. */
export interface NodeFacts {
  pass: number
  fail: number
  /** Doubt; counts nowhere. */
  inconclusive: number
  withheld: number
  /** Segments that a requester got and that have no receipt in their window. */
  unreceipted: number
  /** Faults that its own signatures prove. */
  faults: number
  /** Round trips of whole segments, in seconds, with the length of the segments. */
  trips: { count: number; roundTripSec: number; segmentSec: number }
  /** Mean of the checks' distance from the quality lines, 1 is none of it used; undefined where no check measured it. */
  quality?: number
  /** Streams at once that were answered in time. */
  streams?: number
  /** Evidence against it (CUSUM of the court). */
  evidenceScore: number
  isConvicted: boolean
}

/**
 * `convicted`: a conviction stands on the chain. `failing`: what we saw must not get work. `unknown`: too little was seen to say anything.
 * `known`: its score means something.
 */
export type Tier = 'convicted' | 'failing' | 'unknown' | 'known'

export interface Score {
  tier: Tier
  /** Why a node is failing, in words. */
  because?: string
  /** Checked samples that count: all but doubt. */
  n: number
  successRate: number
  /** 95 % of the success rate. */
  interval: Interval
  /** Livepeer's term, 1 - e^(-segment / round trip); undefined where no trip was measured. */
  speed?: number
  trips: number
  quality?: number
  capacity?: number
  /** By the given weights, else Livepeer's own formula; undefined while unknown, 0 for who must not get work. */
  score?: number
}

/** Fewer samples say nothing: with 30 passes of 30 the success rate may still be as low as 0.89. */
export const KNOWN_FROM = 30
/** Share of withheld and unreceipted samples above which the score is 0. */
export const WITHHELD_SHARE = 0.02
/** The court's alarm: about four net strikes. */
const ALARM = 14
/** Half of the alarm, two strikes in different streams: no longer a stranger who gets the benefit of the doubt. */
const SUSPECT = 7
/** Sessions that a Livepeer node allows at once unless its operator says otherwise: more of them is no better a score. */
const FULL_STREAMS = 10

export const NO_FACTS: NodeFacts = {
  ...{ pass: 0, fail: 0, inconclusive: 0, withheld: 0, unreceipted: 0, faults: 0 },
  trips: { count: 0, roundTripSec: 0, segmentSec: 0 },
  ...{ evidenceScore: 0, isConvicted: false },
}

/** Pure; every number of it can be computed again from the facts. */
export function scoreOf(facts: NodeFacts, weights?: Weights): Score {
  const { pass, fail, withheld, unreceipted } = facts
  const n = pass + fail + withheld + unreceipted
  const successRate = n === 0 ? 0 : pass / n
  const speed = speedOf(facts.trips)
  const because = failureOf(facts, n)
  const tier = facts.isConvicted ? 'convicted' : because !== undefined ? 'failing' : n < KNOWN_FROM ? 'unknown' : 'known'
  const capacity = facts.streams === undefined ? undefined : Math.min(1, facts.streams / FULL_STREAMS)
  const axes: Partial<Record<Axis, number>> = {
    success: successRate,
    ...(speed === undefined ? {} : { speed }),
    ...(facts.quality === undefined ? {} : { quality: facts.quality }),
    ...(capacity === undefined ? {} : { capacity }),
  }
  // Livepeer's own: success times speed. A speed that nobody measured takes nothing away.
  const worth = weights ? weighed(axes, weights) : successRate * (speed ?? 1)
  const score = tier === 'known' ? worth : tier === 'unknown' ? undefined : 0
  return {
    ...{ tier, n, successRate, interval: wilson(pass, n), trips: facts.trips.count },
    ...(because === undefined ? {} : { because }),
    ...(speed === undefined ? {} : { speed }),
    ...(facts.quality === undefined ? {} : { quality: facts.quality }),
    ...(capacity === undefined ? {} : { capacity }),
    ...(score === undefined ? {} : { score }),
  }
}

/** Averages first, then the formula: as Livepeer's leaderboard does it. */
function speedOf({ count, roundTripSec, segmentSec }: NodeFacts['trips']): number | undefined {
  if (count <= 0 || roundTripSec <= 0) return undefined
  return 1 - Math.exp(-segmentSec / roundTripSec)
}

/** Why a node must not get work; undefined where nothing speaks against it, or too little was seen to say so. */
function failureOf({ pass, fail, withheld, unreceipted, faults, evidenceScore }: NodeFacts, n: number): string | undefined {
  const hidden = withheld + unreceipted
  if (faults > 0) return 'its own signatures prove a fault'
  if (evidenceScore >= ALARM) return 'its evidence score is at the alarm'
  // Few samples: only where even the low end of what may be is above the line, so that one accident is no pattern.
  const share = n < KNOWN_FROM ? wilson(hidden, n).low : hidden / n
  if (share > WITHHELD_SHARE) return `${hidden} of ${n} samples were withheld or had no receipt`
  if (n < KNOWN_FROM && evidenceScore >= SUSPECT) return 'bad samples of more than one stream, and too few others'
  if (n >= KNOWN_FROM && pass === 0 && fail > 0) return 'nothing of it passed'
  return undefined
}
