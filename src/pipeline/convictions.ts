import { encodeStatement, maxBytesOf, type Statement } from '../../proofs/codec.ts'
import { workCommitOf, ZERO_HASH } from '../../proofs/digest.ts'
import { encodeConviction, shareOf } from '../../proofs/evidence.ts'
import { type ConvictionVote, FAULT_CLASSES, type Hex, VERDICT_VERSION } from '../../proofs/types.ts'
import { type CaseFacts, next } from '../chain/engine.ts'
import type { CaseView, Member } from '../chain/types.ts'
import { convicts } from '../court/court.ts'
import type { Act } from './actions.ts'
import type { Bench } from './bench.ts'
import { chainFacts } from './prosecutions.ts'
import type { Standing } from './standing.ts'

/** State of a `case` entry that is ours alone: the chain knows none of it. */
const REPORTED = 'reported'

/** From a case to taken stake: our vote, everybody's votes, the conviction, its report, and the money afterwards. */
export interface Convictions {
  hear(statement: Statement<'vote'>): void
  /** Votes where our own replay supports the case, and brings the votes when they are enough. */
  pursue(view: CaseView): Promise<void>
  /** After the stake is taken: tell everybody, and settle when the time to appeal is over. */
  conclude(view: CaseView): Promise<void>
  /** Takes our bond back from a case that nobody supported. */
  expire(view: CaseView): Promise<void>
  /** Evidence that we brought or are about to bring. */
  keep(faultId: Hex, evidence: Hex, evidenceHash: Hex): void
}

export function createConvictions(bench: Bench, deps: { act: Act; standing: Standing }): Convictions {
  const { chain, court, params } = bench
  const { act, standing } = deps
  const votes = new Map<Hex, Map<Hex, Statement<'vote'>>>()
  const evidences = new Map<Hex, { evidence: Hex; evidenceHash: Hex }>()
  const voted = new Set<Hex>()
  const reported = new Set<Hex>()
  /** Chain time at which a case had its votes and its answer time was over. */
  const readyAt = new Map<Hex, number>()

  function hear(statement: Statement<'vote'>): void {
    const known = votes.get(statement.body.faultId) ?? new Map<Hex, Statement<'vote'>>()
    if (!known.has(statement.signer)) known.set(statement.signer, statement)
    votes.set(statement.body.faultId, known)
  }

  async function castVote(view: CaseView, rendition: number, members: number): Promise<void> {
    const { identity } = bench
    const { opener, evidenceHash, expiresAtSec } = view
    if (!identity || voted.has(view.faultId) || !opener || !evidenceHash || !expiresAtSec) return
    const decision = court.vote({ ...view, opener }, rendition, members)
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
    hear(statement)
    bench.logger.info('Voted to convict', { transcoder: view.transcoder, faultId: view.faultId })
  }

  async function bringVotes(view: CaseView, rendition: number, members: readonly Member[]): Promise<void> {
    const known = bench.ledger.receipt(view.receiptDigest)
    const active = members.filter((member) => member.activeFromSec <= chain.nowSec())
    const agreed = [...(votes.get(view.faultId)?.values() ?? [])]
      .filter(({ body }) => agreesWith(view, rendition, body))
      .flatMap((statement) => {
        const member = active.find(({ address }) => address === statement.signer)
        return member ? [{ statement, weight: member.weight }] : []
      })
      .sort((a, b) => (a.statement.signer < b.statement.signer ? -1 : 1))
    const total = active.reduce((sum, { weight }) => sum + weight, 0n)
    const [first] = agreed
    if (!known || !first || !convicts(params.court, agreed, total)) return
    const step = next(
      { ...factsOf(view), proof: true, turnAtSec: turnOf(view, active) },
      await chainFacts(bench, view.transcoder),
    )
    if (!('do' in step) || step.do !== 'convict') return
    const evidence = encodeConviction({
      signed: { receipt: known.receipt.receipt, signature: known.receipt.signature },
      vote: { ...first.statement.body, workCommit: ZERO_HASH },
      shares: agreed.map(({ statement }) => shareOf(statement.body.workCommit, statement.signature)),
    })
    evidences.set(view.faultId, { evidence, evidenceHash: first.statement.body.evidenceHash })
    const { faultClass, faultId } = view
    // Not waited for: another case, and the next head, must not stand behind a transaction.
    void act(faultId, 'convict', () => chain.convict({ faultClass, faultId, evidence }, { signal: bench.signal }))
  }

  /** The opener brings the votes first; the others follow one by one, so that no proof hangs on one machine. */
  function turnOf(view: CaseView, members: readonly Member[]): number {
    const me = bench.address as Hex
    const others = members.map(({ address }) => address).filter((address) => address !== view.opener)
    const place = view.opener === me ? 0 : others.sort().indexOf(me) + 1
    const ready = readyAt.get(view.faultId) ?? Math.max(chain.nowSec(), view.answerUntilSec ?? 0)
    readyAt.set(view.faultId, ready)
    return ready + place * params.convictTurnSeconds
  }

  /** Only after the stake is taken everybody hears of it: before, a report would be a warning to the accused. */
  async function report(view: CaseView): Promise<void> {
    const known = evidences.get(view.faultId)
    const { identity } = bench
    if (!identity || !known || reported.has(view.faultId)) return
    reported.add(view.faultId)
    const observedAt = await observedFirst(view)
    const statement = await identity.attester.report(
      {
        faultId: view.faultId,
        faultClass: FAULT_CLASSES[view.faultClass],
        transcoder: view.transcoder,
        reporter: identity.attester.address,
        receiptDigest: view.receiptDigest,
        evidenceHash: known.evidenceHash,
        observedAt,
        expiresAt: observedAt + BigInt(params.reportLifeSeconds),
      },
      known.evidence,
    )
    // A proof of many frames with long paths may not fit; whoever wants it reads the transaction, or the bundle.
    if (encodeStatement(statement).length > maxBytesOf('fraud-proof')) {
      bench.logger.info('The evidence is too long for gossip', { faultId: view.faultId, evidenceHash: known.evidenceHash })
      return
    }
    await bench.say(statement)
  }

  /** When we first reported it: written down before the report is signed, so that after a restart it is the same report. */
  async function observedFirst({ faultId, faultClass, transcoder }: CaseView): Promise<bigint> {
    for (const { payload } of await bench.log.find({ kind: 'case', faultId })) {
      const { state, observedAt } = payload as { state: string; observedAt?: string }
      if (state === REPORTED && observedAt !== undefined) return BigInt(observedAt)
    }
    const now = Math.floor(chain.nowSec())
    await bench.log.append('case', { faultId, faultClass, transcoder, state: REPORTED, observedAt: String(now) })
    return BigInt(now)
  }

  return {
    hear,
    async pursue(view) {
      const rendition = standing.renditionOf(view)
      if (!bench.identity || rendition === undefined) return
      const members = (await chain.members()).filter((member) => !member.exiting)
      await castVote(view, rendition, members.length)
      await bringVotes(view, rendition, members)
    },
    async conclude(view) {
      if (!bench.identity || view.finder !== bench.address) return
      await report(view)
      const step = next(factsOf(view), await chainFacts(bench, view.transcoder))
      if ('do' in step && step.do === 'settle')
        void act(view.faultId, 'settle', () => chain.settle(view.faultId, { signal: bench.signal }))
    },
    async expire(view) {
      if (!bench.identity || view.opener !== bench.address) return
      const step = next(factsOf(view), await chainFacts(bench, view.transcoder))
      if ('do' in step && step.do === 'expire')
        void act(view.faultId, 'expire', () => chain.expire(view.faultId, { signal: bench.signal }))
    },
    keep: (faultId, evidence, evidenceHash) => void evidences.set(faultId, { evidence, evidenceHash }),
  }
}

/** What the engine must know of a case that the chain shows. */
function factsOf(view: CaseView): CaseFacts {
  return { faultClass: view.faultClass, view, proof: false }
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
