import type { Hex, Outcome } from '../../proofs/types.ts'
import { blameOf, isFishermanError, messageOf } from '../base/errors.ts'
import { keccakOf } from '../base/keccak.ts'
import type { PacketSet } from '../fingerprint/types.ts'
import type { Judge, JudgeRequest, Reason, RenditionVerdict } from '../judge.ts'
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
 * Judges all that came of a visit, as the daemon judges a drawn sample: `check`, and a fail only where `prove` says so too. A fault of ours is
 * no verdict: such a rendition is left out, and `onTrouble` hears of it.
 */
export async function judgeVisit(
  visit: Visit,
  deps: { judge: Pick<Judge, 'judge'>; onTrouble?(reason: string): void },
  signal: AbortSignal,
): Promise<ProbeVerdict[]> {
  const verdicts: ProbeVerdict[] = []
  const earlier = new Map<number, PacketSet[]>()
  for (const segment of visit.segments)
    for (const [rung, { profile, file, bytes }] of segment.delivered.entries()) {
      const before = earlier.get(rung) ?? []
      const about = { seq: segment.seq, rung: profile.name, contentHash: await keccakOf({ file }), bytes }
      try {
        const verdict = await judgeOne(segment, rung, before, deps.judge, signal)
        earlier.set(rung, [...before, verdict.packets].slice(-EARLIER))
        const { faultClass, reasons, measures } = verdict
        verdicts.push({ ...about, outcome: verdict.verdict, ...(faultClass ? { faultClass } : {}), reasons, measures })
      } catch (error) {
        signal.throwIfAborted()
        if (blameOf(error) === 'ours' || !isFishermanError(error)) {
          deps.onTrouble?.(`segment ${segment.seq}, ${profile.name}: ${messageOf(error)}`)
          continue
        }
        verdicts.push({ ...about, outcome: 'inconclusive', reasons: [], measures: {}, doubt: error.code })
      }
    }
  return verdicts
}

async function judgeOne(
  segment: VisitedSegment,
  rung: number,
  earlier: readonly PacketSet[],
  judge: Pick<Judge, 'judge'>,
  signal: AbortSignal,
): Promise<RenditionVerdict> {
  const { profile, file } = segment.delivered[rung] as VisitedSegment['delivered'][number]
  const at = async (depth: JudgeRequest['depth']): Promise<RenditionVerdict> => {
    const request: JudgeRequest = { source: segment.source.file, renditions: [{ path: file, profile, earlier }], depth }
    return (await judge.judge(request, { signal })).renditions[0] as RenditionVerdict
  }
  const first = await at('check')
  return first.verdict === 'fail' ? await at('prove') : first
}
