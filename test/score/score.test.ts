import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { ALARM } from '../../src/court/score.ts'
import { feedOf, ranked } from '../../src/score/feed.ts'
import { wilson } from '../../src/score/interval.ts'
import { NO_FACTS, type NodeFacts, scoreOf } from '../../src/score/score.ts'
import { PRESETS, weighed } from '../../src/score/weights.ts'
import { createGateway } from './gateway.ts'

const address = (i: number): Hex => `0x${i.toString(16).padStart(40, '0')}`
const facts = (change: Partial<NodeFacts>): NodeFacts => ({ ...NO_FACTS, ...change })
const trips = (roundTripSec: number) => ({ count: 10, roundTripSec, segmentSec: 2 })
const anyFacts = fc.record({
  ...{ pass: fc.nat(200), fail: fc.nat(50), inconclusive: fc.nat(50), withheld: fc.nat(10), unreceipted: fc.nat(10) },
  faults: fc.constantFrom(0, 0, 0, 1),
  trips: fc.record({
    count: fc.nat(5),
    roundTripSec: fc.double({ min: 0.01, max: 60, noNaN: true }),
    segmentSec: fc.constant(2),
  }),
  quality: fc.double({ min: 0, max: 1, noNaN: true }),
  evidenceScore: fc.double({ min: 0, max: 30, noNaN: true }),
  isConvicted: fc.boolean(),
})
const anyNodes = fc.array(anyFacts, { minLength: 1, maxLength: 20 })
const scoresOf = (all: readonly NodeFacts[], preset?: keyof typeof PRESETS) =>
  new Map(all.map((one, i) => [address(i + 1), scoreOf(one, preset && PRESETS[preset])]))

describe('the interval', () => {
  it('is that of Wilson: known values, and all of [0, 1] without samples', () => {
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 })
    expect(wilson(30, 30).low).toBeCloseTo(0.8865, 3)
    expect(wilson(5, 10)).toEqual({ low: expect.closeTo(0.2366, 3), high: expect.closeTo(0.7634, 3) })
  })
  it('holds the share, lies in [0, 1], and narrows', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), (good, bad) => {
        const total = good + bad
        fc.pre(total > 0)
        const { low, high } = wilson(good, total)
        const wider = wilson(good * 2, total * 2)
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeLessThanOrEqual(1)
        expect(low).toBeLessThanOrEqual(good / total + 1e-12)
        expect(high).toBeGreaterThanOrEqual(good / total - 1e-12)
        expect(wider.high - wider.low).toBeLessThanOrEqual(high - low + 1e-12)
      }),
    )
  })
})

describe('a score', () => {
  it('is unknown below 30 samples; doubt is none', () => {
    expect(scoreOf(facts({ pass: 29, inconclusive: 100 }))).toMatchObject({ tier: 'unknown', n: 29 })
    expect(scoreOf(facts({ pass: 29 })).score).toBeUndefined()
    expect(scoreOf(facts({ pass: 30 }))).toMatchObject({ tier: 'known', score: 1 })
  })
  it("is Livepeer's: success times 1 - e^(-segment / round trip)", () => {
    const { score, speed } = scoreOf(facts({ pass: 99, fail: 1, trips: trips(1) }))
    expect(speed).toBeCloseTo(1 - Math.exp(-2), 12)
    expect(score).toBeCloseTo(0.99 * (1 - Math.exp(-2)), 12)
  })
  it('is 0 above 2 % withheld and unreceipted, also where there are few samples and most are so; one accident is no pattern', () => {
    expect(scoreOf(facts({ pass: 98, withheld: 2 }))).toMatchObject({ tier: 'known', score: 0.98 })
    expect(scoreOf(facts({ pass: 97, withheld: 2, unreceipted: 1 }))).toMatchObject({ tier: 'failing', score: 0 })
    expect(scoreOf(facts({ pass: 9, withheld: 1 })).tier).toBe('unknown')
    expect(scoreOf(facts({ pass: 2, withheld: 3 }))).toMatchObject({ tier: 'failing', score: 0 })
  })
  it('is 0 at the alarm of the court, and after a conviction', () => {
    expect(scoreOf(facts({ pass: 1000, evidenceScore: ALARM })).score).toBe(0)
    expect(scoreOf(facts({ pass: 1000, evidenceScore: ALARM - 0.01 })).score).toBe(1)
    expect(scoreOf(facts({ pass: 1000, faults: 1 }))).toMatchObject({ tier: 'failing', score: 0 })
    expect(scoreOf(facts({ pass: 1000, isConvicted: true }))).toMatchObject({ tier: 'convicted', score: 0 })
    // Two strikes, and a stranger no longer.
    expect(scoreOf(facts({ pass: 3, fail: 2, evidenceScore: 7.02 })).tier).toBe('failing')
    expect(scoreOf(facts({ pass: 3, fail: 2, evidenceScore: 3.51 })).tier).toBe('unknown')
  })
  it('lies in [0, 1], and no further pass or shorter trip lowers it', () => {
    fc.assert(
      fc.property(anyFacts, (one) => {
        const before = scoreOf(one)
        const value = before.score ?? 0
        expect(value >= 0 && value <= 1).toBe(true)
        const more = scoreOf({ ...one, pass: one.pass + 1 })
        if (before.tier === 'known' && more.tier === 'known') expect(more.score).toBeGreaterThanOrEqual(value - 1e-12)
        const faster = scoreOf({ ...one, trips: { ...one.trips, roundTripSec: one.trips.roundTripSec / 2 } })
        if (before.tier === 'known') expect(faster.score).toBeGreaterThanOrEqual(value - 1e-12)
      }),
    )
  })
})

describe('presets', () => {
  it('put one set of nodes into three orders', () => {
    const nodes = scoresOfPreset([
      { pass: 100, trips: trips(0.3), quality: 0.3, streams: 3 },
      { pass: 100, trips: trips(4), quality: 0.95, streams: 3 },
      { pass: 100, trips: trips(0.9), quality: 0.7, streams: 10 },
    ])
    expect(nodes('low-latency')).toEqual([1, 3, 2])
    expect(nodes('archive')).toEqual([2, 3, 1])
    expect(nodes('balanced')).toEqual([3, 1, 2])
  })
  it('leave out what nobody measured, and let nothing make up for a 0', () => {
    expect(weighed({ success: 0.9 }, PRESETS['low-latency'])).toBeCloseTo(0.9, 12)
    expect(weighed({ success: 1, speed: 0 }, PRESETS['low-latency'])).toBe(0)
    expect(weighed({ speed: 1 }, { price: 1 })).toBeUndefined()
  })
  function scoresOfPreset(all: Partial<NodeFacts>[]) {
    return (preset: keyof typeof PRESETS) =>
      ranked(
        scoresOf(
          all.map((one) => facts(one)),
          preset,
        ),
      ).map(({ address: who }) => Number(who))
  }
})

describe('an unmodified gateway', () => {
  const minimum = fc.double({ min: 0.001, max: 1, noNaN: true })

  it('never routes to who is convicted or failing while a good or unknown node is among its candidates; shuts no unknown one out', () => {
    fc.assert(
      fc.property(anyNodes, minimum, fc.constantFrom(undefined, 'low-latency' as const), (all, min, preset) => {
        const scores = scoresOf(all, preset)
        const gateway = createGateway('GLOBAL')
        const body = Object.entries(feedOf(scores, { floor: 1 })).map(([who, entry]) => [who, { GLOBAL: entry }])
        expect(gateway.readStats(JSON.stringify(Object.fromEntries(body)))).toBe(true)
        const candidates = [...scores.keys()]
        const passed = gateway.filter(candidates, min)
        const tierOf = (who: string) => scores.get(who as Hex)?.tier
        const isBad = (who: string) => ['convicted', 'failing'].includes(tierOf(who) ?? '')
        if (candidates.some((who) => !isBad(who) && (tierOf(who) === 'unknown' || (scores.get(who as Hex)?.score ?? 0) >= 0)))
          expect(passed.filter(isBad)).toEqual([])
        for (const who of candidates) if (tierOf(who) === 'unknown') expect(passed).toContain(who)
      }),
      { numRuns: 1000 },
    )
  })
  it('without a floor would let the cheat back in: what the floor is for', () => {
    const scores = scoresOf([facts({ pass: 100, trips: trips(3) }), facts({ pass: 1, isConvicted: true })])
    const filtered = (floor: number) => {
      const gateway = createGateway('GLOBAL')
      const entries = Object.entries(feedOf(scores, { floor })).map(([who, entry]) => [who, { GLOBAL: entry }])
      gateway.readStats(JSON.stringify(Object.fromEntries(entries)))
      return gateway.filter([address(1), address(2)], 0.8)
    }
    expect(filtered(0)).toEqual([address(1), address(2)])
    expect(filtered(1)).toEqual([address(1)])
    expect(filtered(0.8)).toEqual([address(1)])
  })
  it('keeps what it read: who is convicted later is said to be at 0, not left out', () => {
    const gateway = createGateway('GLOBAL')
    const read = (isConvicted: boolean) => {
      const entries = feedOf(scoresOf([facts({ pass: 100, isConvicted }), facts({ pass: 50 })]), { floor: 1 })
      gateway.readStats(JSON.stringify(Object.fromEntries(Object.entries(entries).map(([who, one]) => [who, { GLOBAL: one }]))))
    }
    read(false)
    expect(gateway.scores.get(address(1))).toBe(1)
    read(true)
    expect(gateway.filter([address(1), address(2)], 0.5)).toEqual([address(2)])
  })
})
