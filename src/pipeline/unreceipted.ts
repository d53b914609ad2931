import type { Hex } from '../../proofs/types.ts'
import type { FeedWindow } from '../receipt/feed.ts'

/** A segment that somebody we believe (a probe of ours) got from a node. */
export interface AnsweredSegment {
  transcoder: Hex
  /** Of the order that follows from what we signed. */
  orderHash: Hex
  /** Chain time, Unix seconds, at which its renditions were there. */
  answeredSec: number
}

/** Looks for the receipts of segments that we ourselves got. What is not certain is not said: a window that was skipped settles nothing. */
export interface ReceiptWatch {
  expect(segment: AnsweredSegment): void
  /** Each window of a feed, in order, as it was read and verified. */
  take(window: Pick<FeedWindow, 'signed' | 'receipts'>): void
  /** Segments that wait for their windows. */
  size(): number
}

export interface ReceiptWatchInit {
  windowSeconds: number
}

export interface ReceiptWatchDeps {
  onReceipt?(segment: AnsweredSegment): void
  /** All windows in which its receipt may lie are here, whole and signed, and it is in none of them. */
  onNone(segment: AnsweredSegment): void
}

/** Seconds after its answer in which a segment's receipt may be signed: a node fetches what its gateway left (15 s), hashes, and waits its turn. */
const GRACE_SEC = 60
/** Clocks of the node and of the chain differ a little: its receipt may say that it was done before we had it. */
const EARLY_SEC = 30
/** Segments that wait; a probe of each of 100 nodes every two seconds fills it in a quarter of an hour. */
const MAX_WAITING = 50_000

interface Waiting {
  segment: AnsweredSegment
  /** The next window that must come, and the last in which the receipt may be. */
  next: bigint
  last: bigint
}

export function createReceiptWatch({ windowSeconds }: ReceiptWatchInit, deps: ReceiptWatchDeps): ReceiptWatch {
  const waiting = new Map<Hex, Waiting>()
  const windowAt = (sec: number) => BigInt(Math.floor(sec / windowSeconds))
  /** Receipts of a few windows back: one may be out before we heard that the segment was answered. */
  const recent = new Map<string, { windowId: bigint; orders: ReadonlySet<Hex> }[]>()
  const kept = Math.ceil((GRACE_SEC + 2 * EARLY_SEC) / windowSeconds) + 2

  function settle(waits: Waiting, windowId: bigint, orders: ReadonlySet<Hex>): void {
    const { segment } = waits
    // In whatever window it lies: a clock that is off makes no receipt undone.
    if (orders.has(segment.orderHash)) {
      waiting.delete(segment.orderHash)
      deps.onReceipt?.(segment)
      return
    }
    if (windowId < waits.next) return
    // A gap: the receipt may be in what we could not read.
    if (windowId > waits.next) return void waiting.delete(segment.orderHash)
    waits.next++
    if (windowId < waits.last) return
    waiting.delete(segment.orderHash)
    deps.onNone(segment)
  }

  return {
    expect(segment) {
      const waits: Waiting = {
        ...{ segment, next: windowAt(segment.answeredSec - EARLY_SEC), last: windowAt(segment.answeredSec + GRACE_SEC) },
      }
      waiting.set(segment.orderHash, waits)
      for (const { windowId, orders } of recent.get(segment.transcoder) ?? [])
        if (waiting.has(segment.orderHash)) settle(waits, windowId, orders)
      for (const old of waiting.keys()) {
        if (waiting.size <= MAX_WAITING) break
        waiting.delete(old)
      }
    },
    take({ signed, receipts }) {
      const { transcoder, windowId } = signed.window
      const orders = new Set(receipts.map(({ receipt }) => receipt.orderHash))
      recent.set(transcoder, [...(recent.get(transcoder) ?? []), { windowId, orders }].slice(-kept))
      for (const waits of waiting.values()) if (waits.segment.transcoder === transcoder) settle(waits, windowId, orders)
    },
    size: () => waiting.size,
  }
}
