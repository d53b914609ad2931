import type { Statement } from '../../proofs/codec.ts'
import { abiHash, workCommitOf, ZERO_HASH } from '../../proofs/digest.ts'
import { encodeConviction, shareOf } from '../../proofs/evidence.ts'
import { type ConvictionVote, FAULT_CLASSES, type Hex, VERDICT_VERSION } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import type { ActionResult, CaseView } from '../chain/types.ts'
import { convicts, type Finding, type OwnFinding } from '../court/court.ts'
import type { Json } from '../prooflog/entry.ts'
import type { FoundFault } from '../receipt/faults.ts'
import type { Bench } from './bench.ts'
import { keepEvidence, keepObjective } from './bundles.ts'
import { type CheckResult, type CheckTask, replayTask } from './checks.ts'
import { evidenceHashFor, type KnownReceipt } from './ledger.ts'

/** From findings to taken stake: cases, votes, convictions and reports. */
export interface JusticeStage {
  /** A fault that the node's own signatures prove: straight to the chain. */
  objective(found: FoundFault): void
  /** A voteable fail of ours; keeps its evidence. */
  failed(result: CheckResult): Promise<void>
  /** Freezes the accused's deposit, or sees that it is frozen; gives up after a while. Never throws. */
  freeze(finding: OwnFinding, evidenceHash: Hex): Promise<void>
  /** Could a proof of this receipt still change anything? Not where its node signed a worse fault already, or enough is proven. */
  worthProving(known: KnownReceipt): boolean
  /** Somebody's opened answer, ours too. */
  heard(finding: Finding): void
  vote(statement: Statement<'vote'>): void
  /** Recomputes what is to do from chain state; called on every head. */
  onHead(): Promise<void>
}

export interface JusticeStageDeps {
  replay(task: CheckTask): void
}

/** States in which a case still waits for its votes. */
const WAITING: readonly CaseView['state'][] = ['open', 'answered']
/** Fails whose files are remembered for a contact sheet. */
const REMEMBERED = 200

export function createJusticeStage(bench: Bench, deps: JusticeStageDeps): JusticeStage {
  const { chain, court, identity, params, mode } = bench
  const onChain = mode === 'active' || mode === 'dry-run'
  const votes = new Map<Hex, Map<Hex, Statement<'vote'>>>()
  const voted = new Set<Hex>()
  const acting = new Set<Hex>()
  const reported = new Set<Hex>()
  /** Chain time at which a case had its votes and its answer time was over. */
  const readyAt = new Map<Hex, number>()
  const fails = new Map<string, CheckResult>()
  const objectives = new Set<Hex>()
  const accusations = new Map<string, Finding>()
  const evidences = new Map<Hex, { evidence: Hex; evidenceHash: Hex }>()

  const failKey = (receiptDigest: Hex, rendition: number) => `${receiptDigest}/${rendition}`

  /** Runs one chain action for a fault at a time, logs what came of it, and never throws. */
  async function act(faultId: Hex, action: string, work: () => Promise<ActionResult>): Promise<ActionResult | undefined> {
    if (!onChain || acting.has(faultId)) return undefined
    acting.add(faultId)
    try {
      const result = await work()
      bench.metrics.transaction(action, result.status)
      const told = JSON.parse(
        JSON.stringify(result, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
      ) as Json
      if (result.status === 'mined') await bench.log.append('tx-seen', { faultId, action, result: told })
      bench.logger[result.status === 'refused' ? 'warn' : 'info']('Chain action', {
        action,
        faultId,
        ...(told as Record<string, unknown>),
      })
      return result
    } catch (error) {
      if (!bench.signal.aborted) bench.logger.warn('Chain action failed', { action, faultId, reason: messageOf(error) })
      return undefined
    } finally {
      acting.delete(faultId)
    }
  }

  async function prosecute(found: FoundFault): Promise<void> {
    const { fault, evidence } = found
    const evidenceHash = abiHash(['string', 'uint8', 'bytes'], ['evidenceHash', FAULT_CLASSES[fault.faultClass], evidence])
    await bench.log.append('case', {
      faultId: fault.faultId,
      faultClass: fault.faultClass,
      transcoder: fault.transcoder,
      state: 'found',
      evidenceHash,
    })
    bench.logger.warn('Fault found', { faultClass: fault.faultClass, transcoder: fault.transcoder, faultId: fault.faultId })
    if (!identity || !onChain) return
    await keepObjective(bench, found, evidenceHash)
    evidences.set(fault.faultId, { evidence, evidenceHash })
    if (chain.isConvicted(fault.faultId)) return
    await act(fault.faultId, 'reveal', () =>
      chain.commitReveal({ faultClass: fault.faultClass, faultId: fault.faultId, evidence }, { signal: bench.signal }),
    )
  }

  /** The case that counts for a node: the first one, when several were opened at once. */
  function caseOf(transcoder: Hex): CaseView | undefined {
    return chain
      .cases()
      .filter((one) => one.transcoder === transcoder && WAITING.includes(one.state) && one.opener)
      .sort((a, b) =>
        a.blockNumber < b.blockNumber ? -1 : a.blockNumber > b.blockNumber ? 1 : a.faultId < b.faultId ? -1 : 1,
      )[0]
  }

  async function freeze(finding: OwnFinding, evidenceHash: Hex): Promise<void> {
    const known = bench.ledger.receipt(finding.receiptDigest)
    if (!known || !onChain || !finding.faultClass) return
    const faultClass = finding.faultClass
    const until = chain.nowSec() + params.freezeWaitSeconds
    const isFrozen = () => caseOf(finding.transcoder) !== undefined || isPunished(finding.transcoder)
    while (!isFrozen() && chain.nowSec() < until && !bench.signal.aborted) {
      const { receipt, signature } = known.receipt
      const result = await act(`${finding.receiptDigest}`, 'open', () =>
        chain.openCase({ faultClass, receipt, signature, evidenceHash }, { signal: bench.signal }),
      )
      if (result?.status === 'mined') {
        const fail = fails.get(failKey(finding.receiptDigest, finding.rendition))
        if (fail) bench.later(0, 'sheet', () => keepEvidence(bench, fail, { sheet: true }))
      }
      if (result && result.status !== 'refused') return
      await new Promise((resolve) => bench.later(1000, 'freeze', async () => resolve(undefined)))
    }
  }

  /** Convicted of a wrong picture already: more of the same stream adds nothing. */
  function isPunished(transcoder: Hex): boolean {
    return chain
      .cases()
      .some(
        (one) =>
          one.transcoder === transcoder &&
          one.faultClass.startsWith('D') &&
          (one.state === 'convicted' || one.state === 'settled'),
      )
  }

  function heard(finding: Finding): void {
    if (finding.outcome !== 'fail' || finding.fisherman === identity?.attester.address) return
    // What the node's own signatures prove needs no votes.
    if (objectives.has(finding.receiptDigest)) return
    accusations.set(failKey(finding.receiptDigest, finding.rendition), finding)
    if (accusations.size > REMEMBERED) accusations.delete(accusations.keys().next().value as string)
    const view = caseOf(finding.transcoder)
    const standing = !view ? 'none' : view.receiptDigest === finding.receiptDigest ? 'subject' : 'case'
    if (isPunished(finding.transcoder) || !court.callsForReplay(finding, standing)) return
    const known = bench.ledger.receipt(finding.receiptDigest)
    const task = known && replayTask(known, finding.rendition)
    if (task) deps.replay(task)
  }

  /** The rendition that a case is about: its evidence hash names it. */
  function renditionOf(view: CaseView): number | undefined {
    const known = bench.ledger.receipt(view.receiptDigest)
    return known?.receipt.renditions.find(({ index }) => evidenceHashFor(known, index) === view.evidenceHash)?.index
  }

  async function castVote(view: CaseView): Promise<void> {
    const { opener, evidenceHash, expiresAtSec } = view
    const rendition = renditionOf(view)
    if (!identity || voted.has(view.faultId) || !opener || !evidenceHash || !expiresAtSec || rendition === undefined) return
    const members = (await chain.members()).filter((member) => !member.exiting)
    const decision = court.vote({ ...view, opener }, rendition, members.length)
    const mine = court.ownFinding(view.receiptDigest, rendition)
    if (!decision.vote || !mine) return
    voted.add(view.faultId)
    const body: ConvictionVote = {
      faultId: view.faultId,
      faultClass: FAULT_CLASSES[view.faultClass],
      transcoder: view.transcoder,
      receiptDigest: view.receiptDigest,
      rendition,
      evidenceHash,
      workCommit: workCommitOf(identity.attester.address, mine.fingerprint),
      // Whoever staked its bond before anything was open found it; the chain names it, so all votes agree.
      finder: opener,
      verdictVersion: VERDICT_VERSION,
      deadline: BigInt(expiresAtSec),
    }
    const statement = await identity.attester.vote(body)
    await bench.say(statement)
    vote(statement)
    bench.logger.info('Voted to convict', { transcoder: view.transcoder, faultId: view.faultId })
  }

  function vote(statement: Statement<'vote'>): void {
    const known = votes.get(statement.body.faultId) ?? new Map<Hex, Statement<'vote'>>()
    if (!known.has(statement.signer)) known.set(statement.signer, statement)
    votes.set(statement.body.faultId, known)
  }

  async function bringVotes(view: CaseView): Promise<void> {
    const known = bench.ledger.receipt(view.receiptDigest)
    const rendition = renditionOf(view)
    if (!identity || !known || rendition === undefined) return
    const members = (await chain.members()).filter((member) => !member.exiting && member.activeFromSec <= chain.nowSec())
    const agreed = [...(votes.get(view.faultId)?.values() ?? [])]
      .filter(({ body }) => agreesWith(view, rendition, body))
      .flatMap((statement) => {
        const member = members.find(({ address }) => address === statement.signer)
        return member ? [{ statement, weight: member.weight }] : []
      })
      .sort((a, b) => (a.statement.signer < b.statement.signer ? -1 : 1))
    const total = members.reduce((sum, { weight }) => sum + weight, 0n)
    if (!convicts(params.court, agreed, total)) return
    const order = members.map(({ address }) => address).sort()
    if (!isMyTurn(view, order)) return
    const [first] = agreed
    if (!first) return
    const evidence = encodeConviction({
      signed: { receipt: known.receipt.receipt, signature: known.receipt.signature },
      vote: { ...first.statement.body, workCommit: ZERO_HASH },
      shares: agreed.map(({ statement }) => shareOf(statement.body.workCommit, statement.signature)),
    })
    if (view.evidenceHash) evidences.set(view.faultId, { evidence, evidenceHash: view.evidenceHash })
    await act(view.faultId, 'convict', () =>
      chain.convict({ faultClass: view.faultClass, faultId: view.faultId, evidence }, { signal: bench.signal }),
    )
  }

  /** The opener brings the votes first; the others follow one by one, so that no proof hangs on one machine. */
  function isMyTurn(view: CaseView, order: readonly Hex[]): boolean {
    const me = identity?.attester.address as Hex
    const place = view.opener === me ? 0 : order.filter((member) => member !== view.opener).indexOf(me) + 1
    const ready = readyAt.get(view.faultId) ?? Math.max(chain.nowSec(), view.answerUntilSec ?? 0)
    readyAt.set(view.faultId, ready)
    return chain.nowSec() > ready + place * params.convictTurnSeconds
  }

  /** After the stake is taken, and only then, everybody hears of it: before, a report would be a warning to the accused. */
  async function report(view: CaseView): Promise<void> {
    const known = evidences.get(view.faultId)
    if (!identity || !known || reported.has(view.faultId) || view.finder !== identity.attester.address) return
    reported.add(view.faultId)
    const now = BigInt(Math.floor(chain.nowSec()))
    const statement = await identity.attester.report(
      {
        faultId: view.faultId,
        faultClass: FAULT_CLASSES[view.faultClass],
        transcoder: view.transcoder,
        reporter: identity.attester.address,
        receiptDigest: view.receiptDigest,
        evidenceHash: known.evidenceHash,
        observedAt: now,
        expiresAt: now + BigInt(params.reportLifeSeconds),
      },
      known.evidence,
    )
    await bench.say(statement)
  }

  return {
    objective(found) {
      for (const { digest } of found.receipts) objectives.add(digest)
      bench.later(0, 'prosecute', () => prosecute(found))
    },
    async failed(result) {
      const { known, rendition } = result.task
      fails.set(failKey(known.receipt.digest, rendition), result)
      if (fails.size > REMEMBERED) fails.delete(fails.keys().next().value as string)
      await keepEvidence(bench, result, { sheet: false })
    },
    freeze,
    worthProving({ receipt }) {
      const { transcoder } = receipt.receipt
      return !objectives.has(receipt.digest) && !court.hasEnough(transcoder) && !isPunished(transcoder)
    },
    heard,
    vote,
    async onHead() {
      for (const view of chain.cases()) {
        if (view.state === 'convicted' || view.state === 'settled') await report(view)
        if (!WAITING.includes(view.state) || caseOf(view.transcoder)?.faultId !== view.faultId) continue
        // Accusations may have come before the chain showed the case.
        for (const accusation of accusations.values()) if (accusation.transcoder === view.transcoder) heard(accusation)
        await castVote(view)
        await bringVotes(view)
      }
    },
  }
}

/** Do the fields that all voters must share agree with the case? */
function agreesWith(view: CaseView, rendition: number, body: ConvictionVote): boolean {
  return (
    body.transcoder === view.transcoder &&
    body.receiptDigest === view.receiptDigest &&
    body.faultClass === FAULT_CLASSES[view.faultClass] &&
    body.rendition === rendition &&
    body.evidenceHash === view.evidenceHash &&
    body.finder === view.opener &&
    body.verdictVersion === VERDICT_VERSION &&
    body.deadline === BigInt(view.expiresAtSec ?? -1)
  )
}
