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
  /** Calls the listener for each rendition that is forgotten, so that nobody else remembers it for longer. */
  onForget(listener: (forgotten: { digest: Hex; rendition: number; sampleId: Hex }) => void): void
  sample(sampleId: Hex): { known: KnownReceipt; rendition: number } | undefined
}

/** Receipts remembered: a day of 100 nodes at 100 sampled segments is 10,000; ten times that. */
const REMEMBERED = 100_000

export interface LedgerInit {
  /** Windows after which nothing can come of a receipt any more. */
  keepWindows: number
}

export function createLedger({ keepWindows }: LedgerInit = { keepWindows: Number.MAX_SAFE_INTEGER }): Ledger {
  const listeners: ((forgotten: { digest: Hex; rendition: number; sampleId: Hex }) => void)[] = []
  let newest = 0n
  const receipts = new Map<Hex, KnownReceipt>()
  const samples = new Map<Hex, { digest: Hex; rendition: number }>()

  function forget(digest: Hex, known: KnownReceipt): void {
    receipts.delete(digest)
    for (const { index } of known.receipt.renditions) {
      const sampleId = sampleIdOf(digest, index, known.receipt.windowId)
      samples.delete(sampleId)
      for (const tell of listeners) tell({ digest, rendition: index, sampleId })
    }
  }

  return {
    add({ feed, signed, receipts: found }) {
      const window: LedgerWindow = { signed, draw: undefined }
      for (const row of found) {
        // Fingerprints are looked at once, when the row comes, and are most of its size.
        const { fingerprints: _, ...receipt } = row
        if (receipt.windowId > newest) newest = receipt.windowId
        receipts.set(receipt.digest, { receipt, feed, window })
        for (const { index } of receipt.renditions)
          samples.set(sampleIdOf(receipt.digest, index, receipt.windowId), { digest: receipt.digest, rendition: index })
      }
      const oldest = newest - BigInt(keepWindows)
      for (const [digest, known] of receipts) {
        if (receipts.size <= REMEMBERED && known.receipt.windowId >= oldest) break
        forget(digest, known)
      }
      return window
    },
    onForget: (listener) => void listeners.push(listener),
    receipt: (digest) => receipts.get(digest),
    sample(sampleId) {
      const found = samples.get(sampleId)
      const known = found && receipts.get(found.digest)
      return found && known ? { known, rendition: found.rendition } : undefined
    },
  }
}

/** By receipt and rendition: asked for each case at each look at the chain, and never another. */
const evidenceHashes = new WeakMap<KnownReceipt['receipt'], Map<number, Hex>>()

/** What a verdict about this rendition rests on; the same for everybody who has the receipt. */
export function evidenceHashFor({ receipt }: Pick<KnownReceipt, 'receipt'>, rendition: number): Hex {
  const found = evidenceHashes.get(receipt) ?? new Map<number, Hex>()
  const hash = found.get(rendition) ?? newEvidenceHash(receipt, rendition)
  evidenceHashes.set(receipt, found.set(rendition, hash))
  return hash
}

function newEvidenceHash(receipt: KnownReceipt['receipt'], rendition: number): Hex {
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
