import { describe, expect, it } from 'vitest'
import type { Hex, Outcome } from '../../proofs/types.ts'
import type { Listed } from '../../src/chain/directory.ts'
import type { CaseView } from '../../src/chain/types.ts'
import { createScoreBook } from '../../src/pipeline/score-book.ts'
import { createScoreFeed } from '../../src/pipeline/score-feed.ts'
import type { VerdictRecord } from '../../src/pipeline/verdicts.ts'
import { LINES } from '../../src/verdict/lines.ts'

const [A, B, C] = ['aa', 'bb', 'cc'].map((two) => `0x${two.repeat(20)}`) as [Hex, Hex, Hex]
const ALL = { sinceSec: 0, untilSec: 1e12 }
const DAY = 86_400

function record(transcoder: Hex, outcome: Outcome, atSec: number, more: Partial<VerdictRecord> = {}): VerdictRecord {
  const id = `0x${'11'.repeat(32)}` as Hex
  return {
    ...{ sampleId: id, transcoder, streamId: id, requester: A, outcome, faultClass: null, answer: null, deadline: '0' },
    // What the node says of when it finished is its word.
    ...{ completedAt: 5, drawProof: '0x', beacon: id, cost: { atSec, seconds: 1, bytes: 1 }, verdict: {}, ...more },
  }
}

describe('the book of scores', () => {
  it('counts by node and by our own time', () => {
    const book = createScoreBook()
    book.check(record(A, 'pass', 100))
    book.check(record(A, 'fail', 200, { faultClass: 'D2' }))
    book.check(record(A, 'withheld', 300, { verdict: { missing: 'http-404' } }))
    book.unreceipted(A, 300)
    book.fault(B, 400)
    expect(book.facts(ALL).get(A)).toMatchObject({ pass: 1, fail: 1, withheld: 1, unreceipted: 1, faults: 0 })
    expect(book.facts(ALL).get(B)).toMatchObject({ faults: 1 })
    expect(book.facts({ sinceSec: 150, untilSec: 250 }).get(A)).toMatchObject({ pass: 0, fail: 1, withheld: 0 })
    expect([...book.facts({ sinceSec: 500, untilSec: 600 })]).toEqual([])
  })
  it('measures quality by the nearest of the quality lines, and speed by averages', () => {
    const line = Object.entries(LINES).find(([, one]) => one.class === 'Q' && one.fraud > 0 && Number.isFinite(one.fraud))
    const [code, { fraud }] = line as [string, { fraud: number }]
    const book = createScoreBook()
    book.check(record(A, 'pass', 1, { verdict: { measures: { [code]: fraud / 4, other: 'x' } } }))
    book.check(record(A, 'pass', 1, { verdict: { measures: { [code]: fraud / 2 } } }))
    const times = { uploadSec: 0, downloadSec: 0, transcodeSec: 0, sent: 1, received: 1, errors: [] }
    book.trip({ transcoder: A, atSec: 1, segmentSec: 2, roundTripSec: 1, ...times })
    book.trip({ transcoder: A, atSec: 1, segmentSec: 2, roundTripSec: 3, ...times })
    for (const inTime of [2, 3, 1]) book.burst({ transcoder: A, atSec: 1, asked: 5, inTime, pixelsPerSec: 1e6 })
    expect(book.facts(ALL).get(A)).toMatchObject({
      ...{ quality: expect.closeTo(0.625, 12), streams: 3 },
      trips: { count: 2, segmentSec: 2, roundTripSec: 2 },
    })
  })
  it('forgets the oldest beyond its bound', () => {
    const book = createScoreBook({ remembered: 10 })
    for (let i = 0; i < 25; i++) book.check(record(i < 15 ? A : B, 'pass', i))
    expect([book.of(A, ALL).length, book.of(B, ALL).length]).toEqual([0, 10])
  })
})

describe('what feeds are made of', () => {
  const now = 1_000 * DAY
  function feed(listed: Listed[] | undefined, cases: Partial<CaseView>[] = [], postSecret?: string) {
    const book = createScoreBook()
    const source = createScoreFeed(
      { region: 'FRA', presets: new Map(), verificationFreq: 1, followed: () => [C], ...(postSecret ? { postSecret } : {}) },
      {
        book,
        bench: {
          chain: { nowSec: () => now, cases: () => cases as CaseView[] },
          tally: { evidence: (who: Hex) => (who === B ? { value: 9 } : undefined) },
        } as never,
        directory: { all: () => listed },
      },
    )
    return { book, source }
  }

  it('names all: the pool, feeds that are followed, who was seen, and who was convicted; nobody before the pool was read', () => {
    const cases = [{ state: 'convicted' as const, transcoder: B, releaseAtSec: now }]
    const { source } = feed([{ address: A, serviceUri: 'https://a.example' }], cases)
    expect([...(source.facts(ALL)?.keys() ?? [])].sort()).toEqual([A, B, C])
    expect(source.facts(ALL)?.get(B)).toMatchObject({ isConvicted: true, evidenceScore: 9 })
    expect(source.serviceUris().get(A)).toBe('https://a.example')
    expect(feed(undefined).source.facts(ALL)).toBeUndefined()
  })
  it('a conviction holds for thirty days after its appeal; one that was overturned or dismissed never', () => {
    const isConvicted = (one: Partial<CaseView>) =>
      feed([], [{ transcoder: B, ...one }])
        .source.facts(ALL)
        ?.get(B)?.isConvicted ?? false
    expect(isConvicted({ state: 'settled', releaseAtSec: now - 29 * DAY })).toBe(true)
    expect(isConvicted({ state: 'settled', releaseAtSec: now - 31 * DAY })).toBe(false)
    expect(isConvicted({ state: 'convicted' })).toBe(true)
    for (const state of ['open', 'answered', 'refunded', 'rejected', 'drawn', 'expired'] as const)
      expect(isConvicted({ state }), state).toBe(false)
  })
  it('tells raw what it has, and takes the times of a stream tester, never its success', () => {
    const { book, source } = feed([], [], 'a-secret-of-sixteen')
    book.check(record(A, 'withheld', 7, { verdict: { missing: 'http-404' } }))
    const [stat] = source.raw(A, ALL)
    expect(stat).toMatchObject({ region: 'FRA', timestamp: 7, segments_sent: 1, segments_received: 0, success_rate: 0 })
    expect(stat?.errors).toEqual([{ error_code: 'http-404', count: 1 }])
    if (stat) source.post?.take({ ...stat, timestamp: now + 1e6, round_trip_time: 0.5, seg_duration: 2, success_rate: 1 })
    expect(source.raw(A, ALL)[1]).toMatchObject({ round_trip_time: 0.5, timestamp: now })
    expect(source.facts(ALL)?.get(A)).toMatchObject({ pass: 0, withheld: 1, trips: { count: 1, roundTripSec: 0.5 } })
  })
})
