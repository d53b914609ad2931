import type { Hex, Outcome } from '../../proofs/types.ts'
import { blameOf, isFishermanError, messageOf } from '../base/errors.ts'
import { keccakOf } from '../base/keccak.ts'
import type { PacketSet } from '../fingerprint/types.ts'
import { type Judge, type JudgeRequest, needsProof, type Reason, type RenditionVerdict } from '../judge.ts'
import type { Visit, VisitedSegment } from './visit.ts'

/** What we say of one rendition that we bought. It has no receipt, so that nothing of it can go to a court or onto a chain. */
export interface ProbeVerdict {
  seq: number
  rung: string
  contentHash: Hex
  bytes: number
  /** `withheld` is never said here: what a node refused is a refusal. */
  outcome: Exclude<Outcome, 'withheld'>
  faultClass?: 'D2' | 'D3' | 'Q'
  reasons: readonly Reason[]
  measures: RenditionVerdict['measures']
  /** Why nothing can be said, where it was no measure. */
  doubt?: string
}

/** Earlier segments whose packets a rendition is held against. */
const EARLIER = 4

/**
 * Judges all that came of a visit, as the daemon judges a drawn sample: `check`, and a fail only where `prove` says so. A fault of ours is
 * no verdict: such a rendition is left out, and `onTrouble` hears of it.
 */
export async function judgeVisit(
  visit: Visit,
  deps: { judge: Pick<Judge, 'judge'>; onTrouble?(reason: string): void },
  signal: AbortSignal,
): Promise<ProbeVerdict[]> {
  const verdicts: ProbeVerdict[] = []
  const earlier = new Map<number, PacketSet[]>()
  for (const segment of visit.segments) {
    const found = await judgeSegment(segment, earlier, deps.judge, signal)
    for (const [rung, { profile, file, bytes }] of segment.delivered.entries()) {
      const about = { seq: segment.seq, rung: profile.name, contentHash: await keccakOf({ file }), bytes }
      const one = found.get(rung)
      if (one && 'verdict' in one) {
        const { faultClass, reasons, measures, packets } = one
        earlier.set(rung, [...(earlier.get(rung) ?? []), packets].slice(-EARLIER))
        verdicts.push({ ...about, outcome: one.verdict, ...(faultClass ? { faultClass } : {}), reasons, measures })
      } else if (!one || blameOf(one.error) === 'ours' || !isFishermanError(one.error))
        deps.onTrouble?.(`segment ${segment.seq}, ${profile.name}: ${messageOf(one?.error)}`)
      else verdicts.push({ ...about, outcome: 'inconclusive', reasons: [], measures: {}, doubt: one.error.code })
    }
  }
  return verdicts
}

/** By place in the ladder: what was found, or why nothing was. */
type Found = Map<number, RenditionVerdict | { error: unknown }>

/** All renditions at depth `check`, then those that failed, or that did not decode, once more at depth `prove`. */
async function judgeSegment(
  segment: VisitedSegment,
  earlier: ReadonlyMap<number, readonly PacketSet[]>,
  judge: Pick<Judge, 'judge'>,
  signal: AbortSignal,
): Promise<Found> {
  /** In one request, so that the source is decoded once. What cannot be judged must not take the others with it: then each is asked about alone. */
  async function at(depth: JudgeRequest['depth'], rungs: readonly number[]): Promise<Found> {
    if (rungs.length === 0) return new Map()
    const renditions = rungs.map((rung) => {
      const { profile, file } = segment.delivered[rung] as VisitedSegment['delivered'][number]
      return { path: file, profile, earlier: earlier.get(rung) ?? [] }
    })
    try {
      const { renditions: found } = await judge.judge({ source: segment.source.file, renditions, depth }, { signal })
      return new Map(rungs.map((rung, i) => [rung, found[i] as RenditionVerdict]))
    } catch (error) {
      signal.throwIfAborted()
      if (rungs.length === 1) return new Map(rungs.map((rung) => [rung, { error }]))
      const alone: Found = new Map()
      for (const rung of rungs) for (const [key, one] of await at(depth, [rung])) alone.set(key, one)
      return alone
    }
  }

  const checked = await at('check', [...segment.delivered.keys()])
  const failed = [...checked].flatMap(([rung, one]) =>
    'verdict' in one && (one.verdict === 'fail' || needsProof(one)) ? [rung] : [],
  )
  return new Map([...checked, ...(await at('prove', failed))])
}
