import { beforeEach, describe, expect, it } from 'vitest'
import { type AnsweredSegment, createReceiptWatch, type ReceiptWatch } from '../../src/pipeline/unreceipted.ts'
import type { FeedWindow } from '../../src/receipt/feed.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const [node, other] = [addressOf(wallet(1)), addressOf(wallet(2))]
const SECONDS = 10
/** Answered in window 100: its receipt may lie in 97 to 106. */
const segment: AnsweredSegment = { transcoder: node, orderHash: hash(1), answeredSec: 1_005 }

let said: string[]
let watch: ReceiptWatch
beforeEach(() => {
  said = []
  watch = createReceiptWatch(
    { windowSeconds: SECONDS },
    {
      onReceipt: ({ orderHash }) => void said.push(`receipt ${orderHash === hash(1)}`),
      onNone: ({ orderHash }) => void said.push(`none ${orderHash === hash(1)}`),
    },
  )
})

function take(windowId: number, orders: readonly number[] = [], transcoder = node): void {
  const receipts = orders.map((n) => ({ receipt: { orderHash: hash(n) } }))
  watch.take({ signed: { window: { transcoder, windowId: BigInt(windowId) } }, receipts } as unknown as FeedWindow)
}
const windows = (from: number, to: number) => {
  for (let id = from; id <= to; id++) take(id)
}

describe('the receipt of a segment that we got', () => {
  it('is found in any window of its time', () => {
    watch.expect(segment)
    windows(97, 103)
    take(104, [7, 1])
    windows(105, 120)
    expect([said, watch.size()]).toEqual([['receipt true'], 0])
  })

  it('is found where it was out before we asked for it', () => {
    windows(95, 98)
    take(99, [1])
    take(100)
    watch.expect(segment)
    expect(said).toEqual(['receipt true'])
  })

  it('is found also before its time, whichever came first', () => {
    take(90, [1])
    watch.expect(segment)
    watch.expect({ ...segment, orderHash: hash(2) })
    take(91, [2])
    expect([said, watch.size()]).toEqual([['receipt true', 'receipt false'], 0])
  })

  it('is missing once all windows of its time are there, and not before', () => {
    take(96)
    take(97)
    watch.expect(segment)
    windows(98, 105)
    expect(said).toEqual([])
    take(106)
    expect([said, watch.size()]).toEqual([['none true'], 0])
    windows(107, 110)
    expect(said).toHaveLength(1)
  })

  it('is not said to be missing where one of its windows was not to be read, or the first of them was not seen', () => {
    watch.expect(segment)
    windows(97, 101)
    windows(103, 120)
    watch.expect({ ...segment, orderHash: hash(2), answeredSec: 1_505 })
    windows(149, 170)
    expect([said, watch.size()]).toEqual([[], 0])
  })

  it('is that of its own node, and one segment does not settle another', () => {
    watch.expect(segment)
    watch.expect({ ...segment, orderHash: hash(2) })
    take(97, [1], other)
    windows(97, 99)
    take(100, [2])
    windows(101, 106)
    expect(said).toEqual(['receipt false', 'none true'])
  })

  it('waits in bounded number', () => {
    for (let i = 0; i < 50_010; i++) watch.expect({ ...segment, orderHash: hash(10 + i) })
    expect(watch.size()).toBe(50_000)
  })
})
