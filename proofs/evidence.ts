import { AbiCoder } from 'ethers'
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
