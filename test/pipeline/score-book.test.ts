import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Hex, OUTCOMES } from '../../proofs/types.ts'
import type { FeedSpan } from '../../src/observe/feeds/source.ts'
import { createScoreBook, type Seen } from '../../src/pipeline/score-book.ts'
import { leastHeld } from '../helpers/heap.ts'

const NODES = ['aa', 'bb', 'cc'].map((two) => `0x${two.repeat(20)}` as Hex)
const ALL: FeedSpan = { sinceSec: 0, untilSec: 1e12 }

// Fractions of a second, times after the year 2106, and no time at all: nothing may be cut off.
const when = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0.5, 17.25, 5e9))
const base = { transcoder: fc.constantFrom(...NODES), atSec: when }
const seconds = fc.integer({ min: 0, max: 3 })
const times = { segmentSec: seconds, roundTripSec: seconds, uploadSec: seconds, downloadSec: seconds, transcodeSec: seconds }

const anySeen: fc.Arbitrary<Seen> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      ...{ kind: fc.constant('check' as const), ...base, outcome: fc.constantFrom(...OUTCOMES) },
      quality: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      why: fc.option(fc.constantFrom('D2', 'http-404', 'fail', NODES[0] as string), { nil: null }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unreceipted' as const), ...base }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fault' as const), ...base }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ kind: fc.constant('trip' as const), ...base, ...times, sent: seconds, received: seconds },
      errors: fc.array(fc.record({ code: fc.constant('busy'), count: seconds }), { maxLength: 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ kind: fc.constant('burst' as const), ...base, asked: seconds, inTime: seconds, pixelsPerSec: seconds },
    }),
  },
)

function tell(book: ReturnType<typeof createScoreBook>, seen: Seen): void {
  const { kind, ...rest } = seen
  if (seen.kind === 'check') book.probe(seen)
  else if (kind === 'trip') book.trip(rest as Parameters<typeof book.trip>[0])
  else if (kind === 'burst') book.burst(rest as Parameters<typeof book.burst>[0])
  else if (kind === 'fault') book.fault(seen.transcoder, seen.atSec)
  else book.unreceipted(seen.transcoder, seen.atSec)
}

/** The same as a plain list: what the newest `most` say. */
function plain(all: readonly Seen[], most: number, { sinceSec, untilSec }: FeedSpan): Seen[] {
  return all.slice(Math.max(0, all.length - most)).filter(({ atSec }) => atSec >= sinceSec && atSec <= untilSec)
}

/** And what it says of one node. */
function factsOf(seen: readonly Seen[]) {
  const checks = seen.flatMap((one) => (one.kind === 'check' ? [one] : []))
  const trips = seen.flatMap((one) => (one.kind === 'trip' && one.roundTripSec > 0 ? [one] : []))
  const inTime = seen.flatMap((one) => (one.kind === 'burst' ? [one.inTime] : []))
  const qualities = checks.flatMap(({ quality }) => (quality === undefined ? [] : [quality]))
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  const average = (values: readonly number[]) => (values.length === 0 ? 0 : sum(values) / values.length)
  return {
    ...Object.fromEntries(OUTCOMES.map((name) => [name, checks.filter(({ outcome }) => outcome === name).length])),
    unreceipted: seen.filter(({ kind }) => kind === 'unreceipted').length,
    faults: seen.filter(({ kind }) => kind === 'fault').length,
    trips: {
      count: trips.length,
      roundTripSec: average(trips.map(({ roundTripSec }) => roundTripSec)),
      segmentSec: average(trips.map(({ segmentSec }) => segmentSec)),
    },
    ...(qualities.length === 0 ? {} : { quality: average(qualities) }),
    ...(inTime.length === 0 ? {} : { streams: Math.max(...inTime) }),
  }
}

describe('the book of scores beside a plain list', () => {
  it('says the same of each node, in the same order, however much came and was forgotten', () => {
    const span = fc.tuple(when, when).map(([a, b]): FeedSpan => ({ sinceSec: Math.min(a, b), untilSec: Math.max(a, b) }))
    // More than one piece of its columns, and bounds that end inside of one and at its edge.
    const repeats = fc.constantFrom(1, 40, 300)
    const bound = fc.constantFrom(1, 7, 1_024, 1_500, 200_000)
    fc.assert(
      fc.property(fc.array(anySeen, { minLength: 1, maxLength: 12 }), repeats, bound, span, (some, times, most, young) => {
        const all = Array.from({ length: times }, () => some).flat()
        const book = createScoreBook({ remembered: most })
        for (const seen of all) tell(book, seen)
        for (const asked of [ALL, young]) {
          const expected = plain(all, most, asked)
          const nodes = [...new Set(expected.map(({ transcoder }) => transcoder))]
          const facts = book.facts(asked)
          expect([...facts.keys()]).toEqual(nodes)
          for (const node of NODES) {
            const mine = expected.filter(({ transcoder }) => transcoder === node)
            expect(book.of(node, asked)).toEqual(mine)
            if (mine.length > 0) expect(facts.get(node)).toMatchObject(factsOf(mine))
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('as many nodes as rows: none is taken for another', () => {
    const book = createScoreBook()
    const node = (i: number) => `0x${i.toString(16).padStart(40, '0')}` as Hex
    for (let i = 0; i < 3_000; i++) book.probe({ transcoder: node(i), atSec: i, outcome: 'fail', why: `why-${i}` })
    for (const i of [0, 1_023, 1_024, 2_999])
      expect(book.of(node(i), ALL)).toMatchObject([{ kind: 'check', transcoder: node(i), atSec: i, why: `why-${i}` }])
  })

  it('a verdict takes next to nothing of the heap', async () => {
    const book = createScoreBook()
    const bytes = await leastHeld(3, () => {
      for (let i = 0; i < 50_000; i++) {
        const transcoder = Buffer.from((NODES[i % 3] as Hex).slice(0)).toString() as Hex
        book.probe({ transcoder, atSec: 1_700_000_000 + i, outcome: 'pass', quality: i / 50_000, why: null })
      }
    })
    expect(bytes / 50_000).toBeLessThan(4)
    expect(book.facts(ALL).size).toBe(3)
  })
})
