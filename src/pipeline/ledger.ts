import { evidenceHashOf, sampleIdOf } from '../../proofs/digest.ts'
import { type Hex, type Rendition, VERDICT_VERSION } from '../../proofs/types.ts'
import type { FeedAddress, FeedWindow } from '../receipt/feed.ts'
import type { SegmentReceipt, SignedWindow } from '../receipt/row.ts'
import type { DrawWindow } from '../sample/draw.ts'

/** A receipt that a feed showed us, and, once the beacon is there, what its window draws from. */
export interface KnownReceipt {
  receipt: SegmentReceipt
  feed: FeedAddress
  /** Shared by all receipts of one window. */
  window: LedgerWindow
}

export interface LedgerWindow {
  signed: SignedWindow
  draw: DrawWindow | undefined
  /** Its root came after its beacon: the node could choose what is drawn from it, and a pass says nothing. */
  late?: true
}

/** Every receipt that is young enough to matter, by digest and by the ids of its samples. */
export interface Ledger {
  add(window: FeedWindow): LedgerWindow
  receipt(digest: Hex): KnownReceipt | undefined
  sample(sampleId: Hex): { known: KnownReceipt; rendition: number } | undefined
}

/** Receipts remembered: a day of 100 nodes at 100 sampled segments is 10,000; ten times that. */
const REMEMBERED = 100_000

export function createLedger(): Ledger {
  const receipts = new Map<Hex, KnownReceipt>()
  const samples = new Map<Hex, { digest: Hex; rendition: number }>()

  function forget(digest: Hex, known: KnownReceipt): void {
    receipts.delete(digest)
    for (const { index } of known.receipt.renditions) samples.delete(sampleIdOf(digest, index, known.receipt.windowId))
  }

  return {
    add({ feed, signed, receipts: found }) {
      const window: LedgerWindow = { signed, draw: undefined }
      for (const receipt of found) {
        receipts.set(receipt.digest, { receipt, feed, window })
        for (const { index } of receipt.renditions)
          samples.set(sampleIdOf(receipt.digest, index, receipt.windowId), { digest: receipt.digest, rendition: index })
      }
      for (const [digest, known] of receipts) {
        if (receipts.size <= REMEMBERED) break
        forget(digest, known)
      }
      return window
    },
    receipt: (digest) => receipts.get(digest),
    sample(sampleId) {
      const found = samples.get(sampleId)
      const known = found && receipts.get(found.digest)
      return found && known ? { known, rendition: found.rendition } : undefined
    },
  }
}

/** What a verdict about this rendition rests on; the same for everybody who has the receipt. */
export function evidenceHashFor({ receipt }: Pick<KnownReceipt, 'receipt'>, rendition: number): Hex {
  const leaf = receipt.renditions[rendition] as Rendition
  return evidenceHashOf({
    receiptDigest: receipt.digest,
    rendition,
    sourceHash: receipt.receipt.sourceHash,
    contentHash: leaf.contentHash,
    profileHash: leaf.profileHash,
    verdictVersion: VERDICT_VERSION,
  })
}
