import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import type { CaseView } from '../../src/chain/types.ts'
import { createCourt } from '../../src/court/court.ts'
import { LOCAL_COURT } from '../../src/court/params.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createLedger, evidenceHashFor } from '../../src/pipeline/ledger.ts'
import { createStanding } from '../../src/pipeline/standing.ts'
import type { SegmentReceipt } from '../../src/receipt/row.ts'
import { addressOf, hash, receiptOf, renditions, wallet } from '../helpers/fixtures.ts'

const node = wallet(1)
const transcoder = addressOf(node)
const [me, sham] = [addressOf(wallet(2)), addressOf(wallet(3))]

function receipt(n: number): SegmentReceipt {
  const leaves = renditions(2, (i) => hash(100 * n + i))
  return {
    digest: hash(n),
    windowId: 1n,
    receipt: receiptOf(node, leaves, { seq: BigInt(n) }),
    renditions: leaves,
  } as unknown as SegmentReceipt
}

function world() {
  const cases: CaseView[] = []
  let now = 1000
  const ledger = createLedger()
  const court = createCourt(LOCAL_COURT)
  ledger.add({ feed: { transcoder, url: '' }, signed: {} as never, receipts: [receipt(1), receipt(2)] })
  const standing = createStanding({
    chain: { cases: () => cases, nowSec: () => now },
    court,
    ledger,
    params: { strikeSeconds: 60 },
  } as unknown as Bench)
  const evidence = (n: number, rendition: number) => evidenceHashFor(ledger.receipt(hash(n)) as never, rendition)
  const open = (n: number, changes: Partial<CaseView> = {}): CaseView => {
    const view: CaseView = {
      faultId: hash(900 + n),
      faultClass: 'D2',
      transcoder,
      receiptDigest: hash(n),
      state: 'open',
      opener: sham,
      evidenceHash: evidence(n, 0),
      tx: hash(1),
      blockNumber: BigInt(n),
      ...changes,
    }
    cases.push(view)
    return view
  }
  const found = (n: number, rendition: number, faultClass?: 'D2' | 'D3') =>
    court.recordOwn({
      fisherman: me,
      transcoder,
      receiptDigest: hash(n),
      streamId: hash(7),
      rendition,
      outcome: faultClass ? 'fail' : 'pass',
      completedAt: 10,
      fingerprint: hash(5),
      ...(faultClass ? { faultClass } : {}),
    })
  return { standing, open, found, evidence, cases, at: (sec: number) => (now = sec) }
}

describe('standing of a node', () => {
  it('believes in a case only when our own replay of its receipt found the same', () => {
    const { standing, open, found } = world()
    const [first, second] = [open(1), open(2)]
    expect([first, second].map(standing.isUnjudged)).toEqual([true, true])
    found(1, 0)
    found(2, 0, 'D2')
    expect([first, second].map(standing.isUnjudged)).toEqual([false, false])
    // The older case was opened on a segment that is sound: it must not stand in the way of the other.
    expect([first, second].map(standing.isCredible)).toEqual([false, true])
    expect(standing.waiting(transcoder).find(standing.isCredible)).toBe(second)
  })

  it('does not believe in another class, another rendition, or evidence that it does not know', () => {
    const { standing, open, found, evidence } = world()
    found(1, 0, 'D3')
    expect(standing.isCredible(open(1))).toBe(false)
    expect(standing.isUnjudged(open(1, { evidenceHash: evidence(1, 1) }))).toBe(true)
    const unknown = open(1, { evidenceHash: hash(77) })
    expect([standing.renditionOf(unknown), standing.isCredible(unknown), standing.isUnjudged(unknown)]).toEqual([
      undefined,
      false,
      false,
    ])
    expect(standing.isUnjudged(open(1, { receiptDigest: hash(30) }))).toBe(false)
  })

  it('lists waiting cases oldest first, and no others', () => {
    const { standing, open } = world()
    const [late, early, answered] = [
      open(2, { blockNumber: 9n }),
      open(1, { blockNumber: 3n }),
      open(1, { blockNumber: 5n, state: 'answered' }),
    ]
    open(1, { state: 'expired' })
    open(1, { transcoder: addressOf(wallet(9)) as Hex })
    expect(standing.waiting(transcoder)).toEqual([early, answered, late])
  })

  it('does not wait for a case whose time is over, though nobody ended it: it must not shield the node', () => {
    const { standing, open, at } = world()
    const view = open(1, { expiresAtSec: 1060 })
    expect([standing.waiting(transcoder), standing.isOver(view)]).toEqual([[view], false])
    at(1060)
    expect([standing.waiting(transcoder), standing.isOver(view)]).toEqual([[], true])
  })

  it('needs a deeper look where it only checked, and none where it does not know the inputs', () => {
    const { standing, open, found } = world()
    const [known, foreign] = [open(1), open(1, { evidenceHash: hash(77) })]
    expect([known, foreign].map(standing.needsReplay)).toEqual([false, false])
    found(1, 0)
    expect([known, foreign].map(standing.needsReplay)).toEqual([true, false])
    found(1, 0, 'D2')
    expect(standing.needsReplay(known)).toBe(false)
  })

  it('lets a convicted node rest until its appeal is over and a while longer, but not for ever', () => {
    const { standing, open, at } = world()
    open(1, { state: 'convicted', releaseAtSec: 1008 })
    open(2, { state: 'settled', faultClass: 'O3', releaseAtSec: 9999 })
    expect(standing.isPunished(transcoder)).toBe(true)
    at(1069)
    expect(standing.isPunished(transcoder)).toBe(false)
  })
})
