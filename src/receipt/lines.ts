import type { Json } from '../../proofs/json.ts'
import { structToJson } from '../../proofs/json.ts'
import type { SegmentReceipt, SignedWindow } from './row.ts'

/** A receipt as a feed's line, without the fingerprints: what `readReceiptLine` reads back as the same. */
export function receiptLineOf(row: Omit<SegmentReceipt, 'fingerprints'>): Json {
  const order = row.segData
    ? { segData: row.segData }
    : { order: structToJson('TranscodeOrder', row.order), orderSig: row.orderSignature }
  return {
    windowId: String(row.windowId),
    receipt: structToJson('TranscodeReceipt', row.receipt),
    sig: row.signature,
    signer: row.signer,
    ...order,
    profiles: row.profiles.map((profile) => structToJson('Profile', profile)),
    renditions: row.renditions.map((rendition) => structToJson('Rendition', rendition)),
    ...(row.isPrivate ? { private: true } : {}),
  }
}

/** A window's root as a feed's line: what `readWindowLine` reads back as the same. */
export function windowLineOf({ window, signature, signer }: SignedWindow): Json {
  return { window: structToJson('WindowRoot', window), sig: signature, signer }
}
