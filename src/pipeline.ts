import { type AnyStatement, decodeStatement, type Statement } from '../proofs/codec.ts'
import { hexToBytes } from '../proofs/signature.ts'
import { type Answer, type Hex, OUTCOMES, type WindowRoot } from '../proofs/types.ts'
import { createAnswerStage } from './pipeline/answers.ts'
import { createAudits } from './pipeline/audits.ts'
import type { Bench } from './pipeline/bench.ts'
import type { FoundCase } from './pipeline/case-book.ts'
import { bytesOf, type CheckTask, createCheckStage } from './pipeline/checks.ts'
import { createDisclosures } from './pipeline/disclosures.ts'
import { createExplainer, createFates, type Explained } from './pipeline/explain.ts'
import { createJusticeStage } from './pipeline/justice.ts'
import { createOpinions } from './pipeline/opinions.ts'
import { createPrivateBytes } from './pipeline/private-bytes.ts'
import { createRebuttals } from './pipeline/rebuttals.ts'
import { recount } from './pipeline/recount.ts'
import type { VerdictRecord } from './pipeline/verdicts.ts'
import { createWindowStage } from './pipeline/windows.ts'
import { createFaultFinder, type FoundFault } from './receipt/faults.ts'
import type { FeedWindow } from './receipt/feed.ts'
import type { Sample } from './sample/draw.ts'

/** receipt -> sample -> fetch -> transcode -> fingerprint -> verdict -> prooflog -> court -> gossip -> attest -> chain */
export interface Pipeline {
  /** A new window of a feed. */
  takeWindow(window: FeedWindow): Promise<void>
  /** A valid statement of another fisherman, already in the log. */
  takeStatement(statement: AnyStatement): void
  onHead(): Promise<void>
  /** Why a receipt is looked at or not, and what became of it; undefined for one that is not known. */
  explain(receiptDigest: string): Promise<Explained | undefined>
  /** May everybody have this evidence? Not before its accused is beyond taking its deposit away. */
  isPublic(evidenceHash: Hex): boolean
  /** Takes up what an earlier run of this daemon left unfinished. */
  resume(): Promise<void>
}

/** Replays go first, then drawn samples by tranche: a case must not wait behind everyday work. */
const REPLAY_PRIORITY = 0
/** Further tries of a check that a fault of ours kept from an answer, and milliseconds before the first of them. */
const RETRIES = 3
const RETRY_MS = 4_000
const TROUBLES = 10_000
/** How far a start looks back in the log for unfinished work: no case can need an older verdict (statute of 14 rounds, about 11.5 days). */
const RESUME_MS = 15 * 86_400_000

export function createPipeline(bench: Bench): Pipeline {
  const finder = createFaultFinder(bench.domain, { keepWindows: bench.keepWindows })
  /** What is known of each sample's check: it runs at most once, whoever asks for it. */
  const inHand = new Map<string, 'waiting' | 'urgent' | 'started' | 'resting'>()
  const troubles = new Map<string, number>()
  const fates = createFates()
  const privateBytes = createPrivateBytes(bench)
  bench.ledger.onForget(({ sampleId }) => {
    inHand.delete(sampleId)
    inHand.delete(`${sampleId}/again`)
    troubles.delete(sampleId)
    fates.forget(sampleId)
  })

  const justice = createJusticeStage(bench, { replay, rebuttals: createRebuttals({ folder: bench.rebuttalDir }, bench) })
  const checks = createCheckStage(bench, { worthProving: justice.worthProving })
  const opinions = createOpinions(bench, bench.trust)
  const disclosures = createDisclosures(bench)
  const answers = createAnswerStage(bench, {
    opinions,
    onDrawnAnswer: (answer) => audits.heard(answer),
    isAudit: (...args) => audits.isAudit(...args),
    async freeze(finding) {
      await justice.freeze(finding)
      // Now it is opened: whoever hears that may ask for the evidence at once.
      disclosures.opened(finding)
    },
    onFinding(finding) {
      if (finding.fisherman === bench.address) disclosures.opened(finding)
      justice.heard(finding)
    },
    trancheOf: (...args) => windows.trancheOf(...args),
  })
  const windows = createWindowStage(bench, { finder, onFault: accuse, onSample: consider, onDrawn: answers.retry })

  const audits = createAudits(bench, {
    ...{
      opinions,
      beaconAt: windows.beaconAt,
      membersAt: windows.membersAt,
      verifierOf: windows.verifierOf,
      seals: answers.sealsOf,
    },
    isAnswered: (sampleId) => bench.address !== undefined && answers.sealsOf(sampleId).has(bench.address),
    check: (task) => void (inHand.has(task.sampleId) || enqueue(task, REPLAY_PRIORITY + 1 + (task.sample?.tranche ?? 0))),
  })

  function accuse(found: FoundFault): void {
    disclosures.found(found)
    justice.objective(found)
  }

  function consider(sample: Sample): void {
    const found = bench.ledger.sample(sample.sampleId)
    if (!found || inHand.has(sample.sampleId)) return
    const { sampleId, beacon, tranche } = sample
    enqueue({ known: found.known, rendition: found.rendition, sampleId, beacon, sample }, REPLAY_PRIORITY + 1 + tranche)
  }

  /** Another member failed it, or a case is about it. A drawn check of the same sample that still waits is overtaken by this one. */
  function replay(task: CheckTask): void {
    const state = inHand.get(keyOf(task))
    if ((state === undefined || state === 'waiting') && (troubles.get(keyOf(task)) ?? 0) <= RETRIES)
      enqueue(task, REPLAY_PRIORITY)
  }

  function enqueue(task: CheckTask, priority: number): void {
    const key = keyOf(task)
    const waits = priority === REPLAY_PRIORITY ? 'urgent' : 'waiting'
    inHand.set(key, waits)
    const look = async (signal: AbortSignal): Promise<void> => {
      if (inHand.get(key) !== waits || (await isLeftToOthers(task))) return
      // Whoever pauses is silent, as one that is switched off: later tranches of others wake.
      if (bench.paused()) {
        inHand.delete(key)
        fates.set(key, 'paused')
        bench.metrics.dropped('paused')
        return
      }
      // A budget silences only its owner: the later tranches of others wake, since we sealed nothing.
      if (!bench.budget.allows(bench.chain.nowSec(), task.sample ? 'sample' : 'replay', bytesOf(task.known))) {
        inHand.delete(key)
        fates.set(key, 'over-budget')
        bench.metrics.dropped(task.sample ? 'sample-over-budget' : 'replay-over-budget')
        return
      }
      inHand.set(key, 'started')
      const result = await checks.run(task, signal)
      if (!result) {
        inHand.set(key, 'resting')
        again(task, priority)
        return
      }
      if (result.faultClass) await justice.failed(result)
      audits.judged(result)
      await answers.submit(result)
      // A case may need one more look, after the accused's time to bring its bytes.
      if (task.again) inHand.delete(key)
    }
    const run = async (signal: AbortSignal) => await look(signal).finally(() => privateBytes.release(task.known))
    privateBytes.hold(task.known)
    // What was pushed out is not in hand any more: somebody else's fail may still call for it.
    const dropped = (): void => {
      void privateBytes.release(task.known)
      if (inHand.get(key) === waits) inHand.delete(key)
      fates.set(key, 'dropped')
    }
    if (bench.queue.add({ priority, run, dropped })) return
    dropped()
    bench.metrics.dropped('sample')
  }

  /** A check that failed by a fault of ours is tried again a little later; a fault that stays costs the sample, and is counted. */
  function again(task: CheckTask, priority: number): void {
    const key = keyOf(task)
    const failures = (troubles.get(key) ?? 0) + 1
    troubles.set(key, failures)
    if (troubles.size > TROUBLES) troubles.delete(troubles.keys().next().value as string)
    if (failures > RETRIES) {
      inHand.delete(key)
      fates.set(key, 'failed-here')
    } else
      bench.later(failures * RETRY_MS, 'retry', async () => (inHand.get(key) === 'resting' ? enqueue(task, priority) : undefined))
  }

  /** Later tranches stay asleep while a drawn member has answered; a seal that is not opened in time wakes them after all. */
  async function isLeftToOthers({ sample, known, sampleId, audit }: CheckTask): Promise<boolean> {
    if (!sample || sample.tranche === 0 || audit) return false
    const cover = await answers.coverOf(known, sampleId)
    if (!cover) return false
    inHand.delete(sampleId)
    fates.set(sampleId, 'left-to-others')
    if (cover === 'sealed') {
      const seconds = bench.params.openAfterSeconds + bench.params.openGraceSeconds
      bench.later(seconds * 1000, 'recheck', async () => consider(sample))
    }
    return true
  }

  return {
    takeWindow: windows.take,
    explain: createExplainer(bench, { windows, answers, stateOf: (sampleId) => inHand.get(sampleId) ?? fates.get(sampleId) }),
    takeStatement(statement) {
      if (statement.kind === 'sealed' || statement.kind === 'answer')
        answers.receive(statement as Statement<'sealed'> | Statement<'answer'>)
      else if (statement.kind === 'vote') justice.vote(statement as Statement<'vote'>)
      else if (statement.kind === 'window') {
        const { body, signature, signer } = statement as Statement<'window'>
        for (const found of finder.lookAtWindow({ window: body as WindowRoot, signature, signer })) accuse(found)
      } else bench.logger.info('Fraud proof received', { ...(statement as Statement<'fraud-proof'>).body })
    },
    isPublic: disclosures.isPublic,
    async onHead() {
      disclosures.onHead()
      answers.retry()
      await justice.onHead()
    },
    async resume() {
      await justice.resume()
      const sinceMs = bench.clock.nowMs() - RESUME_MS
      await recount(bench, sinceMs)
      const opened = new Set<string>()
      for (const { payload } of await bench.log.find({ kind: 'statement-sent', sinceMs })) {
        const { kind, bytes } = payload as { kind: string; bytes: Hex }
        if (kind !== 'answer') continue
        const { sampleId, outcome, evidenceHash } = decodeStatement('answer', hexToBytes(bytes)).body as Answer
        opened.add(sampleId)
        if (OUTCOMES[outcome] === 'fail') disclosures.openedBefore(evidenceHash)
      }
      const agreed = new Set<string>()
      for (const { payload } of await bench.log.find({ kind: 'withheld', sinceMs }))
        agreed.add((payload as { sampleId: string }).sampleId)
      const verdicts = (await bench.log.find({ kind: 'verdict', sinceMs })).map(
        ({ payload }) => payload as unknown as VerdictRecord,
      )
      for (const { at, payload } of await bench.log.find({ kind: 'case' })) {
        const { state, faultClass, transcoder, ...fault } = payload as unknown as FoundCase & { state: string }
        if (state !== 'found' || !faultClass.startsWith('O')) continue
        disclosures.foundBefore(fault)
        if (at >= sinceMs) bench.scores?.fault(transcoder, Math.floor(at / 1000))
      }
      disclosures.onHead()
      for (const record of verdicts) {
        if (!record.again) inHand.set(record.sampleId, 'started')
        if (record.cost) bench.budget.spend(record.cost.atSec, record.cost)
        const isAgreed = agreed.has(record.sampleId)
        await answers.resume(record, { isOpened: opened.has(record.sampleId), isAgreed })
      }
    },
  }
}

/** A second look is work of its own. */
function keyOf({ sampleId, again }: Pick<CheckTask, 'sampleId' | 'again'>): string {
  return again ? `${sampleId}/again` : sampleId
}
