import { type DrawProof, decodeDrawProof, type Statement } from '../../proofs/codec.ts'
import { ZERO_HASH } from '../../proofs/digest.ts'
import type { Hex, Outcome } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import {
  type Audited,
  auditResult,
  auditTicketOf,
  auditTrancheOf,
  auditWindowOf,
  checkAuditProof,
  isAudited,
} from '../sample/audit.ts'
import { beaconSecOf, drawMessage } from '../sample/draw.ts'
import type { Bench } from './bench.ts'
import type { CheckResult, CheckTask } from './checks.ts'
import type { KnownReceipt } from './ledger.ts'
import type { Opinions } from './opinions.ts'
import type { WindowStage } from './windows.ts'

/** An opened answer whose draw proof holds. */
export interface DrawnAnswer {
  known: KnownReceipt
  rendition: number
  sampleId: Hex
  member: Hex
  /** Tranche and place that its proof stands for. */
  tranche: number
  index: number
  outcome: Outcome
  fingerprint: Hex
  deadlineSec: number
}

/** Looks again at a share of what others answered, with our frames and with theirs, so that no answer can be made up. */
export interface Audits {
  /** It may be looked at again, from a beacon that nobody knows yet. */
  heard(answer: DrawnAnswer): void
  /** What our look says of the answer that it was made for; a doubt says nothing. */
  judged(result: CheckResult): void
  /** Does the proof of a seal stand for an audit of this sample? */
  isAudit(sampleId: Hex, auditor: Hex, proof: DrawProof): Promise<boolean>
}

export interface AuditsDeps {
  opinions: Opinions
  beaconAt: WindowStage['beaconAt']
  membersAt: WindowStage['membersAt']
  verifierOf: WindowStage['verifierOf']
  /** Seals of a sample, by member. */
  seals(sampleId: Hex): ReadonlyMap<Hex, Statement<'sealed'>>
  /** Have we answered this sample ourselves? */
  isAnswered(sampleId: Hex): boolean
  check(task: CheckTask): void
}

/** Samples whose audit is not over yet: a day of 100 nodes has 10,000 answers, and each waits for minutes. */
const PENDING = 10_000

interface Pending {
  first: DrawnAnswer
  about?: Audited
}

export function createAudits(bench: Bench, deps: AuditsDeps): Audits {
  const { params, chain } = bench
  const pending = new Map<Hex, Pending>()
  // Each holds its receipt, and that its window: nobody may remember them for longer than the ledger does.
  bench.ledger.onForget(({ sampleId }) => void pending.delete(sampleId))

  function heard(answer: DrawnAnswer): void {
    const known = pending.get(answer.sampleId)
    // The earliest tranche counts, whatever came first here: so all audit the same answer.
    if (known && !known.about && isBefore(answer, known.first)) known.first = answer
    if (known) return
    pending.set(answer.sampleId, { first: answer })
    if (pending.size > PENDING) pending.delete(pending.keys().next().value as Hex)
    const openBySec = answer.deadlineSec + params.openGraceSeconds
    bench.later(Math.max(0, (openBySec - chain.nowSec()) * 1000), 'audit', () => draw(answer.sampleId))
  }

  async function draw(sampleId: Hex): Promise<void> {
    const one = pending.get(sampleId)
    if (!one) return
    const { first } = one
    const { transcoder } = first.known.receipt.receipt
    const windowId = auditWindowOf(params.draw, first.deadlineSec + params.openGraceSeconds)
    const beaconSec = beaconSecOf(params.draw, windowId)
    const beacon = await deps.beaconAt(beaconSec)
    const members = await deps.membersAt(beaconSec)
    const about: Audited = {
      ...{ transcoder, sampleId, index: first.index, rendition: first.rendition, answeredBy: first.member },
      ...{ windowId, beacon, members: members.length },
    }
    one.about = about
    const { identity } = bench
    const me = identity?.attester.address
    if (!isAudited(beacon, sampleId) || !identity || !me || !members.some(({ address }) => address === me)) return
    const bls = identity.bls.signDraw(drawMessage(about))
    const tranche = auditTrancheOf(params.draw, { ...about, auditor: me }, auditTicketOf(bls, sampleId))
    if (tranche === undefined) return
    const atSec = beaconSec + (params.draw.tranches[tranche]?.afterSeconds ?? 0)
    const proof: DrawProof = { transcoder, windowId, index: about.index, rendition: about.rendition, bls }
    bench.later(Math.max(0, (atSec - chain.nowSec()) * 1000), 'audit', () => wake(one, proof, tranche))
  }

  async function wake({ first }: Pending, proof: DrawProof, tranche: number): Promise<void> {
    const { known, rendition, sampleId, member, outcome } = first
    const beacon = known.window.draw?.beacon
    // Bytes that are gone, and doubt, have no fingerprint to compare; and who answered the sample has said what it found.
    if (!beacon || outcome === 'withheld' || outcome === 'inconclusive' || deps.isAnswered(sampleId)) return
    if (await isDone(sampleId)) return
    const { digest, windowId, receipt } = known.receipt
    const sample = {
      ...{ sampleId, receiptDigest: digest, transcoder: receipt.transcoder, windowId, beacon },
      ...{ index: proof.index, rendition, tranche, proof },
    }
    bench.logger.info('Looking again at an answer', { sampleId, member })
    deps.check({ known, rendition, sampleId, beacon, sample, audit: { member, fingerprint: first.fingerprint } })
  }

  /** Somebody else has sealed an audit of it. */
  async function isDone(sampleId: Hex): Promise<boolean> {
    for (const [auditor, { extra }] of deps.seals(sampleId)) {
      if (extra === '0x' || auditor === bench.address || !deps.opinions.trusts(auditor)) continue
      try {
        if (await isAudit(sampleId, auditor, decodeDrawProof(extra))) return true
      } catch (error) {
        bench.logger.debug('A seal has no proof that can be read', { auditor, reason: messageOf(error) })
      }
    }
    return false
  }

  async function isAudit(sampleId: Hex, auditor: Hex, proof: DrawProof): Promise<boolean> {
    const about = pending.get(sampleId)?.about
    if (!about) return false
    const verify = await deps.verifierOf(auditor)
    return verify !== undefined && checkAuditProof(params.draw, about, auditor, proof, verify) !== undefined
  }

  return {
    heard,
    isAudit,
    judged({ task, outcome, verdict }) {
      const { audit, sampleId } = task
      if (!audit || outcome === 'withheld' || outcome === 'inconclusive') return
      const fingerprint = verdict?.audited?.value ?? ZERO_HASH
      if (auditResult(audit, { fingerprint }) === 'agreed') deps.opinions.agree(audit.member)
      else deps.opinions.blame('wrong-fingerprint', audit.member, sampleId)
    },
  }
}

/** Earlier tranche first; of one tranche the smaller address, so that everybody who heard both chooses the same. */
function isBefore(a: DrawnAnswer, b: DrawnAnswer): boolean {
  return a.tranche < b.tranche || (a.tranche === b.tranche && a.member < b.member)
}
