import { encodeDrawProof } from '../../proofs/codec.ts'
import { outcomeNumber } from '../../proofs/digest.ts'
import { structFromJson, structToJson } from '../../proofs/json.ts'
import { type Answer, type Hex, type Outcome, VERDICT_VERSION } from '../../proofs/types.ts'
import type { OwnFinding } from '../court/court.ts'
import { type Json, plainJson } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'
import type { CheckResult } from './checks.ts'

/** A verdict as the proof log keeps it: enough to open its answer after a restart. */
export interface VerdictRecord {
  sampleId: Hex
  transcoder: Hex
  streamId: Hex
  requester: Hex
  completedAt: number
  outcome: Outcome
  faultClass: 'D1' | 'D2' | 'D3' | null
  /** Chain time at which a look that may be voted on began; none for an everyday check. */
  provenAt?: number
  /** A deeper look for a case, at what was answered before: its answer is never said. */
  again?: true
  /** JSON of the answer, salt included; null where nothing is said (no key). */
  answer: Record<string, string | number> | null
  deadline: string
  drawProof: Hex
  beacon: Hex
  /** Of a stream whose pictures are not shown. */
  private?: true
  /** What the check cost, for the operator's budget; records of older versions lack it. */
  cost?: { atSec: number; seconds: number; bytes: number }
  /** Reasons, measures and facts, for people and for the bundle. */
  verdict: Json
}

/** The verdict is on disk: `record` is what lies there, `answer` what may be said of it. */
export type OnWritten = (result: CheckResult, record: VerdictRecord, answer: Answer) => Promise<void>

/** Writes a verdict to the log, then counts it, and hands it on. `isAgain` where an earlier try failed. */
export function createVerdictWriter(
  bench: Bench,
  onWritten: OnWritten,
): (result: CheckResult, isAgain: boolean) => Promise<void> {
  /** A write that failed may lie there after all: then that verdict counts, with the salt that it was written with. */
  async function writtenBefore({ task }: CheckResult): Promise<VerdictRecord | undefined> {
    const { transcoder } = task.known.receipt.receipt
    const verdicts = await bench.log.find({ kind: 'verdict', orchestrator: transcoder })
    return verdicts
      .map(({ payload }) => payload as unknown as VerdictRecord)
      .findLast(({ sampleId, again }) => sampleId === task.sampleId && again === task.again)
  }

  function answerOf({ task, outcome, evidenceHash, fingerprint }: CheckResult): Answer {
    return {
      ...{ sampleId: task.sampleId, receiptDigest: task.known.receipt.digest, rendition: task.rendition },
      ...{ outcome: outcomeNumber(outcome), evidenceHash, fingerprint, verdictVersion: VERDICT_VERSION },
      salt: bench.randomHash(),
    }
  }

  function recordOf(result: CheckResult, answer: Answer): VerdictRecord {
    const { task, outcome, faultClass } = result
    const { receipt, isPrivate } = task.known.receipt
    // A replay answers a fail that is open already: nobody is left to hide it from.
    const waitSeconds = task.sample ? bench.params.openAfterSeconds : 0
    return {
      sampleId: task.sampleId,
      transcoder: receipt.transcoder,
      streamId: receipt.streamId,
      requester: receipt.requester,
      completedAt: Number(receipt.completedAt),
      outcome,
      faultClass: faultClass ?? null,
      ...(result.provenAtSec === undefined ? {} : { provenAt: result.provenAtSec }),
      ...(task.again ? { again: true } : {}),
      answer: bench.identity ? structToJson('Answer', answer) : null,
      deadline: String(Math.floor(bench.chain.nowSec()) + waitSeconds),
      drawProof: task.sample ? encodeDrawProof(task.sample.proof) : '0x',
      beacon: task.beacon,
      ...(isPrivate ? { private: true } : {}),
      cost: result.cost,
      verdict: verdictJson(result),
    }
  }

  async function count(result: CheckResult, record: VerdictRecord, answer: Answer): Promise<void> {
    const { task, outcome, missing, verdict } = result
    const { receipt } = task.known.receipt
    if (!task.again) {
      bench.tally.verdict(record, result)
      if (outcome !== 'withheld') bench.scores?.check(record)
      bench.metrics.verdict(outcome, bench.chain.nowSec() - record.completedAt)
    }
    bench.logger.info(task.again ? 'Looked again for a case' : 'Checked', {
      ...{ transcoder: receipt.transcoder, seq: receipt.seq, rendition: task.rendition, outcome },
      ...(task.sample ? { tranche: task.sample.tranche } : { replay: true }),
      ...(missing ? { missing } : {}),
      ...(verdict && outcome !== 'pass' ? { reasons: verdict.reasons.map(({ code }) => code).join(',') } : {}),
    })
    await onWritten(result, record, answer)
  }

  return async (result, isAgain) => {
    const answer = answerOf(result)
    const before = isAgain ? await writtenBefore(result) : undefined
    if (before) return await count(result, before, before.answer ? structFromJson('Answer', before.answer) : answer)
    const record = recordOf(result, answer)
    if (!result.task.again) bench.tally.expect(result)
    const append = () => bench.log.append('verdict', record as unknown as Json)
    await bench.writeAhead.run('verdict', result.outcome, append, () => count(result, record, answer))
  }
}

/** What a verdict of ours means for the court. */
export function ownFinding(fisherman: Hex, record: VerdictRecord, answer: Answer): OwnFinding {
  return {
    fisherman,
    transcoder: record.transcoder,
    receiptDigest: answer.receiptDigest,
    streamId: record.streamId,
    rendition: answer.rendition,
    outcome: record.outcome,
    completedAt: record.completedAt,
    fingerprint: answer.fingerprint,
    ...(record.faultClass ? { faultClass: record.faultClass } : {}),
    ...(record.provenAt === undefined ? {} : { provenAtSec: record.provenAt }),
  }
}

/** What the log and the bundle keep of a verdict; numbers that JSON lacks become null. */
export function verdictJson({ verdict, missing }: Pick<CheckResult, 'verdict' | 'missing'>): Json {
  if (!verdict) return { missing: missing ?? 'nothing was judged' }
  const { reasons, measures, fingerprint, facts, faultClass, worstFrames } = verdict
  return plainJson({ reasons, measures, fingerprint, facts, class: faultClass ?? null, worst: worstFrames })
}
