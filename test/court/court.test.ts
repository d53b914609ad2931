import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { agreeing, convicts, createCourt, type OpenCase, type OwnFinding, silentInTheWay } from '../../src/court/court.ts'
import { LOCAL_COURT, PUBLIC_COURT } from '../../src/court/params.ts'
import { ALARM, NO_EVIDENCE, nextDay, scored } from '../../src/court/score.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const [me, ann, bob, cid] = [1, 2, 3, 4].map((n) => addressOf(wallet(n))) as [Hex, Hex, Hex, Hex]
const node = addressOf(wallet(50))
const about: OpenCase = { faultId: hash(9), faultClass: 'D2', transcoder: node, receiptDigest: hash(1), opener: ann }

const fail = (fisherman: Hex, receipt: number, completedAt: number): OwnFinding => ({
  fisherman,
  transcoder: node,
  receiptDigest: hash(receipt),
  streamId: hash(7),
  rendition: 0,
  outcome: 'fail',
  completedAt,
  faultClass: 'D2',
  fingerprint: hash(70),
})

/** One stream is enough here; what several are for has its own tests. */
const ONE_STREAM = { ...PUBLIC_COURT, failingStreams: 1 }

function courtWith(...findings: OwnFinding[]) {
  const court = createCourt(ONE_STREAM)
  for (const finding of findings) finding.fisherman === me ? court.recordOwn(finding) : court.record(finding)
  return court
}

describe('court', () => {
  it('votes when it replayed two failing segments a minute apart and enough members agree', () => {
    const court = courtWith(fail(me, 1, 100), fail(me, 2, 160), fail(ann, 1, 100), fail(bob, 1, 100))
    expect(court.vote(about, 0, 4, 0)).toEqual({ vote: true, rendition: 0 })
  })

  it('counts a member that was kept from the bytes neither for nor against, and its own newest look', () => {
    const withheld = (fisherman: Hex): OwnFinding => {
      const { faultClass: _, ...finding } = fail(fisherman, 1, 100)
      return { ...finding, outcome: 'withheld' }
    }
    const court = courtWith(withheld(me), withheld(bob), fail(ann, 1, 100), fail(me, 2, 200))
    expect(court.vote(about, 0, 3, 0)).toMatchObject({ reason: 'no-own-finding' })
    court.recordOwn({ ...fail(me, 1, 100), provenAtSec: 300 })
    expect(court.vote(about, 0, 3, 0)).toEqual({ vote: true, rendition: 0 })
    // One more who could have looked and did not say: too few.
    expect(court.vote(about, 0, 7, 0)).toMatchObject({ reason: 'too-few-agree' })
    // Whoever opened the case votes while all others are still blind: its vote alone convicts nobody.
    const first = courtWith(withheld(bob), withheld(cid), fail(me, 1, 100), fail(me, 2, 200))
    expect(first.vote({ ...about, opener: me }, 0, 3, 0)).toEqual({ vote: true, rendition: 0 })
    expect(first.vote({ ...about, opener: me }, 0, 4, 0)).toMatchObject({ reason: 'too-few-agree' })
  })

  it('calls for a replay of what was withheld from it, once', () => {
    const { faultClass: _, ...mine } = fail(me, 1, 100)
    const court = createCourt(ONE_STREAM)
    court.recordOwn({ ...mine, outcome: 'withheld' })
    expect(court.callsForReplay(fail(ann, 1, 100), true)).toBe(true)
    court.recordOwn({ ...mine, outcome: 'withheld', provenAtSec: 200 })
    expect(court.callsForReplay(fail(ann, 1, 100), true)).toBe(false)
  })

  it.each([
    [
      'nothing of its own',
      [fail(ann, 1, 100), fail(bob, 1, 100), fail(cid, 1, 100), fail(me, 2, 200), fail(me, 3, 300)],
      'no-own-finding',
    ],
    ['one segment only', [fail(me, 1, 100), fail(ann, 1, 100), fail(bob, 1, 100)], 'too-few-segments'],
    ['two segments too close', [fail(me, 1, 100), fail(me, 2, 159), fail(ann, 1, 100), fail(bob, 1, 100)], 'too-few-segments'],
    [
      'two segments days apart',
      [fail(me, 1, 100), fail(me, 2, 100_000), fail(ann, 1, 100), fail(bob, 1, 100)],
      'too-few-segments',
    ],
    ['too few who agree', [fail(me, 1, 100), fail(me, 2, 200), fail(ann, 1, 100)], 'too-few-agree'],
    [
      'an opener who never opened a fail',
      [fail(me, 1, 100), fail(me, 2, 200), fail(bob, 1, 100), fail(cid, 1, 100)],
      'opener-is-silent',
    ],
    [
      'an opener who found a pass',
      [
        fail(me, 1, 100),
        fail(me, 2, 200),
        { ...fail(ann, 1, 100), outcome: 'pass' as const },
        fail(bob, 1, 100),
        fail(cid, 1, 100),
      ],
      'opener-is-silent',
    ],
  ])('does not vote on %s', (_, findings, reason) => {
    expect(courtWith(...findings).vote(about, 0, 4, 0)).toEqual({ vote: false, reason })
  })

  it('waits for the word of the opener until the accused had its time to answer, and then no longer', () => {
    const fails = [me, bob, cid].flatMap((member) => [fail(member, 1, 100), fail(member, 2, 200)])
    const timed = { ...about, answerUntilSec: 1_000 }
    const silent = courtWith(...fails)
    expect(silent.vote(timed, 0, 4, 1_000)).toEqual({ vote: false, reason: 'opener-is-silent' })
    expect(silent.vote(timed, 0, 4, 1_001)).toEqual({ vote: true, rendition: 0 })
    // It must not shield the accused by a pass either; that enough others agree is needed as ever.
    expect(courtWith({ ...fail(ann, 1, 100), outcome: 'pass' }, ...fails).vote(timed, 0, 4, 1_001)).toMatchObject({ vote: true })
    expect(courtWith(...fails.slice(0, 4)).vote(timed, 0, 4, 1_001)).toMatchObject({ reason: 'too-few-agree' })
  })

  it('names the nodes of which it has found enough, and our fails of them', () => {
    const court = courtWith(fail(me, 1, 100), fail(ann, 2, 200))
    expect(court.failing()).toEqual([])
    court.recordOwn(fail(me, 2, 200))
    expect(court.failing()).toEqual([node])
    expect(court.ownFails(node).map(({ receiptDigest }) => receiptDigest)).toEqual([hash(1), hash(2)])
  })

  it('does not vote for quality, nor for another class than it found', () => {
    const { faultClass: _, ...quality } = fail(me, 1, 100)
    expect(courtWith(quality, fail(me, 2, 200), fail(ann, 1, 1), fail(bob, 1, 1)).vote(about, 0, 4, 0)).toMatchObject({
      reason: 'no-own-finding',
    })
    expect(
      courtWith({ ...fail(me, 1, 100), faultClass: 'D3' }, fail(me, 2, 200), fail(ann, 1, 1), fail(bob, 1, 1)).vote(
        about,
        0,
        4,
        0,
      ),
    ).toMatchObject({ reason: 'other-class' })
  })

  it('counts a member once, whatever it says later', () => {
    const court = courtWith(fail(me, 1, 100), fail(me, 2, 200), fail(ann, 1, 100), fail(ann, 1, 100))
    expect(court.vote(about, 0, 4, 0)).toMatchObject({ reason: 'too-few-agree' })
  })

  it('needs four streams on a public network: content that misleads the judge does so for a whole stream', () => {
    const court = createCourt(PUBLIC_COURT)
    const mine = (receipt: number, stream: number) =>
      court.recordOwn({ ...fail(me, receipt, 100 * receipt), streamId: hash(stream) })
    for (let receipt = 1; receipt <= 50; receipt++) mine(receipt, receipt % 3)
    expect(court.hasEnough(node)).toBe(false)
    mine(51, 3)
    expect(court.hasEnough(node)).toBe(true)
    // A stream that failed yesterday is no company for one that fails today.
    mine(1000, 9)
    expect(court.hasEnough(node)).toBe(false)
  })

  it('does not replay more of a stream that it failed twice within the day', () => {
    const court = createCourt(PUBLIC_COURT)
    court.recordOwn(fail(me, 1, 100))
    expect(court.callsForReplay(fail(ann, 5, 500), true)).toBe(true)
    court.recordOwn(fail(me, 2, 200))
    expect(court.callsForReplay(fail(ann, 6, 600), true)).toBe(false)
    expect(court.callsForReplay({ ...fail(ann, 7, 700), streamId: hash(8) }, true)).toBe(true)
    expect(court.callsForReplay(fail(ann, 8, 90_000), true)).toBe(true)
  })

  it('replays one receipt on the word of a member and three of a node with a case', () => {
    const court = createCourt(LOCAL_COURT)
    expect([11, 12].map((n) => court.callsForReplay(fail(ann, n, n), false))).toEqual([true, false])
    expect([12, 13, 14].map((n) => court.callsForReplay(fail(ann, n, n), true))).toEqual([true, true, false])
    expect(court.callsForReplay({ ...fail(ann, 11, 1), outcome: 'inconclusive' }, true)).toBe(false)
    court.forget(node)
    expect(court.callsForReplay(fail(ann, 17, 17), true)).toBe(true)
    court.recordOwn(fail(me, 17, 17))
    expect(court.callsForReplay(fail(ann, 17, 17), true)).toBe(false)
  })

  it('dismisses by its own replay alone: a pass, or bytes that did not come in the time to bring them', () => {
    const closing = { ...about, answerUntilSec: 500 }
    const says = (outcome: OwnFinding['outcome'], provenAtSec?: number, faultClass?: 'D2') => {
      const { faultClass: _, ...plain } = fail(me, 1, 100)
      const timed = provenAtSec === undefined ? {} : { provenAtSec }
      return courtWith({ ...plain, outcome, ...timed, ...(faultClass ? { faultClass } : {}) }).dismissal(closing, 0)
    }
    expect(says('pass', 10)).toBe('reject')
    expect(says('pass')).toBeUndefined()
    expect([says('inconclusive', 10), says('fail', 10), says('fail', 10, 'D2')]).toEqual([undefined, undefined, undefined])
    expect([says('withheld'), says('withheld', 500), says('withheld', 501)]).toEqual([undefined, undefined, 'draw'])
    expect(courtWith({ ...fail(ann, 1, 100), outcome: 'pass' }).dismissal(closing, 0)).toBeUndefined()
    expect(courtWith({ ...fail(me, 1, 100), outcome: 'pass', provenAtSec: 10 }).dismissal(closing, 1)).toBeUndefined()
  })

  it('replays for a case what it only checked, and once more what it could not have before the answer was due', () => {
    const closing = { ...about, answerUntilSec: 500 }
    const needs = (finding: Partial<OwnFinding>, nowSec = 600) => {
      const { faultClass: _, ...plain } = fail(me, 1, 100)
      return courtWith({ ...plain, ...finding }).needsReplay(closing, 0, nowSec)
    }
    expect(courtWith().needsReplay(closing, 0, 600)).toBe(false)
    for (const outcome of ['pass', 'inconclusive', 'withheld', 'fail'] as const) expect(needs({ outcome })).toBe(true)
    expect(needs({ faultClass: 'D2' })).toBe(false)
    for (const outcome of ['pass', 'inconclusive', 'fail'] as const) expect(needs({ outcome, provenAtSec: 10 })).toBe(false)
    const missing = { outcome: 'withheld', provenAtSec: 500 } as const
    expect([needs(missing, 500), needs(missing, 501), needs({ ...missing, provenAtSec: 501 }, 900)]).toEqual([false, true, false])
  })

  it('keeps the deeper look of its own, and the first answer in public', () => {
    const court = courtWith({ ...fail(me, 1, 100), provenAtSec: 10 }, { ...fail(me, 1, 100), outcome: 'pass' })
    expect(court.ownFinding(hash(1), 0)?.outcome).toBe('fail')
    court.recordOwn({ ...fail(me, 1, 100), outcome: 'withheld', provenAtSec: 11 })
    expect(court.ownFinding(hash(1), 0)?.outcome).toBe('withheld')
  })

  it('does not count the fail of an opener whose case was rejected, now or when it comes again', () => {
    const court = courtWith(fail(me, 1, 100), fail(me, 2, 160), fail(ann, 1, 100), fail(bob, 1, 100))
    court.discredit(bob, hash(1), 0)
    expect(court.vote(about, 0, 4, 0)).toMatchObject({ reason: 'too-few-agree' })
    court.record(fail(bob, 1, 100))
    expect(court.vote(about, 0, 4, 0)).toMatchObject({ reason: 'too-few-agree' })
    expect(court.callsForReplay(fail(bob, 1, 100), true)).toBe(false)
    // Of this rendition only.
    expect(court.callsForReplay(fail(bob, 9, 100), false)).toBe(false)
    court.record(fail(cid, 1, 100))
    expect(court.vote(about, 0, 4, 0)).toMatchObject({ vote: true })
  })

  it('passes over silent members only where that makes the votes enough, and over no more of them', () => {
    const votes = [ann, bob, cid].map((signer) => ({ signer, weight: 10n }))
    const silent = (...list: [Hex, number][]) => list.map(([address, weight]) => ({ address, weight: BigInt(weight) }))
    const [dan, eve] = [5, 6].map((n) => addressOf(wallet(n))) as [Hex, Hex]
    const marks = (total: number, list: { address: Hex; weight: bigint }[], from = votes) =>
      silentInTheWay(PUBLIC_COURT, from, BigInt(total), list).map(({ address }) => address)
    expect(marks(46, silent([dan, 1]))).toEqual([])
    expect(marks(46, silent([dan, 1], [eve, 2]))).toEqual([eve])
    expect(marks(46, silent([dan, 1], [eve, 1])).sort()).toEqual([dan, eve].sort())
    expect(marks(44, silent([dan, 1]))).toEqual([])
    // A voter is heard, however long it was silent; two votes are no court.
    expect(marks(45, silent([ann, 10]))).toEqual([])
    expect(marks(30, silent([dan, 10]), votes.slice(1))).toEqual([])
  })

  it('calls bytes withheld when three members could not have them', () => {
    const court = createCourt(PUBLIC_COURT)
    for (const who of [ann, ann, bob]) court.record({ ...fail(who, 1, 1), outcome: 'withheld' })
    expect(court.isWithheld(hash(1), 0)).toBe(false)
    court.record({ ...fail(cid, 1, 1), outcome: 'withheld' })
    expect(court.isWithheld(hash(1), 0)).toBe(true)
  })

  it('opens by five of seven and convicts by more than two thirds of weight and three signers', () => {
    expect([1, 3, 4, 7, 30].map((members) => agreeing(PUBLIC_COURT, members))).toEqual([1, 3, 3, 5, 5])
    const votes = (...weights: number[]) => weights.map((weight) => ({ weight: BigInt(weight) }))
    expect(convicts(PUBLIC_COURT, votes(1, 1, 1), 4n)).toBe(true)
    expect(convicts(PUBLIC_COURT, votes(1, 1, 1, 1), 6n)).toBe(false)
    expect(convicts(PUBLIC_COURT, votes(5, 5), 10n)).toBe(false)
  })
})

describe('evidence score', () => {
  const bad = (stream: string, requester = 'r') => ({ bad: true, stream, requester })
  it('alarms after four strikes on different streams and requesters, not on one bursty stream', () => {
    const bursty = Array.from({ length: 100 }).reduce<typeof NO_EVIDENCE>((score) => scored(score, bad('s')), NO_EVIDENCE)
    expect(bursty.value).toBeLessThan(ALARM)
    const spread = ['a', 'b', 'c', 'd'].reduce((score, s) => scored(score, bad(s, `requester of ${s}`)), NO_EVIDENCE)
    expect(spread.value).toBeGreaterThan(ALARM)
  })
  it('counts two strikes a requester a day, never falls below zero, and forgets strikes overnight', () => {
    const three = ['a', 'b', 'c'].reduce((score, s) => scored(score, bad(s)), NO_EVIDENCE)
    expect(three.value).toBeCloseTo(2 * 3.51)
    expect(scored(NO_EVIDENCE, { bad: false, stream: 's', requester: 'r' }).value).toBe(0)
    expect(scored(nextDay(three), bad('a')).value).toBeCloseTo(3 * 3.51)
  })
})
