import type { Dismissal, FaultClass, Hex, Outcome } from '../../proofs/types.ts'
import type { CourtParams } from './params.ts'

/** An opened answer, tied to the receipt that it is about. */
export interface Finding {
  fisherman: Hex
  transcoder: Hex
  receiptDigest: Hex
  streamId: Hex
  rendition: number
  outcome: Outcome
  /** Unix seconds of chain time when the segment was finished. */
  completedAt: number
}

/** What we found ourselves by replaying: only this can make us vote. */
export interface OwnFinding extends Finding {
  /** D1..D3 of a fail that may be voted on; undefined for every other outcome and for quality. */
  faultClass?: Extract<FaultClass, 'D1' | 'D2' | 'D3'>
  /** Over the frames drawn for us; a vote commits to it. */
  fingerprint: Hex
  /** Chain time, Unix seconds, at which we began the replay that a vote may rest on; undefined for an everyday check. */
  provenAtSec?: number
}

/** A case as the chain shows it. */
export interface OpenCase {
  faultId: Hex
  faultClass: FaultClass
  transcoder: Hex
  receiptDigest: Hex
  opener: Hex
  /** Unix seconds of chain time until when the accused may still bring its bytes. */
  answerUntilSec?: number
}

export type VoteDecision = { vote: true; rendition: number } | { vote: false; reason: VoteRefusal }
export type VoteRefusal = 'no-own-finding' | 'other-class' | 'too-few-segments' | 'too-few-agree' | 'opener-is-silent'

/** What a fisherman knows of everybody's findings, and what follows from it. No clock, no I/O: the same findings give the same answers. */
export interface Court {
  record(finding: Finding): void
  recordOwn(finding: OwnFinding): void
  /**
   * Should we replay what another member failed? The receipt of a case is always replayed; this is about further ones. Without a case it
   * is one member's word, and most likely quality, which convicts nobody.
   */
  callsForReplay(finding: Finding, hasCase: boolean): boolean
  /** Have we failed enough of this node's segments ourselves, of enough streams and far enough apart, to vote? */
  hasEnough(transcoder: Hex): boolean
  /** Nodes of which that is so. */
  failing(): Hex[]
  /** Our own voteable fails of a node, one a receipt. */
  ownFails(transcoder: Hex): OwnFinding[]
  /**
   * Do our own findings and enough others convict? `rendition` is the one that the case's evidence names, `members` are those whose weight counts.
   * The opener's own word is waited for until the accused's time to answer is over, and no longer: a friend of the accused that opens a true case
   * and says nothing must not shield it.
   */
  vote(about: OpenCase, rendition: number, members: number, nowSec: number): VoteDecision
  /**
   * What our own replay of the case's inputs makes of it, where that is no fault: `reject` for a pass, `draw` for bytes that were not to be had
   * after the accused's time to bring them. A doubt, a fail, or a mere check says nothing.
   */
  dismissal(about: OpenCase, rendition: number): Dismissal | undefined
  /** A case needs a replay that we have not made: we only checked, or looked for bytes before the accused's time to bring them was over. */
  needsReplay(about: OpenCase, rendition: number, nowSec: number): boolean
  /** Votes rejected this member's case: its fail of this rendition counts no longer, for nothing. */
  discredit(fisherman: Hex, receiptDigest: Hex, rendition: number): void
  /** Distinct members whose answer on this sample is `withheld`; from `withheldBy` on, the bytes are not to be had. */
  isWithheld(receiptDigest: Hex, rendition: number): boolean
  ownFinding(receiptDigest: Hex, rendition: number): OwnFinding | undefined
  /** Too old for any case: whatever was found of it. */
  forgetSample(receiptDigest: Hex, rendition: number): void
  /** A node's case has ended: the next one starts with a fresh count of replays. */
  forget(transcoder: Hex): void
}

/** Samples remembered; older ones are past every case. */
const REMEMBERED = 50_000

export function createCourt(params: CourtParams): Court {
  const findings = new Map<string, Map<Hex, Finding>>()
  const own = new Map<string, OwnFinding>()
  /** Keys of our voteable fails by node: they are asked for at each accusation. */
  const ownFailKeys = new Map<Hex, Set<string>>()
  const replays = new Map<Hex, Set<Hex>>()
  const discredited = new Set<string>()
  const isDiscredited = ({ fisherman, receiptDigest, rendition }: Finding) =>
    discredited.has(`${keyOf(receiptDigest, rendition)}/${fisherman}`)

  function record(finding: Finding): void {
    if (isDiscredited(finding)) return
    const key = keyOf(finding.receiptDigest, finding.rendition)
    const known = findings.get(key) ?? new Map<Hex, Finding>()
    // The first answer of a member stands; a second one is its own fault.
    if (!known.has(finding.fisherman)) known.set(finding.fisherman, finding)
    findings.set(key, known)
    if (findings.size > REMEMBERED) findings.delete(findings.keys().next().value as string)
  }

  function ownFails(transcoder: Hex): OwnFinding[] {
    const byReceipt = new Map<Hex, OwnFinding>()
    for (const key of ownFailKeys.get(transcoder) ?? []) {
      const finding = own.get(key)
      if (finding) byReceipt.set(finding.receiptDigest, finding)
      else ownFailKeys.get(transcoder)?.delete(key)
    }
    return [...byReceipt.values()]
  }

  function enoughSegments(transcoder: Hex): boolean {
    const fails = ownFails(transcoder).sort((a, b) => b.completedAt - a.completedAt)
    const newest = fails[0]?.completedAt ?? 0
    const streams = new Set<Hex>()
    let apart = 0
    let last = Number.POSITIVE_INFINITY
    for (const { completedAt, streamId } of fails) {
      if (newest - completedAt > params.segmentWithinSeconds) break
      streams.add(streamId)
      if (last - completedAt < params.segmentGapSeconds) continue
      apart++
      last = completedAt
    }
    return apart >= params.failingSegments && streams.size >= params.failingStreams
  }

  return {
    record,
    recordOwn(finding) {
      record(finding)
      const { transcoder, receiptDigest, rendition, faultClass } = finding
      const key = keyOf(receiptDigest, rendition)
      const before = own.get(key)?.provenAtSec
      // Who looked deeper, or later as deep, knows better.
      if (before !== undefined && (finding.provenAtSec ?? 0) < before) return
      own.set(key, finding)
      const keys = ownFailKeys.get(transcoder) ?? new Set<string>()
      if (faultClass) ownFailKeys.set(transcoder, keys.add(key))
      else keys.delete(key)
      if (own.size > REMEMBERED) own.delete(own.keys().next().value as string)
    },
    hasEnough: enoughSegments,
    failing: () => [...ownFailKeys.keys()].filter(enoughSegments),
    ownFails,
    callsForReplay(finding, hasCase) {
      if (finding.outcome !== 'fail' || isDiscredited(finding)) return false
      const mine = own.get(keyOf(finding.receiptDigest, finding.rendition))
      // Bytes that were withheld from us may be had from whoever judged them.
      if (mine && (mine.outcome !== 'withheld' || mine.provenAtSec !== undefined)) return false
      const replayed = replays.get(finding.transcoder) ?? new Set<Hex>()
      const most = hasCase ? params.replaysPerNode : params.replaysWithoutCase
      // More of a stream that has failed often enough tells nothing new.
      const ofStream = ownFails(finding.transcoder).filter(
        ({ streamId, completedAt }) =>
          streamId === finding.streamId && finding.completedAt - completedAt <= params.segmentWithinSeconds,
      )
      if (ofStream.length >= params.failingSegments) return false
      if (enoughSegments(finding.transcoder) || (replayed.size >= most && !replayed.has(finding.receiptDigest))) return false
      replays.set(finding.transcoder, replayed.add(finding.receiptDigest))
      return true
    },
    vote(about, rendition, members, nowSec) {
      const mine = own.get(keyOf(about.receiptDigest, rendition))
      if (!mine?.faultClass) return { vote: false, reason: 'no-own-finding' }
      if (mine.faultClass !== about.faultClass) return { vote: false, reason: 'other-class' }
      if (!enoughSegments(about.transcoder)) return { vote: false, reason: 'too-few-segments' }
      const answers = [...(findings.get(keyOf(about.receiptDigest, rendition))?.values() ?? [])]
      // Of ours the newest look counts: the answer may be of a time when the bytes were withheld.
      const agree = answers.filter(({ outcome, fisherman }) => outcome === 'fail' || fisherman === mine.fisherman)
      const isHeard = agree.some(({ fisherman }) => fisherman === about.opener)
      const isOver = nowSec > (about.answerUntilSec ?? Number.POSITIVE_INFINITY)
      if (!isHeard && !isOver) return { vote: false, reason: 'opener-is-silent' }
      // Whom the bytes were withheld from says nothing of the picture: otherwise a node that serves one of us only would escape.
      const blind = answers.filter(({ outcome, fisherman }) => outcome === 'withheld' && fisherman !== mine.fisherman).length
      if (agree.length < agreeing(params, members - blind)) return { vote: false, reason: 'too-few-agree' }
      return { vote: true, rendition }
    },
    dismissal({ receiptDigest, answerUntilSec = Number.POSITIVE_INFINITY }, rendition) {
      const mine = own.get(keyOf(receiptDigest, rendition))
      if (mine?.provenAtSec === undefined) return undefined
      if (mine.outcome === 'pass') return 'reject'
      return mine.outcome === 'withheld' && mine.provenAtSec > answerUntilSec ? 'draw' : undefined
    },
    needsReplay({ receiptDigest, answerUntilSec = Number.POSITIVE_INFINITY }, rendition, nowSec) {
      const mine = own.get(keyOf(receiptDigest, rendition))
      if (!mine || mine.faultClass) return false
      if (mine.provenAtSec === undefined) return true
      return mine.outcome === 'withheld' && mine.provenAtSec <= answerUntilSec && nowSec > answerUntilSec
    },
    discredit(fisherman, receiptDigest, rendition) {
      const key = keyOf(receiptDigest, rendition)
      discredited.add(`${key}/${fisherman}`)
      if (discredited.size > REMEMBERED) discredited.delete(discredited.values().next().value as string)
      findings.get(key)?.delete(fisherman)
    },
    isWithheld(receiptDigest, rendition) {
      const answers = [...(findings.get(keyOf(receiptDigest, rendition))?.values() ?? [])]
      return answers.filter(({ outcome }) => outcome === 'withheld').length >= params.withheldBy
    },
    forgetSample(receiptDigest, rendition) {
      const key = keyOf(receiptDigest, rendition)
      const mine = own.get(key)
      if (mine) ownFailKeys.get(mine.transcoder)?.delete(key)
      findings.delete(key)
      own.delete(key)
    },
    forget: (transcoder) => void replays.delete(transcoder),
    ownFinding: (receiptDigest, rendition) => own.get(keyOf(receiptDigest, rendition)),
  }
}

/** ceil(5n/7) of n = min(7, members). */
export function agreeing(params: CourtParams, members: number): number {
  const [numerator, denominator] = params.escalationShare
  return Math.ceil((numerator * Math.min(params.escalationMembers, members)) / denominator)
}

/** More than two thirds of the registered weight, by at least three signers. */
export function convicts(params: CourtParams, votes: readonly { weight: bigint }[], totalWeight: bigint): boolean {
  const [numerator, denominator] = params.convictionShare
  const weight = votes.reduce((sum, vote) => sum + vote.weight, 0n)
  return votes.length >= params.convictionSigners && weight * BigInt(denominator) > totalWeight * BigInt(numerator)
}

/**
 * Silent members that must leave the count before these votes are enough, heaviest first; none where they are enough already, or would not be
 * even then. Whoever voted is not among them, however long its log stood still.
 */
export function silentInTheWay<S extends { address: Hex; weight: bigint }>(
  params: CourtParams,
  votes: readonly { signer: Hex; weight: bigint }[],
  totalWeight: bigint,
  silent: readonly S[],
): S[] {
  const others = silent
    .filter(({ address }) => !votes.some(({ signer }) => signer === address))
    .sort((a, b) => (a.weight === b.weight ? (a.address < b.address ? -1 : 1) : a.weight > b.weight ? -1 : 1))
  let [left, count] = [totalWeight, 0]
  while (!convicts(params, votes, left)) {
    const next = others[count++]
    if (!next) return []
    left -= next.weight
  }
  return others.slice(0, count)
}

function keyOf(receiptDigest: Hex, rendition: number): string {
  return `${receiptDigest}/${rendition}`
}
