import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EventRow, EvidenceRow, StateRow } from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'
import { deriveIdle, type IdleInput } from '../../src/idle/idle.ts'

const node = (i: number): Hex => `0x${i.toString(16).padStart(40, '0')}`
type Bare = EventRow extends infer R ? (R extends EventRow ? Omit<R, 'block' | 'index'> : never) : never
const chain = (rows: readonly Bare[]): EventRow[] =>
  rows.map((row, i) => ({ ...row, block: BigInt(i + 1), index: 0 }) as EventRow)
const rounds = (count: number, each: () => Bare[] = () => []): Bare[] =>
  Array.from({ length: count }, (_, i) => [{ kind: 'new-round', round: BigInt(i + 1) } as const, ...each()]).flat()
const reward = (transcoder: Hex, amount = 5n): Bare => ({ kind: 'reward', transcoder, amount })
const ticket = (sender: Hex, recipient: Hex, faceValue = 7n): Bare => ({ kind: 'ticket', sender, recipient, faceValue })
const seen = (address: Hex, more: Partial<EvidenceRow>): EvidenceRow => ({
  address,
  ...{ receipts: 0, pass: 0, fail: 0, inconclusive: 0, withheld: 0, unreceipted: 0, faults: 0, trips: 0 },
  ...more,
})
const derive = (rows: readonly Bare[], evidence: EvidenceRow[] = [], state: StateRow[] = []) =>
  deriveIdle({ events: chain(rows), evidence, state })
const [a, b] = [node(0xa), node(0xb)]

describe('who earns without working', () => {
  it('is idle: rewarded in 30 rounds, no ticket, no receipt; with the sums', () => {
    const at = { address: a, ownBond: 100n, totalStake: 1_000n, inPool: 1, serviceUri: '' }
    expect(
      derive(
        rounds(30, () => [reward(a)]),
        [],
        [at],
      ),
    ).toEqual([
      {
        ...{
          address: a,
          class: 'idle',
          why: 'rewarded in 30 of 30 rounds; no ticket, no receipt',
          mintedLpt: 150n,
          rewardCalls: 30,
        },
        ...{ rewardedRounds: 30, tickets: 0, redeemedEth: 0n, relatedEth: 0n, relatedTickets: 0, ownBond: 100n, delegated: 900n },
        atRiskPpm: 10_500_000n,
      },
    ])
  })

  it.each<[string, Bare[], EvidenceRow[], string, RegExp]>([
    ['too few rounds', rounds(29, () => [reward(a)]), [], 'unproven', /29 rounds are too few/],
    ['a receipt', rounds(30, () => [reward(a)]), [seen(a, { receipts: 1 })], 'unproven', /^1 receipt;/],
    ['a sample of doubt', rounds(30, () => [reward(a)]), [seen(a, { inconclusive: 1 })], 'unproven', /settled nothing/],
    ['a passed sample', rounds(30, () => [reward(a)]), [seen(a, { pass: 1 })], 'works', /1 of 1 samples passed/],
    ['an answered probe', rounds(30, () => [reward(a)]), [seen(a, { trips: 2 })], 'works', /answered 2/],
    ['tickets of others', rounds(30, () => [reward(a), ticket(b, a)]), [], 'unproven', /30 tickets/],
    ['tickets of its own', rounds(3, () => [ticket(a, a)]), [], 'self-dealt', /3 of 3 tickets/],
    ['two tickets of its own', rounds(2, () => [ticket(a, a)]), [], 'unproven', /2 tickets/],
    [
      'tickets of who bonded to it',
      [...rounds(3, () => [ticket(b, a)]), { kind: 'bond', delegator: b, delegate: a, added: 1n }],
      [],
      'self-dealt',
      /itself or who bonded/,
    ],
    ['tickets of its own, but seen working', rounds(3, () => [ticket(a, a)]), [seen(a, { pass: 9 })], 'works', /9 of 9/],
    ['a fifth from others', rounds(4, () => [ticket(a, a)]).concat(ticket(b, a)), [], 'unproven', /5 tickets/],
    ['paid, and failing', rounds(1, () => [ticket(b, a)]), [seen(a, { pass: 14, fail: 16 })], 'paid-without-work', /16 of 30/],
    ['paid, and few samples', rounds(1, () => [ticket(b, a)]), [seen(a, { fail: 29 })], 'unproven', /settled nothing/],
    ['paid, and only withheld', rounds(1, () => [ticket(b, a)]), [seen(a, { withheld: 99 })], 'unproven', /settled nothing/],
    [
      'paid, with a proven fault',
      rounds(1, () => [ticket(b, a)]),
      [seen(a, { faults: 1, pass: 99 })],
      'paid-without-work',
      /prove/,
    ],
  ])('%s', (_, rows, evidence, name, why) => {
    const found = derive(rows, evidence).find(({ address }) => address === a)
    expect(found?.class).toBe(name)
    expect(found?.why).toMatch(why)
  })
})

const address = fc.integer({ min: 1, max: 5 }).map(node)
const amount = fc.bigInt({ min: 0n, max: 10n ** 30n })
const row: fc.Arbitrary<Bare> = fc.oneof(
  fc.bigInt({ min: 1n, max: 99n }).map((round): Bare => ({ kind: 'new-round', round })),
  fc.tuple(address, amount).map(([who, value]) => reward(who, value)),
  fc.tuple(address, address, amount).map(([from, to, value]) => ticket(from, to, value)),
  fc.tuple(address, address, amount).map(([delegator, delegate, added]): Bare => ({ kind: 'bond', delegator, delegate, added })),
)
const counts = fc.nat({ max: 60 })
const evidence = fc
  .uniqueArray(
    fc.record({
      address,
      receipts: counts,
      pass: counts,
      fail: counts,
      inconclusive: counts,
      withheld: counts,
      unreceipted: counts,
      faults: counts,
      trips: counts,
    }),
    { selector: (one) => one.address },
  )
  .map((rows): EvidenceRow[] => rows)
const input: fc.Arbitrary<IdleInput> = fc.record({
  events: fc.array(row, { maxLength: 60 }).map(chain),
  evidence,
  state: fc.constant([]),
})

describe('for all events', () => {
  it('the sums are those of the events: nothing is lost, nothing is counted twice', () => {
    fc.assert(
      fc.property(input, (given) => {
        const results = deriveIdle(given)
        const sum = (pick: (one: EventRow) => bigint) => given.events.reduce((total, one) => total + pick(one), 0n)
        expect(results.reduce((total, { mintedLpt }) => total + mintedLpt, 0n)).toBe(
          sum((one) => (one.kind === 'reward' ? one.amount : 0n)),
        )
        expect(results.reduce((total, { redeemedEth }) => total + redeemedEth, 0n)).toBe(
          sum((one) => (one.kind === 'ticket' ? one.faceValue : 0n)),
        )
        for (const one of results) expect(one.relatedEth <= one.redeemedEth && one.rewardedRounds <= one.rewardCalls).toBe(true)
      }),
    )
  })

  it('who passed most samples, with no fault proven, is said to work; who got no ticket is never said to be paid', () => {
    fc.assert(
      fc.property(input, (given) => {
        for (const one of deriveIdle(given)) {
          const of = given.evidence.find(({ address: who }) => who === one.address)
          if (of && of.faults === 0 && of.pass > 0 && of.pass >= of.fail + of.withheld + of.unreceipted)
            expect(one.class).toBe('works')
          if (one.tickets === 0) expect(['idle', 'unproven', 'works']).toContain(one.class)
          if (one.class === 'idle') expect(one.tickets + (of?.receipts ?? 0) + (of?.pass ?? 0) + (of?.fail ?? 0)).toBe(0)
        }
      }),
    )
  })
})
