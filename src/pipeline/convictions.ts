import { encodeStatement, maxBytesOf, type Statement } from '../../proofs/codec.ts'
import { workCommitOf, ZERO_HASH } from '../../proofs/digest.ts'
import { encodeConviction, shareOf } from '../../proofs/evidence.ts'
import { FAULT_CLASSES, type Hex } from '../../proofs/types.ts'
import { silenceIdOf } from '../chain/build.ts'
import { type CaseFacts, next } from '../chain/engine.ts'
import type { ActionResult, CaseView, Member } from '../chain/types.ts'
import { convicts, silentInTheWay } from '../court/court.ts'
import { type Act, turnWithin } from './actions.ts'
import { type Ballot, createBallots, type Outcome } from './ballots.ts'
import type { Bench, Identity } from './bench.ts'
import { chainFacts } from './prosecutions.ts'
import type { Standing } from './standing.ts'

/** State of a `case` entry that is ours alone: the chain knows none of it. */
const REPORTED = 'reported'

/** The contract's word that a conviction was overturned. */
const OVERTURNED = 'IsOverturned'
/** Turns of a conviction that the opener of an undecided case has to end it, and over which the others are spread after that. */
const END_TURNS = 10

/** From a case to its end: our vote, everybody's votes, what they make of it, the report of taken stake, and the money afterwards. */
export interface Convictions {
  hear(statement: Statement<'vote'>): void
  /** Votes where our own replay supports the case, and brings the votes when they are enough. */
  pursue(view: CaseView): Promise<void>
  /** Votes where our own replay found no fault, or no bytes, and brings such votes when they are enough. */
  dismiss(view: CaseView): Promise<void>
  /** After the stake is taken: tell everybody, and settle when the time to appeal is over. */
  conclude(view: CaseView): Promise<void>
  /** Ends a case that nobody decided in time: ours at once, for our bond; somebody else's when its opener does not, since a deposit is frozen by it. */
  expire(view: CaseView): Promise<void>
  /** Nobody votes on this case any more: what is held for it goes, and is read from the log again if it is wanted after all. */
  forget(faultId: Hex): void
  /** Evidence that we brought or are about to bring. */
  keep(faultId: Hex, evidence: Hex, evidenceHash: Hex): void
}

/** A case that is waiting for votes, with who may vote on it now. */
interface Hearing {
  view: CaseView
  rendition: number
  /** Those whose weight counts now, as the contract counts, and the sum of it. */
  active: readonly Member[]
  total: bigint
}

export function createConvictions(bench: Bench, deps: { act: Act; standing: Standing }): Convictions {
  const { chain, court, params } = bench
  const { act, standing } = deps
  const ballots = createBallots(bench)
  const evidences = new Map<Hex, { evidence: Hex; evidenceHash: Hex }>()
  const reported = new Set<Hex>()
  /** No pay-out will ever be accepted for these. */
  const overturned = new Set<Hex>()
  /** Chain time at which a case was ready for a step of everybody's, by case, then by step. */
  const readyAt = new Map<Hex, Map<string, number>>()

  async function hearingOf(view: CaseView): Promise<Hearing | undefined> {
    const rendition = standing.renditionOf(view)
    if (!bench.identity || rendition === undefined) return undefined
    await ballots.recall(view.faultId)
    // One without weight (its bond was taken, or it is silent) must not be waited for, and its vote would spoil all the others.
    const counts = ({ exiting, weight, activeFromSec }: Member) => !exiting && weight > 0n && activeFromSec <= chain.nowSec()
    const active = (await chain.members()).filter(counts)
    return { view, rendition, active, total: active.reduce((sum, { weight }) => sum + weight, 0n) }
  }

  async function castVote({ view, rendition, active }: Hearing, outcome: Outcome): Promise<void> {
    const mine = court.ownFinding(view.receiptDigest, rendition)
    const { opener } = view
    if (!bench.address || !opener || !mine) return
    const isOurs =
      outcome === 'convict'
        ? court.vote({ ...view, opener }, rendition, active.length, chain.nowSec()).vote
        : court.dismissal({ ...view, opener }, rendition) === outcome
    if (isOurs) await ballots.cast(view, { rendition, outcome, workCommit: workCommitOf(bench.address, mine.fingerprint) })
  }

  async function bringVotes(hearing: Hearing, outcome: Outcome): Promise<void> {
    const { view, rendition, active, total } = hearing
    const { faultClass, faultId } = view
    const known = bench.ledger.receipt(view.receiptDigest)
    const agreed = ballots.count(view, rendition, outcome, active)
    const [first] = agreed
    if (!known || !first) return
    if (!convicts(params.court, agreed, total)) return await passOverSilent(hearing, outcome, agreed)
    const votes = outcome === 'convict' ? { proof: true } : { dismissal: outcome }
    const step = next(
      { ...factsOf(view), ...votes, turnAtSec: turnOf(view, active, outcome) },
      await chainFacts(bench, view.transcoder),
    )
    if (!('do' in step) || step.do !== outcome) return
    const evidence = encodeConviction({
      signed: { receipt: known.receipt.receipt, signature: known.receipt.signature },
      // All are equal but for the work of each, of which the contract wants none here.
      vote: { ...first.statement.body, workCommit: ZERO_HASH },
      shares: agreed.map(({ statement }) => shareOf(statement.body.workCommit, statement.signature)),
    })
    const signal = { signal: bench.signal }
    let work: () => Promise<ActionResult>
    if (outcome === 'convict') {
      evidences.set(faultId, { evidence, evidenceHash: first.statement.body.evidenceHash })
      work = () => chain.convict({ faultClass, faultId, evidence }, signal)
    } else work = () => chain.dismiss({ action: outcome, faultId, evidence }, signal)
    // Not waited for: another case, and the next head, must not stand behind a transaction.
    void act(faultId, outcome, work)
  }

  /** Members that show no sign of life must not keep those who voted from a quorum: then, and only then, they are taken out of the count. */
  async function passOverSilent({ view, active, total }: Hearing, outcome: Outcome, agreed: readonly Ballot[]): Promise<void> {
    if (agreed.length < params.court.convictionSigners) return
    if (outcome !== 'reject' && chain.nowSec() <= (view.answerUntilSec ?? 0)) return
    const votes = agreed.map(({ statement, weight }) => ({ signer: statement.signer, weight }))
    const silent = silentInTheWay(params.court, votes, total, await chain.silentMembers())
    const [first] = silent
    // From then on they are in the way: one of us marks them, as one brings the votes.
    if (!first || chain.nowSec() <= turnOf(view, active, outcome, first.address)) return
    for (const member of silent)
      void act(silenceIdOf(member.address, member.seenAtSec), 'silent', () => chain.markSilent(member, { signal: bench.signal }))
  }

  /**
   * The opener brings the votes first, since it has a bond to gain; where it loses that it is the last. The others follow one by one, so that no
   * proof hangs on one machine.
   */
  function turnOf(view: CaseView, members: readonly Member[], outcome: Outcome, step: string = outcome): number {
    const me = bench.address as Hex
    const others = members.map(({ address }) => address).filter((address) => address !== view.opener)
    const order = others.sort()
    if (view.opener) outcome === 'reject' ? order.push(view.opener) : order.unshift(view.opener)
    // A key without a bond comes after all that have one.
    const place = order.includes(me) ? order.indexOf(me) : order.length
    const steps = readyAt.get(view.faultId) ?? new Map<string, number>()
    const key = `${view.evidenceHash}/${outcome}/${step}`
    const earliest = outcome === 'reject' ? 0 : (view.answerUntilSec ?? 0)
    const ready = steps.get(key) ?? Math.max(chain.nowSec(), earliest)
    readyAt.set(view.faultId, steps.set(key, ready))
    return ready + place * params.convictTurnSeconds
  }

  /** Well after the opener's time, and for each of us at another moment of the same span: one of us pays the gas. */
  function endTurnOf({ faultId, expiresAtSec }: CaseView): number | undefined {
    if (!bench.address || expiresAtSec === undefined) return undefined
    const grace = END_TURNS * params.convictTurnSeconds
    return expiresAtSec + grace + turnWithin(grace, faultId, bench.address)
  }

  /** Only after the stake is taken everybody hears of it: before, a report would be a warning to the accused. */
  async function report(view: CaseView): Promise<void> {
    const known = evidences.get(view.faultId)
    const { identity } = bench
    if (!identity || !known || reported.has(view.faultId)) return
    reported.add(view.faultId)
    // What could not be written or said is said with the next head.
    await tell(identity, view, known).catch((error: unknown) => {
      reported.delete(view.faultId)
      throw error
    })
  }

  async function tell(identity: Identity, view: CaseView, known: { evidence: Hex; evidenceHash: Hex }): Promise<void> {
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

  /** Evidence is the largest thing that is held of a case; before its block is final it may be asked for again. */
  function forgetEvidence({ blockNumber, faultId }: CaseView): void {
    if (chain.levelOf(blockNumber) === 'finalized') evidences.delete(faultId)
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
    hear: ballots.hear,
    async pursue(view) {
      const hearing = await hearingOf(view)
      if (!hearing) return
      await castVote(hearing, 'convict')
      await bringVotes(hearing, 'convict')
    },
    async dismiss(view) {
      const hearing = await hearingOf(view)
      if (!hearing) return
      for (const outcome of ['reject', 'draw'] as const) {
        await castVote(hearing, outcome)
        await bringVotes(hearing, outcome)
      }
    },
    async conclude(view) {
      if (!bench.identity || view.finder !== bench.address) return forgetEvidence(view)
      await report(view)
      forgetEvidence(view)
      const step = next(factsOf(view), await chainFacts(bench, view.transcoder))
      if (!('do' in step) || step.do !== 'settle' || overturned.has(view.faultId)) return
      void act(view.faultId, 'settle', () => chain.settle(view.faultId, { signal: bench.signal })).then((result) => {
        if (result?.status !== 'refused' || result.error !== OVERTURNED) return
        overturned.add(view.faultId)
        const { faultId, transcoder } = view
        bench.logger.warn('Our conviction was overturned: there is nothing to settle, it is to be refunded', {
          faultId,
          transcoder,
        })
      })
    },
    async expire(view) {
      if (!bench.identity || !view.opener) return
      const step = next({ ...factsOf(view), endTurnAtSec: endTurnOf(view) }, await chainFacts(bench, view.transcoder))
      if ('do' in step && step.do === 'expire')
        void act(view.faultId, 'expire', () => chain.expire(view.faultId, { signal: bench.signal }))
    },
    forget(faultId) {
      ballots.forget(faultId)
      readyAt.delete(faultId)
    },
    keep: (faultId, evidence, evidenceHash) => void evidences.set(faultId, { evidence, evidenceHash }),
  }
}

/** What the engine must know of a case that the chain shows. */
function factsOf(view: CaseView): CaseFacts {
  // Whoever appealed moved the end of the wait: until then the oracle has the word.
  const appeal = view.appellant === undefined ? {} : { appealUntilSec: view.releaseAtSec }
  return { faultClass: view.faultClass, view, proof: false, ...appeal }
}
