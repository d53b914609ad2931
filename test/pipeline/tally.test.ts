import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../proofs/types.ts'
import { createTally } from '../../src/pipeline/tally.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const node = addressOf(wallet(1))
const counted = (outcome: Outcome, stream = 1, day = 0) => ({
  transcoder: node,
  outcome,
  streamId: hash(stream),
  requester: addressOf(wallet(stream)),
  completedAt: day * 86_400 + 5,
})

describe('tally', () => {
  it('counts receipts and verdicts of each node', () => {
    const tally = createTally()
    tally.receipts(node, 3)
    for (const outcome of ['pass', 'pass', 'fail', 'inconclusive', 'withheld'] as const) tally.verdict(counted(outcome))
    expect(tally.nodes()[node]).toMatchObject({ receipts: 3, checked: 5, pass: 2, fail: 1, inconclusive: 1, withheld: 1 })
    expect(tally.totals()).toMatchObject({ checked: 5 })
  })

  it('scores evidence: one strike a stream and day, bytes that several miss as bad as wrong ones, doubt as nothing', () => {
    const tally = createTally()
    const score = () => tally.nodes()[node]?.evidenceScore
    tally.verdict(counted('inconclusive'))
    expect(score()).toBe(0)
    for (let i = 0; i < 5; i++) tally.verdict(counted('fail'))
    expect(score()).toBeCloseTo(3.51)
    // What we alone could not have may be our own network.
    tally.verdict(counted('withheld', 2))
    expect(score()).toBeCloseTo(3.51)
    tally.agreed(counted('withheld', 2))
    expect(score()).toBeCloseTo(7.02)
    expect(tally.nodes()[node]).toMatchObject({ withheld: 1, withheldAgreed: 1 })
    tally.verdict(counted('fail', 1, 1))
    expect(score()).toBeCloseTo(10.53)
    tally.verdict(counted('pass', 1, 1))
    expect(score()).toBeCloseTo(10.52)
  })

  it('lets passes of others speak for a node, and nothing but our own replay against it', () => {
    const tally = createTally()
    tally.verdict(counted('fail'))
    expect(tally.evidence(node)).toMatchObject({ value: 3.51, struckStreams: new Set([hash(1)]) })
    const { outcome: _, ...pass } = counted('pass', 2)
    for (let i = 0; i < 361; i++) tally.heardPass(pass)
    expect(tally.evidence(node)?.value).toBe(0)
    expect(tally.nodes()[node]).toMatchObject({ checked: 1, pass: 0, evidenceScore: 0 })
    expect(tally.evidence(addressOf(wallet(2)))).toBeUndefined()
  })
})
