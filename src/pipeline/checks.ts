import { stat } from 'node:fs/promises'
import { sampleIdOf, ZERO_HASH } from '../../proofs/digest.ts'
import type { FaultClass, Hex, Outcome, Rendition } from '../../proofs/types.ts'
import { blameOf, FishermanError, isFishermanError, messageOf } from '../base/errors.ts'
import { outcomeOfFetch, outcomeOfJudge } from '../base/failures.ts'
import type { PacketSet } from '../fingerprint/types.ts'
import { type JudgeRequest, needsProof, type RenditionRequest, type RenditionVerdict } from '../judge.ts'
import { mostSourceBytes } from '../receipt/row.ts'
import { type DrawParams, isDrawable, type Sample } from '../sample/draw.ts'
import type { Bench } from './bench.ts'
import type { CaseFiles } from './case-evidence.ts'
import { createEarlierPackets } from './earlier-packets.ts'
import { evidenceHashFor, type KnownReceipt } from './ledger.ts'

/** What to check: a sample that we were drawn for, or one that another member's fail calls us to replay. */
export interface CheckTask {
  known: KnownReceipt
  rendition: number
  sampleId: Hex
  beacon: Hex
  /** Undefined for a replay. */
  sample?: Sample
  /** Our answer stands already; a case needs a deeper look than it came from. */
  again?: true
  /** The answer of another member that this look was drawn to audit. */
  audit?: { member: Hex; fingerprint: Hex }
  /** No beacon could have drawn it: a look at it can clear the node, and never accuse it. */
  undrawable?: true
}

/** One finished check, with the files that it looked at while they are still cached. */
export interface CheckResult {
  task: CheckTask
  outcome: Outcome
  /** Set for a fail that may be voted on. */
  faultClass?: Extract<FaultClass, 'D1' | 'D2' | 'D3'>
  evidenceHash: Hex
  /** Zero where nothing could be decoded. */
  fingerprint: Hex
  /** Why the outcome is `withheld`. */
  missing?: string
  /** Chain time, Unix seconds, at which a look that may be voted on began; undefined for an everyday check. */
  provenAtSec?: number
  verdict?: RenditionVerdict
  files?: { source: string; rendition: string; request: JudgeRequest }
  /** Chain time, seconds that the judge was busy, and bytes that were asked for. */
  cost: { atSec: number; seconds: number; bytes: number }
}

export interface CheckStage {
  /** Fetches and judges; undefined when a fault of ours kept us from an answer. */
  run(task: CheckTask, signal: AbortSignal): Promise<CheckResult | undefined>
}

/** Proofs of one stream: two segments convict, quality never does, and later fails of a struck stream count nothing. */
const PROOFS_PER_STREAM = 4
/** Streams whose proofs are counted. */
const COUNTED_STREAMS = 2_000
/** Remembered packed, elsewhere: a result must not hold on to them. */
const NO_PACKETS: PacketSet = { rendition: [], source: [] }

export function createCheckStage(bench: Bench, deps: { worthProving(known: KnownReceipt): boolean }): CheckStage {
  const proven = new Map<string, number>()
  const earlier = createEarlierPackets()

  async function run(task: CheckTask, signal: AbortSignal): Promise<CheckResult | undefined> {
    const { known, rendition } = task
    const cost = { atSec: Math.floor(bench.chain.nowSec()), seconds: 0, bytes: bytesOf(known) }
    const base = {
      task,
      cost,
      fingerprint: ZERO_HASH,
      evidenceHash: evidenceHashFor(known, rendition),
    }
    const started = bench.clock.monotonicMs()
    const provenAtSec = bench.chain.nowSec()
    // Whatever becomes of a replay, it was one.
    const replayed = task.sample ? {} : { provenAtSec }
    try {
      const files = await filesFor(task, base.evidenceHash, cost, signal)
      if ('missing' in files) return { ...base, ...replayed, outcome: 'withheld', missing: files.missing }
      const judgedMs = bench.clock.monotonicMs()
      const { verdict, request, depth } = await judge(task, files, signal).finally(() => {
        cost.seconds = (bench.clock.monotonicMs() - judgedMs) / 1000
      })
      bench.metrics.checkMs(depth, bench.clock.monotonicMs() - started)
      if (depth === 'prove' && verdict.verdict === 'fail') countProof(known)
      earlier.remember(streamOf(known, rendition), known.receipt.receipt.seq, verdict.packets)
      const outcome: Outcome = verdict.verdict
      // What the node could choose itself clears nobody; a fail is a fail, however it was found.
      if (known.window.late && task.sample && outcome === 'pass') return { ...base, outcome: 'withheld', missing: 'window-late' }
      const voteable =
        outcome === 'fail' &&
        depth === 'prove' &&
        !task.undrawable &&
        (verdict.faultClass === 'D2' || verdict.faultClass === 'D3')
      return {
        ...base,
        ...(depth === 'prove' ? { provenAtSec } : {}),
        outcome,
        fingerprint: verdict.fingerprint?.value ?? ZERO_HASH,
        ...(voteable ? { faultClass: verdict.faultClass as 'D2' | 'D3' } : {}),
        verdict: { ...verdict, packets: NO_PACKETS },
        files: { ...files, request },
      }
    } catch (error) {
      signal.throwIfAborted()
      // Media that ran into a limit, or whatever else nobody can place, is doubt.
      if (isFishermanError(error) && outcomeOfJudge(error))
        return { ...base, ...replayed, outcome: 'inconclusive', missing: error.code }
      // A fault of ours is no answer at all, least of all an accusation.
      bench.metrics.dropped('check-failed')
      bench.logger.warn('Check could not be done', { sampleId: task.sampleId, blame: blameOf(error), reason: messageOf(error) })
      return undefined
    } finally {
      bench.budget.spend(cost.atSec, cost)
    }
  }

  /**
   * What the node serves. A replay takes the evidence of whoever accused it where it serves nothing: who deletes its bytes once it is accused
   * must not escape by that. A drawn check does not: that its bytes are not to be had is what it has to say.
   */
  async function filesFor(
    task: CheckTask,
    evidenceHash: Hex,
    cost: CheckResult['cost'],
    signal: AbortSignal,
  ): Promise<CaseFiles | { missing: string }> {
    const { known, rendition } = task
    const served = await fetchAll(known, rendition, cost, signal)
    const leaf = known.receipt.renditions[rendition]
    if (!('missing' in served) || task.sample || !leaf) return served
    const { sourceHash } = known.receipt.receipt
    const wanted = { evidenceHash, sourceHash, contentHash: leaf.contentHash, ...markOf(known) }
    const found = await bench.caseEvidence.get(wanted, { signal })
    if (!found) return served
    cost.bytes += sourceBytesOf(known) + Number(leaf.byteLength)
    bench.logger.info('Replaying from the evidence of another member', { evidenceHash, missing: served.missing })
    return found
  }

  /** All blobs of the receipt, so that the feed cannot tell which rendition is looked at. */
  async function fetchAll(
    known: KnownReceipt,
    wanted: number,
    cost: CheckResult['cost'],
    signal: AbortSignal,
  ): Promise<CaseFiles | { missing: string }> {
    const { receipt, order, renditions } = known.receipt
    const get = (contentHash: Hex, byteLength: bigint) =>
      bench.blobs.get(
        { url: known.feed.url, transcoder: receipt.transcoder, contentHash, byteLength: Number(byteLength), ...markOf(known) },
        { signal },
      )
    try {
      const source = await get(receipt.sourceHash, mostSourceBytes(order))
      if (order.sourceBytes === 0n) cost.bytes += (await stat(source)).size - sourceBytesOf(known)
      let rendition = ''
      for (const leaf of renditions) {
        const file = await get(leaf.contentHash, leaf.byteLength)
        if (leaf.index === wanted) rendition = file
      }
      return { source, rendition }
    } catch (error) {
      signal.throwIfAborted()
      if (!isFishermanError(error) || error.blame === 'ours') throw error
      if (outcomeOfFetch(error, bench.online())) return { missing: error.code }
      throw new FishermanError({
        code: 'offline',
        message: 'nobody can be reached, so nothing is said of one node',
        blame: 'ours',
        cause: error,
      })
    }
  }

  async function judge(
    task: CheckTask,
    files: CaseFiles,
    signal: AbortSignal,
  ): Promise<{ verdict: RenditionVerdict; request: JudgeRequest; depth: 'check' | 'prove' }> {
    const { known, rendition } = task
    const leaf = known.receipt.renditions[rendition] as Rendition
    const profile = known.receipt.profiles[rendition]
    const fisherman = bench.address
    const asked: RenditionRequest = {
      path: files.rendition,
      ...(profile ? { profile } : {}),
      leaf: { width: leaf.width, height: leaf.height, frames: leaf.frames, durationMs: leaf.durationMs },
      ...(fisherman ? { draw: { beacon: task.beacon, sampleId: task.sampleId, fisherman } } : {}),
      ...(task.audit ? { audit: { beacon: task.beacon, sampleId: task.sampleId, fisherman: task.audit.member } } : {}),
      earlier: earlier.before(streamOf(known, rendition), known.receipt.receipt.seq),
    }
    const at = async (depth: 'check' | 'prove', confirm: boolean) => {
      const request: JudgeRequest = { source: files.source, renditions: [asked], depth, confirm }
      const [verdict] = (await bench.judge.judge(request, { signal })).renditions
      if (!verdict) throw new FishermanError({ code: 'no-verdict', message: 'the judge gave no verdict', blame: 'ours' })
      return { verdict, request, depth }
    }
    // A replay confirms somebody else's fail: its lines are a little lower, so that noise near a line does not split the court.
    if (!task.sample) return await at('prove', true)
    const first = await at('check', false)
    const isFail = first.verdict.verdict === 'fail'
    return needsProof(first.verdict) || (isFail && isWorthProving(known)) ? await at('prove', false) : first
  }

  /** A proof costs two encodes: after a few of one stream, or where it could change nothing, the check's own fail stands. */
  function isWorthProving(known: KnownReceipt): boolean {
    return deps.worthProving(known) && (proven.get(streamOf(known, 0)) ?? 0) < PROOFS_PER_STREAM
  }

  const streamOf = (known: KnownReceipt, rendition: number) =>
    `${known.receipt.receipt.transcoder}/${known.receipt.receipt.streamId}/${rendition}`

  function countProof(known: KnownReceipt): void {
    const key = streamOf(known, 0)
    proven.set(key, (proven.get(key) ?? 0) + 1)
    if (proven.size > COUNTED_STREAMS) proven.delete(proven.keys().next().value as string)
  }

  return { run }
}

function markOf({ receipt: { isPrivate } }: Pick<KnownReceipt, 'receipt'>): { isPrivate?: true } {
  return isPrivate ? { isPrivate } : {}
}

/** Bytes of media that a check of this receipt asks for. */
export function bytesOf(known: Pick<KnownReceipt, 'receipt'>): number {
  return sourceBytesOf(known) + renditionBytesOf(known)
}

/** What the order says; where it says nothing (Livepeer's own orders), a source is taken to be as large as all that is made of it. */
function sourceBytesOf(known: Pick<KnownReceipt, 'receipt'>): number {
  return Number(known.receipt.order.sourceBytes) || renditionBytesOf(known)
}

function renditionBytesOf({ receipt }: Pick<KnownReceipt, 'receipt'>): number {
  return receipt.renditions.reduce((sum, { byteLength }) => sum + Number(byteLength), 0)
}

/** The task of replaying what another member failed. */
export function replayTask(draw: DrawParams, known: KnownReceipt, rendition: number): CheckTask | undefined {
  const drawn = known.window.draw
  if (!drawn || rendition >= known.receipt.renditions.length) return undefined
  const sampleId = sampleIdOf(known.receipt.digest, rendition, known.receipt.windowId)
  const task = { known, rendition, beacon: drawn.beacon, sampleId }
  // Who looks at all of a node's work always finds a segment that misleads the judge: only what a beacon could draw shows how often.
  return isDrawable(draw, drawn, sampleId) ? task : { ...task, undrawable: true }
}
