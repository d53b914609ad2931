import { CodecError } from '../../proofs/codec.ts'
import { digestOf, frameLeaf, profileHashOf, profilesHashOf, renditionLeaf } from '../../proofs/digest.ts'
import { readHex, structFromJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { livepeerOrder } from '../../proofs/segdata.ts'
import { hexToBytes, signerOf } from '../../proofs/signature.ts'
import {
  type Domain,
  type FrameFp,
  type Hex,
  LIMITS,
  type Profile,
  type Rendition,
  type TranscodeOrder,
  type TranscodeReceipt,
  type WindowRoot,
} from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'

/** A receipt with everything that a check needs; every field has been verified against the signatures. */
export interface SegmentReceipt {
  digest: Hex
  windowId: bigint
  receipt: TranscodeReceipt
  signature: Hex
  signer: Hex
  order: TranscodeOrder
  /** The requester's: over the order, or over what `segData` signs. */
  orderSignature: Hex
  /** What an unmodified gateway ordered with; `order` is what follows from it. It names no length of the source: zero. */
  segData?: Hex
  profiles: Profile[]
  renditions: Rendition[]
  /** Under `fingerprintRoot`; none where the row publishes none. */
  fingerprints?: FrameFp[]
  /** Whose stream it is does not want its pictures looked at: they go when they are judged, and are shown to nobody. */
  isPrivate?: true
}

export interface SignedWindow {
  window: WindowRoot
  signature: Hex
  signer: Hex
}

/** Reads one line of `windows`; throws a CodecError. Signatures are checked by `checkWindow`. */
export function readWindowLine(json: unknown): SignedWindow {
  const { window, sig, signer } = objectOf(json)
  return {
    window: structFromJson('WindowRoot', window),
    signature: readHex('sig', sig, 65),
    signer: readHex('signer', signer, 20),
  }
}

/** Reads one line of `receipts` and checks everything that needs no chain: whoever signed what, and that all parts belong together. */
export function readReceiptLine(domain: Domain, json: unknown): SegmentReceipt {
  const found = parseReceiptLine(domain, json)
  checkReceipt(domain, found)
  return found
}

/** Reads one line of `receipts` and believes nothing of it yet: whoever does not trust where it comes from asks whose it is before `checkReceipt`. */
export function parseReceiptLine(domain: Domain, json: unknown): SegmentReceipt {
  const row = objectOf(json)
  const receipt = structFromJson('TranscodeReceipt', row.receipt)
  const profiles = listOf('profiles', row.profiles).map((item) => structFromJson('Profile', item))
  const renditions = listOf('renditions', row.renditions).map((item) => structFromJson('Rendition', item))
  return {
    digest: digestOf(domain, 'TranscodeReceipt', receipt),
    windowId: windowIdOf(row.windowId),
    receipt,
    signature: readHex('sig', row.sig, 65),
    signer: readHex('signer', row.signer, 20),
    ...orderOf(domain, row, receipt.transcoder),
    profiles,
    renditions,
    ...(row.fingerprints === undefined ? {} : { fingerprints: fingerprintsOf(row.fingerprints) }),
    ...(isMarked(row.private) ? { isPrivate: true } : {}),
  }
}

/** Of one of the two kinds, never of both: a reader of one would see another order than a reader of the other. */
function orderOf(
  domain: Domain,
  row: Record<string, unknown>,
  transcoder: Hex,
): Pick<SegmentReceipt, 'order' | 'orderSignature' | 'segData'> {
  if (row.segData === undefined)
    return { order: structFromJson('TranscodeOrder', row.order), orderSignature: readHex('orderSig', row.orderSig, 65) }
  if (row.order !== undefined || row.orderSig !== undefined)
    throw new CodecError('a line has segData or a signed order, not both')
  const segData = readHex('segData', row.segData, undefined, LIMITS.segDataBytes)
  const { order, signature } = livepeerOrder(domain, { segData: hexToBytes(segData), transcoder })
  return { order, orderSignature: signature, segData }
}

/** Bytes that the source of an order has at most: what it says, or, where it says nothing (Livepeer's own orders), what a segment may have. */
export function mostSourceBytes({ sourceBytes }: Pick<TranscodeOrder, 'sourceBytes'>): bigint {
  return sourceBytes || BigInt(LIMITS.segmentBytes)
}

/** Everything that needs no chain. Trees come last: without the key of the signer nobody makes us build one over thousands of fingerprints. */
export function checkReceipt(domain: Domain, row: SegmentReceipt): void {
  const { receipt, order, profiles, renditions } = row
  must(digestOf(domain, 'TranscodeOrder', order) === receipt.orderHash, 'the order is not the one of the receipt')
  for (const field of ['transcoder', 'requester', 'streamId', 'seq', 'sourceHash', 'profilesHash'] as const)
    must(order[field] === receipt[field], `order and receipt differ in ${field}`)
  must(signerOf(domain, 'TranscodeReceipt', receipt, row.signature) === row.signer, 'the receipt is not signed by its signer')
  // An order that follows from segData has its requester from the signature, and no length.
  if (row.segData === undefined) {
    must(order.sourceBytes > 0n && order.sourceBytes <= BigInt(LIMITS.segmentBytes), 'the source has an impossible length')
    must(
      signerOf(domain, 'TranscodeOrder', order, row.orderSignature) === order.requester,
      'the requester did not sign the order',
    )
  }
  must(profilesHashOf(profiles) === receipt.profilesHash, 'the profiles are not those of the receipt')
  must(renditions.length === profiles.length, 'there is not one rendition for each profile')
  renditions.forEach((rendition, i) => {
    must(rendition.index === i, `rendition ${i} has index ${rendition.index}`)
    must(rendition.profileHash === profileHashOf(profiles[i] as Profile), `rendition ${i} is of another profile`)
    must(
      rendition.byteLength > 0n && rendition.byteLength <= BigInt(LIMITS.segmentBytes),
      `rendition ${i} has an impossible length`,
    )
  })
  must(
    merkleTree(renditions.map(renditionLeaf)).root === receipt.renditionsRoot,
    'the renditions are not under the root of the receipt',
  )
  must(
    !row.fingerprints || merkleTree(row.fingerprints.map(frameLeaf)).root === receipt.fingerprintRoot,
    'the fingerprints are not under the root of the receipt',
  )
}

/** The signature of a window's root; whether the signer may speak for the node is the chain's to say. */
export function checkWindow(domain: Domain, signed: SignedWindow): void {
  must(signed.window.count <= LIMITS.windowReceipts, `the window claims ${signed.window.count} receipts`)
  must(
    signerOf(domain, 'WindowRoot', signed.window, signed.signature) === signed.signer,
    'the window is not signed by its signer',
  )
}

function windowIdOf(value: unknown): bigint {
  if (typeof value !== 'string' || !/^(0|[1-9]\d{0,17})$/.test(value)) throw new CodecError('windowId must be a decimal string')
  return BigInt(value)
}

function objectOf(json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CodecError('a line must be a JSON object')
  return json as Record<string, unknown>
}

/** No signature covers the mark: a node that sets it on everything is checked as before, and only its pictures are shown to fewer. */
function isMarked(value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw new CodecError('private must be true or false')
  return value === true
}

function fingerprintsOf(value: unknown): FrameFp[] {
  if (!Array.isArray(value) || value.length > LIMITS.fingerprints)
    throw new CodecError(`fingerprints must be a list of at most ${LIMITS.fingerprints}`)
  return value.map((item) => structFromJson('FrameFp', item))
}

function listOf(name: string, value: unknown): unknown[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > LIMITS.renditions)
    throw new CodecError(`${name} must be a list of 1 to ${LIMITS.renditions}`)
  return value
}

function must(condition: boolean, reason: string): asserts condition {
  if (!condition)
    throw new FishermanError({
      code: 'bad-receipt',
      message: `the feed's data does not hold together: ${reason}`,
      blame: 'theirs',
    })
}
