import { AbiCoder, Signature } from 'ethers'
import { CodecError, decodeAbi, structFromTuple } from './codec.ts'
import { tupleOf } from './structs.ts'
import type { ConvictionVote, FrameFp, Hex, Profile, Rendition, TranscodeReceipt, WindowRoot } from './types.ts'

// Evidence is one byte string for each class. The same bytes go to the contract, into the fraud-proof message and to anyone who checks
// by hand, so there is one encoding to get right.

export interface SignedReceipt {
  receipt: TranscodeReceipt
  signature: Hex
}

/** O1, three ways: two receipts for one order, two leaves of one index under one root, two roots for one window. */
export type Equivocation =
  | { kind: 'receipts'; a: SignedReceipt; b: SignedReceipt }
  | { kind: 'leaves'; signed: SignedReceipt; a: Rendition; pathA: Hex[]; b: Rendition; pathB: Hex[] }
  | { kind: 'windows'; a: WindowRoot; signatureA: Hex; b: WindowRoot; signatureB: Hex }

/** O3: a leaf of the receipt whose content is the source itself. */
export interface PassThrough {
  signed: SignedReceipt
  rendition: Rendition
  path: Hex[]
}

/** A leaf of a receipt's renditions, with its path. */
export interface ProvenRendition {
  rendition: Rendition
  path: Hex[]
}

/** Two frames that should look the same, each with its path to the fingerprintRoot of its receipt. */
export interface FramePair {
  a: FrameFp
  pathA: Hex[]
  b: FrameFp
  pathB: Hex[]
}

/** O2: one content for two sources that differ visibly; the receipt with the lower digest is `a`. */
export interface Reuse {
  a: SignedReceipt & ProvenRendition
  b: SignedReceipt & ProvenRendition
  frames: FramePair[]
  /** Of both leaves; it keeps the source's rate. One with a rate of its own drops frames, and sources may differ in those alone. */
  profile: Profile
}

/** O4: two leaves of one receipt with one content and different coded sizes; the lower index is `a`. */
export interface Duplicate {
  signed: SignedReceipt
  a: ProvenRendition
  b: ProvenRendition
}

/** O5: a leaf whose pixels are not width x height x frames; written as O3 is. */
export type Metering = PassThrough

/** O6: frames of the source (`a`) and of one rendition (`b`) that do not look the same, by the node's own fingerprints. */
export interface Contradiction {
  signed: SignedReceipt
  frames: FramePair[]
}

/** One signer's share of a conviction: its work commitment and its vote's signature in EIP-2098 form. */
export interface VoteShare {
  workCommit: Hex
  r: Hex
  vs: Hex
}

/** D classes: the receipt, the vote that all signers share (workCommit zero there) and each signer's share. */
export interface Conviction {
  signed: SignedReceipt
  vote: ConvictionVote
  shares: VoteShare[]
}

const abi = AbiCoder.defaultAbiCoder()
const RECEIPT = tupleOf('TranscodeReceipt')
const LEAF = tupleOf('Rendition')
const PROFILE = tupleOf('Profile')
const WINDOW = tupleOf('WindowRoot')
const FRAME = tupleOf('FrameFp')
const FRAMES = `tuple(${FRAME} a,bytes32[] pathA,${FRAME} b,bytes32[] pathB)[]`

/** A receipt with one of its leaves, and with two. */
const ONE_LEAF = [RECEIPT, 'bytes', LEAF, 'bytes32[]'] as const
const TWO_LEAVES = [...ONE_LEAF, LEAF, 'bytes32[]'] as const

export const EVIDENCE_TYPES = {
  equivocation: ['uint8', 'bytes'],
  receipts: [RECEIPT, 'bytes', RECEIPT, 'bytes'],
  leaves: TWO_LEAVES,
  windows: [WINDOW, 'bytes', WINDOW, 'bytes'],
  reuse: [...ONE_LEAF, ...ONE_LEAF, FRAMES, PROFILE],
  passThrough: ONE_LEAF,
  duplicate: TWO_LEAVES,
  metering: ONE_LEAF,
  contradiction: [RECEIPT, 'bytes', FRAMES],
  conviction: [RECEIPT, 'bytes', tupleOf('ConvictionVote'), 'tuple(bytes32 workCommit,bytes32 r,bytes32 vs)[]'],
} as const

export function encodeEquivocation(value: Equivocation): Hex {
  const [variant, types, values] =
    value.kind === 'receipts'
      ? [0, EVIDENCE_TYPES.receipts, [value.a.receipt, value.a.signature, value.b.receipt, value.b.signature]]
      : value.kind === 'leaves'
        ? [1, EVIDENCE_TYPES.leaves, [value.signed.receipt, value.signed.signature, value.a, value.pathA, value.b, value.pathB]]
        : [2, EVIDENCE_TYPES.windows, [value.a, value.signatureA, value.b, value.signatureB]]
  return abi.encode(EVIDENCE_TYPES.equivocation, [
    variant,
    abi.encode(types as readonly string[], values as readonly unknown[]),
  ]) as Hex
}

export function encodeReuse({ a, b, frames, profile }: Reuse): Hex {
  const values = [a, b].flatMap(({ receipt, signature, rendition, path }) => [receipt, signature, rendition, path])
  return abi.encode(EVIDENCE_TYPES.reuse, [...values, frames, profile]) as Hex
}

export function encodePassThrough({ signed, rendition, path }: PassThrough): Hex {
  return abi.encode(EVIDENCE_TYPES.passThrough, [signed.receipt, signed.signature, rendition, path]) as Hex
}

export function encodeDuplicate({ signed, a, b }: Duplicate): Hex {
  const values = [signed.receipt, signed.signature, a.rendition, a.path, b.rendition, b.path]
  return abi.encode(EVIDENCE_TYPES.duplicate, values) as Hex
}

export function encodeMetering(value: Metering): Hex {
  return encodePassThrough(value)
}

export function encodeContradiction({ signed, frames }: Contradiction): Hex {
  return abi.encode(EVIDENCE_TYPES.contradiction, [signed.receipt, signed.signature, frames]) as Hex
}

export function encodeConviction(value: Conviction): Hex {
  return abi.encode(EVIDENCE_TYPES.conviction, [value.signed.receipt, value.signed.signature, value.vote, value.shares]) as Hex
}

/** Class -> what its evidence holds. */
export interface Evidences {
  O1: Equivocation
  O2: Reuse
  O3: PassThrough
  O4: Duplicate
  O5: Metering
  O6: Contradiction
  D1: Conviction
  D2: Conviction
  D3: Conviction
}

type Reader<T> = (hex: Hex) => [value: T, again: Hex]

const READERS: { readonly [C in keyof Evidences]: Reader<Evidences[C]> } = {
  O1: (hex) => canonical(readEquivocation(hex), encodeEquivocation),
  O2: (hex) => canonical(readReuse(hex), encodeReuse),
  O3: (hex) => canonical(readPassThrough(hex), encodePassThrough),
  O4: (hex) => canonical(readDuplicate(hex), encodeDuplicate),
  O5: (hex) => canonical(readPassThrough(hex), encodeMetering),
  O6: (hex) => canonical(readContradiction(hex), encodeContradiction),
  D1: (hex) => canonical(readConviction(hex), encodeConviction),
  D2: (hex) => canonical(readConviction(hex), encodeConviction),
  D3: (hex) => canonical(readConviction(hex), encodeConviction),
}

/** Reads the evidence of a class; refuses what is not the canonical encoding of its own content. */
export function decodeEvidence<C extends keyof Evidences>(faultClass: C, hex: Hex): Evidences[C] {
  const [value, again] = READERS[faultClass](hex)
  if (again !== hex) throw new CodecError('not the canonical encoding of its evidence')
  return value
}

/** The pair EIP-2098 stores: r, and s with the parity of v in its top bit. */
export function shareOf(workCommit: Hex, signature: Hex): VoteShare {
  const { r, yParityAndS } = Signature.from(signature)
  return { workCommit, r: r as Hex, vs: yParityAndS as Hex }
}

/** The 65-byte signature of a share. */
export function signatureOfShare(share: VoteShare): Hex {
  try {
    return Signature.from({ r: share.r, yParityAndS: share.vs }).serialized as Hex
  } catch {
    throw new CodecError('a share holds no signature')
  }
}

function canonical<T>(value: T, encode: (value: T) => Hex): [T, Hex] {
  return [value, encode(value)]
}

function readEquivocation(hex: Hex): Equivocation {
  const [variant, body] = decodeAbi(EVIDENCE_TYPES.equivocation, bytesOf(hex))
  const kind = (['receipts', 'leaves', 'windows'] as const)[Number(variant)]
  if (!kind) throw new CodecError(`equivocation has no variant ${String(variant)}`)
  const parts = decodeAbi(EVIDENCE_TYPES[kind], bytesOf(body as Hex))
  if (kind === 'receipts') return { kind, a: signedFrom(parts[0], parts[1]), b: signedFrom(parts[2], parts[3]) }
  if (kind === 'leaves')
    return {
      kind,
      signed: signedFrom(parts[0], parts[1]),
      a: structFromTuple('Rendition', parts[2]),
      pathA: pathFrom(parts[3]),
      b: structFromTuple('Rendition', parts[4]),
      pathB: pathFrom(parts[5]),
    }
  return {
    kind,
    a: structFromTuple('WindowRoot', parts[0]),
    signatureA: parts[1] as Hex,
    b: structFromTuple('WindowRoot', parts[2]),
    signatureB: parts[3] as Hex,
  }
}

function readPassThrough(hex: Hex): PassThrough {
  const [receipt, signature, leaf, path] = decodeAbi(EVIDENCE_TYPES.passThrough, bytesOf(hex))
  return { signed: signedFrom(receipt, signature), ...provenFrom(leaf, path) }
}

function readReuse(hex: Hex): Reuse {
  const [receiptA, signatureA, leafA, pathA, receiptB, signatureB, leafB, pathB, frames, profile] = decodeAbi(
    EVIDENCE_TYPES.reuse,
    bytesOf(hex),
  )
  return {
    a: { ...signedFrom(receiptA, signatureA), ...provenFrom(leafA, pathA) },
    b: { ...signedFrom(receiptB, signatureB), ...provenFrom(leafB, pathB) },
    frames: framesFrom(frames),
    profile: structFromTuple('Profile', profile),
  }
}

function readDuplicate(hex: Hex): Duplicate {
  const [receipt, signature, leafA, pathA, leafB, pathB] = decodeAbi(EVIDENCE_TYPES.duplicate, bytesOf(hex))
  return { signed: signedFrom(receipt, signature), a: provenFrom(leafA, pathA), b: provenFrom(leafB, pathB) }
}

function readContradiction(hex: Hex): Contradiction {
  const [receipt, signature, frames] = decodeAbi(EVIDENCE_TYPES.contradiction, bytesOf(hex))
  return { signed: signedFrom(receipt, signature), frames: framesFrom(frames) }
}

function readConviction(hex: Hex): Conviction {
  const [receipt, signature, vote, shares] = decodeAbi(EVIDENCE_TYPES.conviction, bytesOf(hex))
  return {
    signed: signedFrom(receipt, signature),
    vote: structFromTuple('ConvictionVote', vote),
    shares: (shares as Hex[][]).map((share) => {
      const [workCommit, r, vs] = share
      return { workCommit: workCommit as Hex, r: r as Hex, vs: vs as Hex }
    }),
  }
}

function signedFrom(receipt: unknown, signature: unknown): SignedReceipt {
  return { receipt: structFromTuple('TranscodeReceipt', receipt), signature: signature as Hex }
}

function provenFrom(leaf: unknown, path: unknown): ProvenRendition {
  return { rendition: structFromTuple('Rendition', leaf), path: pathFrom(path) }
}

function framesFrom(value: unknown): FramePair[] {
  return (value as unknown[][]).map(([a, pathA, b, pathB]) => ({
    a: structFromTuple('FrameFp', a),
    pathA: pathFrom(pathA),
    b: structFromTuple('FrameFp', b),
    pathB: pathFrom(pathB),
  }))
}

function pathFrom(value: unknown): Hex[] {
  return value as Hex[]
}

function bytesOf(hex: Hex): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
}
