import type { Statement } from '../../proofs/codec.ts'
import { objectiveEvidenceHash } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import { createQueue } from '../base/queue.ts'
import type { CaseView } from '../chain/types.ts'
import type { Finding, OwnFinding } from '../court/court.ts'
import type { FoundFault } from '../receipt/faults.ts'
import { createAccuser } from './accuser.ts'
import { createAct } from './actions.ts'
import type { Bench } from './bench.ts'
import { createEvidenceKeeper } from './bundles.ts'
import { createCaseBook, type FoundCase } from './case-book.ts'
import { createCaseReceipts } from './case-receipts.ts'
import { type CheckResult, type CheckTask, replayTask } from './checks.ts'
import { createConvictions } from './convictions.ts'
import { createDocket } from './docket.ts'
import type { KnownReceipt } from './ledger.ts'
import { createProsecutions } from './prosecutions.ts'
import type { Rebuttals } from './rebuttals.ts'
import { createStanding, WAITING } from './standing.ts'

/** From findings to cases: what goes to the chain at once, what is frozen first, and what others' fails make us replay. */
export interface JusticeStage {
  /** A fault that the node's own signatures prove: straight to the chain. */
  objective(found: FoundFault): void
  /** A voteable fail of ours; keeps its evidence. */
  failed(result: CheckResult): Promise<void>
  /** Freezes the accused's deposit by a case that we believe in, or gives up after a while. Never throws. */
  freeze(finding: OwnFinding): Promise<void>
  /** Could a proof of this receipt still change anything? Not where its node signed a worse fault already, or enough is proven. */
  worthProving(known: KnownReceipt): boolean
  /** Somebody's opened answer, ours too. */
  heard(finding: Finding): void
  vote(statement: Statement<'vote'>): void
  /** Recomputes what is to do from chain state; called on every head. */
  onHead(): Promise<void>
  /** Takes up faults that an earlier run found and did not bring to their end. */
  resume(): Promise<void>
}

export interface JusticeStageDeps {
  replay(task: CheckTask): void
  rebuttals?: Rebuttals
}

/** Fails whose files, and accusations whose words, are remembered. */
const REMEMBERED = 200

/** Milliseconds before a fault that could not be written down is tried again. */
const PROSECUTE_AGAIN_MS = 3_000

/** Faults that are written down, or bundled, at a time: one window may hold thousands of them. */
const PROSECUTED_AT_ONCE = 2

export function createJusticeStage(bench: Bench, deps: JusticeStageDeps): JusticeStage {
  const { chain, court, params, mode } = bench
  const onChain = mode === 'active' || mode === 'dry-run'
  const act = createAct(bench)
  const standing = createStanding(bench)
  const convictions = createConvictions(bench, { act, standing })
  const book = createCaseBook(bench)
  const keeper = createEvidenceKeeper(bench)
  const accuser = createAccuser(bench, {
    ...{ act, standing, replayCase },
    onOpened(finding) {
      const fail = fails.get(keyOf(finding))
      if (fail) bench.later(0, 'sheet', () => keeper.picture(fail))
    },
  })
  const receipts = createCaseReceipts(bench)
  const docket = createDocket(bench)
  const prosecutions = createProsecutions(bench, { act, book, keep: convictions.keep, over: docket.leave })
  // Nothing that waits here is dropped: it is written down nowhere else yet.
  const writing = createQueue({
    ...{ concurrency: PROSECUTED_AT_ONCE, limit: Number.POSITIVE_INFINITY },
    onError: (error) => bench.logger.error('A fault could not be brought', { reason: messageOf(error) }),
  })
  bench.signal.addEventListener('abort', () => void writing.stop(), { once: true })
  /** Faults of each node that wait to be written down. */
  const unwritten = new Map<Hex, number>()
  const objectives = new Set<Hex>()
  const ended = new Set<Hex>()
  const accusations = new Map<string, Finding>()
  const fails = new Map<string, CheckResult>()

  bench.ledger.onForget(({ digest }) => void objectives.delete(digest))

  // A suspect that moves its stake is not waited for: whatever held up its cases is tried at once.
  const stop = chain.onAlarm(({ transcoder }) => {
    for (const view of chain.cases()) if (view.transcoder === transcoder) act.again(view.faultId)
    prosecutions.hurry(transcoder)
    onHead().catch(() => undefined)
  })
  bench.signal.addEventListener('abort', stop, { once: true })

  async function prosecute(found: FoundFault): Promise<void> {
    const { fault, evidence } = found
    const { faultClass, faultId, transcoder } = fault
    const evidenceHash = objectiveEvidenceHash(faultClass, evidence)
    await book.found({ faultId, faultClass, transcoder, evidenceHash, evidence })
    bench.scores?.fault(transcoder, bench.chain.nowSec())
    bench.logger.warn('Fault found', { faultClass, transcoder, faultId })
    chain.suspect(transcoder, `fault ${faultClass} was found`)
    if (!onChain) return
    const work = { faultId, faultClass, transcoder, evidenceHash, evidence }
    // Without its receipts, which nothing here needs: thousands may wait.
    await inTurn(work, () => bundleAndBring({ fault, evidence }, work))
  }

  /** Now, or when its node has room for it. */
  async function inTurn(fault: FoundCase, bring: () => Promise<void>): Promise<void> {
    if (docket.enter(fault, () => void writing.add({ priority: 0, run: bring }))) await bring()
  }

  async function bundleAndBring(found: Pick<FoundFault, 'fault' | 'evidence'>, work: FoundCase): Promise<void> {
    await keeper.objective(found)
    prosecutions.add(work)
  }

  /**
   * A fault is found once: where it cannot be written down now, on a full disk, it is tried again until it can. The first of a node comes before the
   * second of another, however many that one has.
   */
  function prosecuteInTime(found: FoundFault, afterMs = 0): void {
    const { faultId, transcoder } = found.fault
    const run = async () => {
      await prosecute(found).catch((error: unknown) => {
        if (afterMs === 0) bench.logger.warn('A fault could not be written down yet', { faultId, reason: messageOf(error) })
        prosecuteInTime(found, PROSECUTE_AGAIN_MS)
      })
      const left = (unwritten.get(transcoder) ?? 1) - 1
      if (left > 0) unwritten.set(transcoder, left)
      else unwritten.delete(transcoder)
    }
    const inLine = async () => {
      const before = unwritten.get(transcoder) ?? 0
      unwritten.set(transcoder, before + 1)
      writing.add({ priority: before, run })
    }
    bench.later(afterMs, 'prosecute', inLine)
  }

  function replayCase(view: CaseView): void {
    const known = bench.ledger.receipt(view.receiptDigest)
    const rendition = standing.renditionOf(view)
    if (!known || rendition === undefined || objectives.has(view.receiptDigest)) return
    const isAgain = standing.needsReplay(view)
    const task = isAgain || standing.isUnjudged(view) ? replayTask(params.draw, known, rendition) : undefined
    if (task) deps.replay(isAgain ? { ...task, again: true } : task)
  }

  function heard(finding: Finding): void {
    if (!bench.identity || finding.outcome !== 'fail' || finding.fisherman === bench.address) return
    // What the node's own signatures prove needs no votes.
    if (objectives.has(finding.receiptDigest)) return
    accusations.set(keyOf(finding), finding)
    if (accusations.size > REMEMBERED) accusations.delete(accusations.keys().next().value as string)
    const hasCase = standing.waiting(finding.transcoder).length > 0
    if (standing.isPunished(finding.transcoder) || !court.callsForReplay(finding, hasCase)) return
    const known = bench.ledger.receipt(finding.receiptDigest)
    const task = known && replayTask(params.draw, known, finding.rendition)
    // Where we answered for it already, it was withheld from us.
    const answered = court.ownFinding(finding.receiptDigest, finding.rendition)
    if (task && !task.undrawable) deps.replay(answered ? { ...task, again: true } : task)
  }

  async function onHead(): Promise<void> {
    prosecutions.onHead()
    docket.onHead()
    accuser.onHead()
    // One case that cannot be dealt with must not keep the others waiting.
    for (const view of chain.cases())
      await look(view).catch((error: unknown) => {
        if (!bench.signal.aborted)
          bench.logger.warn('A case could not be looked at', { faultId: view.faultId, reason: messageOf(error) })
      })
  }

  async function look(view: CaseView): Promise<void> {
    await book.note(view)
    deps.rebuttals?.note(view)
    if (view.state === 'convicted' || view.state === 'settled') {
      if (!ended.has(view.faultId)) {
        ended.add(view.faultId)
        court.forget(view.transcoder)
        if (view.evidenceHash && view.opener) bench.later(0, 'notes', () => decided(view))
      }
      await convictions.conclude(view)
    }
    if (view.state === 'rejected' || view.state === 'drawn') dismissed(view)
    // Blocks that are taken back open it again: then its votes are read from the log.
    if (!WAITING.includes(view.state)) return convictions.forget(view.faultId)
    await convictions.expire(view)
    if (standing.isOver(view)) return
    const known = bench.ledger.receipt(view.receiptDigest)
    if (known) await keepReceipt(known)
    // Whoever is punished already is not protected from sham cases by that.
    if (bench.identity) replayCase(view)
    await convictions.dismiss(view)
    if (standing.isPunished(view.transcoder)) return
    // Accusations may have come before the chain showed the case.
    for (const accusation of accusations.values()) if (accusation.transcoder === view.transcoder) heard(accusation)
    // Of several cases the oldest that we believe in counts: one fault of a stream is punished once.
    if (standing.waiting(view.transcoder).find(standing.isCredible)?.faultId === view.faultId) await convictions.pursue(view)
  }

  /** What could not be written down now is with the next look at its case; the case itself is not held up by that. */
  async function keepReceipt(known: KnownReceipt): Promise<void> {
    await receipts.keep(known).catch((error: unknown) => {
      bench.logger.warn('A receipt could not be kept yet', { receiptDigest: known.receipt.digest, reason: messageOf(error) })
    })
  }

  /** Nobody was at fault. Votes that found none say so of the opener too: what it said of this rendition is no evidence any more. */
  function dismissed(view: CaseView): void {
    if (ended.has(view.faultId)) return
    const { faultId, opener, receiptDigest, state, transcoder } = view
    const rendition = standing.renditionOf(view)
    if (opener && rendition === undefined && state === 'rejected') return
    ended.add(faultId)
    court.forget(transcoder)
    bench.logger.info('A case was dismissed', { faultId, transcoder, state, opener })
    bench.later(0, 'notes', () => decided(view))
    if (!opener || rendition === undefined || state !== 'rejected') return
    court.discredit(opener, receiptDigest, rendition)
    const key = keyOf({ receiptDigest, rendition })
    if (accusations.get(key)?.fisherman === opener) accusations.delete(key)
  }

  /** What the case was decided by joins its evidence, where we hold it. */
  async function decided({ evidenceHash, faultId, receiptDigest }: CaseView): Promise<void> {
    if (evidenceHash && (await bench.evidence.has(evidenceHash))) await keeper.decided(evidenceHash, { faultId, receiptDigest })
  }

  return {
    objective(found) {
      for (const { digest } of found.receipts) objectives.add(digest)
      prosecuteInTime(found)
    },
    async failed(result) {
      const { known, rendition } = result.task
      fails.set(keyOf({ receiptDigest: known.receipt.digest, rendition }), slimOf(result))
      if (fails.size > REMEMBERED) fails.delete(fails.keys().next().value as string)
      await keepReceipt(known)
      await keeper.failed(result)
    },
    freeze: accuser.freeze,
    worthProving({ receipt }) {
      const { transcoder } = receipt.receipt
      if (objectives.has(receipt.digest) || standing.isPunished(transcoder)) return false
      // Enough is enough only where a case holds the node: what came to nothing must be brought again, by what is still to be proven.
      return !court.hasEnough(transcoder) || !standing.waiting(transcoder).some(standing.isCredible)
    },
    heard,
    vote: convictions.hear,
    onHead,
    async resume() {
      await receipts.resume()
      for (const fault of onChain ? await book.unfinished() : []) await inTurn(fault, async () => prosecutions.add(fault))
    },
  }
}

/** All that a contact sheet is drawn from; packets of earlier segments, the most of a result, are not. */
function slimOf(result: CheckResult): CheckResult {
  if (!result.files) return result
  const { request, ...files } = result.files
  const renditions = request.renditions.map(({ earlier: _, ...rendition }) => rendition)
  return { ...result, files: { ...files, request: { ...request, renditions } } }
}

function keyOf({ receiptDigest, rendition }: { receiptDigest: Hex; rendition: number }): string {
  return `${receiptDigest}/${rendition}`
}
