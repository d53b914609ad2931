import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodeStatement, STATEMENT_KINDS } from '../../proofs/codec.ts'
import { FishermanError } from '../../src/base/errors.ts'
import { createCounters } from '../../src/gossip/counters.ts'
import type { Outcome } from '../../src/gossip/outcome.ts'
import { createParking } from '../../src/gossip/parking.ts'
import {
  decodeEntry,
  decodeHeader,
  decodeRequest,
  encodeEntry,
  encodeHeader,
  encodeRequest,
  MAX_PULL_BYTES,
  type PullEntry,
  START,
  violation,
} from '../../src/gossip/pull-frames.ts'
import { cursorOf, readPage, type StatementLog } from '../../src/gossip/pull-server.ts'
import { createPuller, type PullerDeps } from '../../src/gossip/puller.ts'
import { Refusal } from '../../src/gossip/refusal.ts'
import { answer, MEMBERS, MemoryStore, sealed, silent } from './world.ts'

const ALICE = MEMBERS[0]!
const all = new Set(STATEMENT_KINDS)

describe('pull frames', () => {
  const cursor = fc.record({
    seq: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    tag: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((b) => Buffer.from(b).toString('hex')),
  })

  it('read what was written', () => {
    const request = fc.record({
      cursor,
      kinds: fc.uniqueArray(fc.constantFrom(...STATEMENT_KINDS)),
      limit: fc.integer({ min: 1, max: 512 }),
    })
    fc.assert(
      fc.property(request, (r) => {
        expect(decodeRequest(encodeRequest({ ...r, kinds: new Set(r.kinds) }))).toEqual({ ...r, kinds: new Set(r.kinds) })
      }),
    )
    fc.assert(
      fc.property(fc.boolean(), fc.nat(512), cursor, (more, count, c) => {
        const header = { status: 'ok' as const, more, count, cursor: c }
        expect(decodeHeader(encodeHeader(header))).toEqual(header)
      }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...STATEMENT_KINDS),
        fc.uint8Array({ minLength: 1, maxLength: 4096 }),
        cursor,
        (kind, bytes, { seq }) => {
          expect(decodeEntry(encodeEntry({ seq, kind, bytes }))).toEqual({ seq, kind, bytes })
        },
      ),
    )
  })

  it('refuse everything else as a violation, and never crash', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(decodeRequest, decodeHeader, decodeEntry),
        (bytes, decode) => {
          try {
            decode(bytes)
          } catch (error) {
            expect(error).toMatchObject({ code: 'pull-violation', blame: 'theirs' })
          }
        },
      ),
      { numRuns: 1_000 },
    )
    const entry = { seq: 1n, kind: 'vote' as const, bytes: new Uint8Array(16_385) }
    expect(() => decodeEntry(encodeEntry(entry))).toThrow(/too long/)
    expect(() => decodeEntry(encodeEntry({ ...entry, bytes: new Uint8Array() }))).toThrow(/empty/)
    expect(() => decodeHeader(encodeHeader({ status: 'busy', more: true, count: 0, cursor: START }))).toThrow(/refusal/)
    expect(() => decodeRequest(encodeRequest({ cursor: START, kinds: all, limit: 0 }))).toThrow(/nothing/)
  })

  it('cap what is asked for', () => {
    expect(decodeRequest(encodeRequest({ cursor: START, kinds: all, limit: 65_535 })).limit).toBe(512)
  })
})

describe('a page of the log', () => {
  let store: MemoryStore
  beforeEach(async () => {
    store = new MemoryStore()
    store.gap = 3n
    for (let n = 0; n < 5; n++) store.add(n % 2 ? await answer(ALICE, n) : await sealed(ALICE, n))
  })
  const page = (cursor = START, limit = 10, wants: (kind: string) => boolean = () => true) =>
    readPage(store, { cursor, kinds: all, limit }, wants)

  it('goes on where the cursor stands, through gaps', async () => {
    const first = await page(START, 2)
    expect(first.entries.map(({ seq }) => seq)).toEqual([3n, 6n])
    expect(first.header).toMatchObject({ status: 'ok', more: true, count: 2, cursor: { seq: 6n } })
    const second = await page(first.header.cursor, 10)
    expect(second.entries.map(({ seq }) => seq)).toEqual([9n, 12n, 15n])
    expect(second.header.more).toBe(false)
    const third = await page(second.header.cursor)
    expect(third).toEqual({ header: { status: 'ok', more: false, count: 0, cursor: second.header.cursor }, entries: [] })
  })

  it('of few kinds is found by the index where there is one, and is the same page', async () => {
    const asked: bigint[] = []
    const indexed: StatementLog = {
      since(cursor, limit) {
        asked.push(BigInt(limit))
        return store.since(cursor, limit)
      },
      byKind: {
        since: async (kinds, cursor, limit) =>
          store.entries.filter(({ seq, kind }) => seq > cursor && kinds.includes(kind)).slice(0, limit),
        last: async () => store.entries.at(-1),
      },
    }
    const wants = (kind: string) => kind === 'answer'
    for (const cursor of [START, cursorOf(store.entries[2] as PullEntry)])
      expect(await readPage(indexed, { cursor, kinds: all, limit: 10 }, wants)).toEqual(await page(cursor, 10, wants))
    // One entry, to see whether the cursor is of this log.
    expect(asked).toEqual([1n])
    const one = await readPage(indexed, { cursor: START, kinds: all, limit: 1 }, wants)
    expect(one.header).toMatchObject({ more: true, count: 1, cursor: { seq: 6n } })
    const two = await readPage(indexed, { cursor: one.header.cursor, kinds: all, limit: 2 }, wants)
    expect(two.header).toMatchObject({ more: false, count: 1, cursor: { seq: 15n } })
    expect(await readPage(indexed, { cursor: two.header.cursor, kinds: all, limit: 2 }, wants)).toEqual({
      header: { status: 'ok', more: false, count: 0, cursor: two.header.cursor },
      entries: [],
    })
    const foreign = { ...one.header.cursor, tag: 'ff'.repeat(8) }
    const reset = await readPage(indexed, { cursor: foreign, kinds: all, limit: 2 }, wants)
    expect(reset).toEqual({ header: { status: 'reset', more: false, count: 0, cursor: START }, entries: [] })
    // Of all kinds nothing is left out: the log is read as it lies.
    await readPage(indexed, { cursor: START, kinds: all, limit: 7 }, () => true)
    expect(asked.at(-1)).toBe(7n)
  })

  it('passes over kinds that were not asked for', async () => {
    const { header, entries } = await page(START, 10, (kind) => kind === 'answer')
    expect(entries.map(({ seq }) => seq)).toEqual([6n, 12n])
    expect(header.cursor.seq).toBe(15n)
  })

  it('says reset where the cursor is of another log', async () => {
    const { cursor } = (await page(START, 2)).header
    for (const wrong of [
      { ...cursor, tag: 'ff'.repeat(8) },
      { ...cursor, seq: 7n },
      { ...cursor, seq: 99n },
      { ...cursor, seq: 2n ** 64n - 1n },
    ])
      expect((await page(wrong)).header).toEqual({ status: 'reset', more: false, count: 0, cursor: START })
  })

  it('ends before its bytes are too many', async () => {
    const big = new MemoryStore()
    for (let n = 0; n < 100; n++) big.entries.push({ seq: BigInt(n + 1), kind: 'vote', bytes: new Uint8Array(4096).fill(n) })
    const { header, entries } = await readPage(big, { cursor: START, kinds: all, limit: 512 }, () => true)
    expect(entries).toHaveLength(MAX_PULL_BYTES / 4096)
    expect(header).toMatchObject({ more: true, cursor: { seq: 64n } })
    expect((await readPage(big, { cursor: header.cursor, kinds: all, limit: 512 }, () => true)).entries[0]!.seq).toBe(65n)
  })
})

describe('the puller', () => {
  let store: MemoryStore
  let received: bigint[]
  let punished: string[]
  let answers: (entry: PullEntry) => Outcome
  let nowMs: number
  const signal = new AbortController().signal
  const refuse = (action: 'ignore' | 'reject', code: Refusal['code']): Outcome => ({
    answer: action,
    refusal: new Refusal(action, code, 'x'),
  })

  beforeEach(async () => {
    store = new MemoryStore()
    for (let n = 0; n < 6; n++) store.add(await sealed(ALICE, n))
    received = []
    punished = []
    nowMs = 0
    answers = () => ({ answer: 'accept' })
  })

  function make(changes: Partial<PullerDeps> = {}) {
    const counters = createCounters()
    const puller = createPuller({
      kinds: new Set(STATEMENT_KINDS),
      clock: { nowMs: () => nowMs },
      counters,
      log: silent,
      page: (_, request) => readPage(store, { ...request, limit: 4 }, () => true),
      intake: {
        waitForRoom: async () => {},
        receive: async (kind, bytes) => {
          const entry = store.entries.find((e) => e.kind === kind && Buffer.compare(e.bytes, bytes) === 0)!
          received.push(entry.seq)
          return answers(entry)
        },
      },
      ready: () => true,
      punish: (_, reason) => void punished.push(reason),
      giveUp: () => void punished.push('give-up'),
      ...changes,
    })
    return { round: () => puller.round('peer', { signal }), counters }
  }

  it('takes all pages, and next time only what is new', async () => {
    const { round } = make()
    await round()
    expect(received).toEqual([1n, 2n, 3n, 4n, 5n, 6n])
    store.add(await sealed(ALICE, 7))
    await round()
    expect(received.slice(6)).toEqual([7n])
  })

  it('begins again when the peer lost its log', async () => {
    const { round, counters } = make()
    await round()
    store.entries.splice(0, 6)
    store.add(await sealed(ALICE, 9))
    await round()
    expect(received.slice(6)).toEqual([1n])
    expect(counters.all()['pull.reset']).toBe(1)
  })

  it('is not caught by a peer that always says reset', async () => {
    let asked = 0
    const { round } = make({
      page: async () => {
        asked++
        return { header: { status: 'reset', more: false, count: 0, cursor: START }, entries: [] }
      },
    })
    await round()
    expect(asked).toBe(2)
  })

  it('tries again what may pass, without holding up the rest, until it is too old', async () => {
    let member = false
    answers = ({ seq }) => (seq === 2n && !member ? refuse('ignore', 'not-member') : { answer: 'accept' })
    const { round, counters } = make()
    await round()
    await round()
    expect(received).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 2n])
    member = true
    await round()
    await round()
    expect(received.slice(7)).toEqual([2n])
    expect(counters.all()['pull.repaired']).toBe(6)
  })

  it('stops a page at a signer over its quota and goes on from there', async () => {
    let full = true
    answers = ({ seq }) => (seq === 3n && full ? refuse('ignore', 'quota') : { answer: 'accept' })
    const { round } = make()
    await round()
    full = false
    await round()
    expect(received).toEqual([1n, 2n, 3n, 3n, 4n, 5n, 6n])
  })

  it('punishes who serves invalid statements, and who breaks the protocol', async () => {
    answers = () => refuse('reject', 'bad-signature')
    await make().round()
    expect([received, punished]).toEqual([[1n], ['invalid-statement']])
    await make({ page: () => Promise.reject(violation('x')) }).round()
    expect(punished).toEqual(['invalid-statement', 'violation'])
  })

  it('gives a link up after three failures in a row, and accuses nobody', async () => {
    let fails = true
    const { round } = make({
      page: async (_, request) => {
        if (fails) throw new FishermanError({ code: 'pull-failed', message: 'x', blame: 'unknown' })
        return readPage(store, request, () => true)
      },
    })
    await round()
    await round()
    fails = false
    await round()
    fails = true
    await round()
    await round()
    expect(punished).toEqual([])
    await round()
    expect(punished).toEqual(['give-up'])
  })

  it('does not ask before there is a view of the chain, nor on when the peer is busy', async () => {
    await make({ ready: () => false }).round()
    let asked = 0
    await make({
      page: async (_, { cursor }) => {
        asked++
        return { header: { status: 'busy', more: false, count: 0, cursor }, entries: [] }
      },
    }).round()
    expect([received, asked]).toEqual([[], 1])
  })
})

it('parking is bounded, per peer, and forgets what is too old even when it is parked again', () => {
  let nowMs = 0
  const parking = createParking({ nowMs: () => nowMs }, 2, 2)
  const entry = (seq: bigint): PullEntry => ({ seq, kind: 'vote', bytes: Uint8Array.of(1) })
  expect([parking.park('a', entry(1n)), parking.park('b', entry(1n)), parking.park('a', entry(2n))]).toEqual([true, true, false])
  expect(parking.of('a').map(({ seq }) => seq)).toEqual([1n])
  parking.remove('b', entry(1n))
  nowMs = 600_000
  parking.park('a', entry(1n))
  expect(parking.of('a')).toHaveLength(1)
  nowMs = 600_001
  expect(parking.of('a')).toHaveLength(0)
  parking.park('b', entry(5n))
  parking.remove('b', entry(5n))
  expect(parking.of('b')).toHaveLength(0)
  const fair = createParking({ nowMs: () => nowMs }, 3, 1)
  expect([fair.park('a', entry(1n)), fair.park('a', entry(2n)), fair.park('b', entry(1n))]).toEqual([true, false, true])
})

it('a cursor names its entry', async () => {
  const bytes = encodeStatement(await sealed(ALICE))
  expect(cursorOf({ seq: 5n, kind: 'sealed', bytes })).toMatchObject({ seq: 5n, tag: expect.stringMatching(/^[0-9a-f]{16}$/) })
})
