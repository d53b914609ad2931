import { AbiCoder, Signature } from 'ethers'
import { CodecError, decodeAbi, structFromTuple } from './codec.ts'
import { tupleOf } from './structs.ts'
import type { ConvictionVote, Hex, Rendition, TranscodeReceipt, WindowRoot } from './types.ts'

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
const WINDOW = tupleOf('WindowRoot')

export const EVIDENCE_TYPES = {
  equivocation: ['uint8', 'bytes'],
  receipts: [RECEIPT, 'bytes', RECEIPT, 'bytes'],
  leaves: [RECEIPT, 'bytes', LEAF, 'bytes32[]', LEAF, 'bytes32[]'],
  windows: [WINDOW, 'bytes', WINDOW, 'bytes'],
  passThrough: [RECEIPT, 'bytes', LEAF, 'bytes32[]'],
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

export function encodePassThrough(value: PassThrough): Hex {
  return abi.encode(EVIDENCE_TYPES.passThrough, [
    value.signed.receipt,
    value.signed.signature,
    value.rendition,
    value.path,
  ]) as Hex
}

export function encodeConviction(value: Conviction): Hex {
  return abi.encode(EVIDENCE_TYPES.conviction, [value.signed.receipt, value.signed.signature, value.vote, value.shares]) as Hex
}

/** Reads the evidence of a class; refuses what is not the canonical encoding of its own content. */
export function decodeEvidence(faultClass: 'O1', hex: Hex): Equivocation
export function decodeEvidence(faultClass: 'O3', hex: Hex): PassThrough
export function decodeEvidence(faultClass: 'D1' | 'D2' | 'D3', hex: Hex): Conviction
export function decodeEvidence(faultClass: 'O1' | 'O3' | 'D1' | 'D2' | 'D3', hex: Hex): Equivocation | PassThrough | Conviction {
  const [value, again] =
    faultClass === 'O1'
      ? canonical(readEquivocation(hex), encodeEquivocation)
      : faultClass === 'O3'
        ? canonical(readPassThrough(hex), encodePassThrough)
        : canonical(readConviction(hex), encodeConviction)
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
  return {
    signed: signedFrom(receipt, signature),
    rendition: structFromTuple('Rendition', leaf),
    path: pathFrom(path),
  }
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

function pathFrom(value: unknown): Hex[] {
  return value as Hex[]
}

function bytesOf(hex: Hex): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
}
