import type { Hex, Outcome } from '../../proofs/types.ts'
import type { FeedSpan } from '../observe/feeds/source.ts'
import { NO_FACTS, type NodeFacts } from '../score/score.ts'
import { LINES } from '../verdict/lines.ts'
import { createScoreRows } from './score-rows.ts'
import type { VerdictRecord } from './verdicts.ts'

/** What a probe, or a stream that somebody pushed through a node, took. Seconds. */
export interface Trip {
  transcoder: Hex
  atSec: number
  segmentSec: number
  roundTripSec: number
  uploadSec: number
  downloadSec: number
  transcodeSec: number
  sent: number
  received: number
  errors: readonly { code: string; count: number }[]
}

/** What a node did with many streams at the same moment. */
export interface Burst {
  transcoder: Hex
  atSec: number
  asked: number
  /** Streams that came whole, in time, and were not found to be garbage. */
  inTime: number
  pixelsPerSec: number
}

export interface Probed {
  transcoder: Hex
  atSec: number
  outcome: Outcome
  /** How far it stayed from its nearest quality line, 0 to 1; none where no such line was looked at. */
  quality?: number | undefined
  why: string | null
}

export type Seen =
  | { kind: 'check'; transcoder: Hex; atSec: number; outcome: Outcome; quality: number | undefined; why: string | null }
  | { kind: 'unreceipted'; transcoder: Hex; atSec: number }
  | { kind: 'fault'; transcoder: Hex; atSec: number }
  | ({ kind: 'trip' } & Trip)
  | ({ kind: 'burst' } & Burst)

/** What we saw of nodes lately, to make scores of; verdicts come again from the proof log at a start. */
export interface ScoreBook {
  check(record: VerdictRecord): void
  trip(trip: Trip): void
  burst(burst: Burst): void
  /** What we bought ourselves and judged: a sample as any other in a score, and no evidence for a court. */
  probe(found: Probed): void
  /** Its own signatures prove a fault. */
  fault(transcoder: Hex, atSec: number): void
  /** Somebody got a segment that has no receipt in its window. */
  unreceipted(transcoder: Hex, atSec: number): void
  /** Without what only the court and the chain know. */
  facts(span: FeedSpan): Map<Hex, NodeFacts>
  of(transcoder: Hex, span: FeedSpan): readonly Seen[]
}

/** Things remembered; 100 nodes at 100 samples a day fill it in three weeks. Most are checks: 4 MB of them. */
const REMEMBERED = 200_000

export function createScoreBook(init: { remembered?: number } = {}): ScoreBook {
  const rows = createScoreRows(init.remembered ?? REMEMBERED)
  return {
    check(record) {
      const { transcoder, outcome } = record
      // Our own time: what the node says of when it finished is its word.
      const atSec = record.cost?.atSec ?? record.completedAt
      rows.check({ transcoder, atSec, outcome, why: whyOf(record), quality: qualityOf(record.verdict) })
    },
    trip: (trip) => rows.other({ kind: 'trip', ...trip }),
    burst: (burst) => rows.other({ kind: 'burst', ...burst }),
    probe: rows.check,
    fault: (transcoder, atSec) => rows.other({ kind: 'fault', transcoder, atSec }),
    unreceipted: (transcoder, atSec) => rows.other({ kind: 'unreceipted', transcoder, atSec }),
    facts(span) {
      const sums = new Map<Hex, Sum>()
      for (const seen of rows.within(span)) {
        const sum = sums.get(seen.transcoder) ?? newSum()
        sums.set(seen.transcoder, sum)
        add(sum, seen)
      }
      return new Map([...sums].map(([transcoder, sum]) => [transcoder, factsOf(sum)]))
    },
    of: (transcoder, span) => [...rows.within(span, transcoder)],
  }
}

interface Sum {
  counts: Record<Outcome | 'unreceipted', number>
  qualities: { sum: number; count: number }
  trips: { count: number; roundTripSec: number; segmentSec: number }
  streams: number | undefined
  faults: number
}

function newSum(): Sum {
  return {
    counts: { pass: 0, fail: 0, inconclusive: 0, withheld: 0, unreceipted: 0 },
    qualities: { sum: 0, count: 0 },
    trips: { count: 0, roundTripSec: 0, segmentSec: 0 },
    ...{ streams: undefined, faults: 0 },
  }
}

function add(sum: Sum, seen: Seen): void {
  const { counts, qualities, trips } = sum
  if (seen.kind === 'unreceipted') counts.unreceipted++
  else if (seen.kind === 'fault') sum.faults++
  else if (seen.kind === 'burst') sum.streams = Math.max(sum.streams ?? 0, seen.inTime)
  else if (seen.kind === 'check') {
    counts[seen.outcome]++
    if (seen.quality !== undefined) {
      qualities.sum += seen.quality
      qualities.count++
    }
  } else if (seen.roundTripSec === 0) {
    // Nothing came back: it took no time, and is no quick answer.
    return
  } else {
    trips.count++
    trips.roundTripSec += seen.roundTripSec
    trips.segmentSec += seen.segmentSec
  }
}

function factsOf({ counts, qualities, trips, streams, faults }: Sum): NodeFacts {
  const { count } = trips
  return {
    ...{ ...NO_FACTS, ...counts, faults },
    trips: count === 0 ? trips : { count, roundTripSec: trips.roundTripSec / count, segmentSec: trips.segmentSec / count },
    ...(qualities.count === 0 ? {} : { quality: qualities.sum / qualities.count }),
    ...(streams === undefined ? {} : { streams }),
  }
}

/** How far a check stayed from its nearest quality line: 1 at nothing of it, 0 at the line. */
export function qualityOf(verdict: unknown): number | undefined {
  const measures = (verdict as { measures?: Record<string, unknown> } | null)?.measures ?? {}
  const used = Object.entries(LINES).flatMap(([code, line]) => {
    const value = measures[code]
    if (line.class !== 'Q' || !(line.fraud > 0) || !Number.isFinite(line.fraud) || typeof value !== 'number') return []
    return [Math.min(1, Math.max(0, value / line.fraud))]
  })
  return used.length === 0 ? undefined : 1 - Math.max(...used)
}

/** Why a sample did not pass, in one word. */
function whyOf({ outcome, faultClass, verdict }: VerdictRecord): string | null {
  if (outcome === 'pass') return null
  const missing = (verdict as { missing?: unknown } | null)?.missing
  return faultClass ?? (typeof missing === 'string' ? missing : outcome)
}
