import { AbiCoder } from 'ethers'
import { STRUCTS, tupleOf } from './structs.ts'
import { type Hex, LIMITS, type StructName, type Structs } from './types.ts'

/** What travels by gossip and by pull, and the struct that each kind carries. */
export const STATEMENT_STRUCTS = {
  window: 'WindowRoot',
  sealed: 'SealedAnswer',
  answer: 'Answer',
  vote: 'ConvictionVote',
  'fraud-proof': 'FraudReport',
  head: 'LogHead',
} as const satisfies Record<string, StructName>

export type StatementKind = keyof typeof STATEMENT_STRUCTS
export const STATEMENT_KINDS = Object.keys(STATEMENT_STRUCTS) as StatementKind[]

/**
 * A signed message of one kind. `extra` is not signed because it proves itself: the draw proof of a `sealed`, the evidence of a
 * `fraud-proof`; empty for the other kinds.
 */
export interface Statement<K extends StatementKind = StatementKind> {
  kind: K
  body: Structs[(typeof STATEMENT_STRUCTS)[K]]
  signer: Hex
  extra: Hex
  signature: Hex
}

export type AnyStatement = { [K in StatementKind]: Statement<K> }[StatementKind]

/** Proof that a fisherman was drawn: its deterministic BLS signature over the window's beacon and feed, and the place it was drawn for. */
export interface DrawProof {
  transcoder: Hex
  windowId: bigint
  /** Position of the receipt in its window, and the rendition's index. */
  index: number
  rendition: number
  /** 48 bytes, G1 compressed. */
  bls: Hex
}

/** Thrown by every decoder of this folder; the message is the reason in words. */
export class CodecError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CodecError'
  }
}

const abi = AbiCoder.defaultAbiCoder()
const DRAW_PROOF = ['address', 'uint64', 'uint32', 'uint16', 'bytes']
const KINDS_WITH_EXTRA: readonly StatementKind[] = ['sealed', 'fraud-proof']

function statementTypes(kind: StatementKind): string[] {
  return [tupleOf(STATEMENT_STRUCTS[kind]), 'address', 'bytes', 'bytes']
}

/** Bytes that a statement of this kind may have. */
export function maxBytesOf(kind: StatementKind): number {
  return kind === 'fraud-proof' ? LIMITS.fraudProofBytes : LIMITS.statementBytes
}

/** The one encoding of a statement: ABI, signature last. */
export function encodeStatement(statement: AnyStatement): Uint8Array {
  const hex = abi.encode(statementTypes(statement.kind), [statement.body, statement.signer, statement.extra, statement.signature])
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
}

/** Reads a statement; refuses what is too long, not ABI, or not the canonical encoding of its own content. */
export function decodeStatement(kind: StatementKind, bytes: Uint8Array): AnyStatement {
  if (bytes.length > maxBytesOf(kind)) throw new CodecError(`${bytes.length} bytes, at most ${maxBytesOf(kind)} are allowed`)
  const [body, signer, extra, signature] = decodeAbi(statementTypes(kind), bytes)
  const statement = {
    kind,
    body: structFromTuple(STATEMENT_STRUCTS[kind], body),
    signer: lower(signer),
    extra: lower(extra),
    signature: lower(signature),
  } as AnyStatement
  if (statement.extra !== '0x' && !KINDS_WITH_EXTRA.includes(kind))
    throw new CodecError(`a ${kind} statement carries nothing extra`)
  if (Buffer.compare(encodeStatement(statement), bytes) !== 0) throw new CodecError('not the canonical encoding')
  return statement
}

export function encodeDrawProof(proof: DrawProof): Hex {
  return abi.encode(DRAW_PROOF, [proof.transcoder, proof.windowId, proof.index, proof.rendition, proof.bls]) as Hex
}

export function decodeDrawProof(hex: Hex): DrawProof {
  const [transcoder, windowId, index, rendition, bls] = decodeAbi(DRAW_PROOF, Uint8Array.from(Buffer.from(hex.slice(2), 'hex')))
  const proof: DrawProof = {
    transcoder: lower(transcoder),
    windowId: windowId as bigint,
    index: Number(index),
    rendition: Number(rendition),
    bls: lower(bls),
  }
  if (proof.bls.length !== 98) throw new CodecError('a draw proof holds 48 bytes of BLS signature')
  if (encodeDrawProof(proof) !== hex) throw new CodecError('not the canonical encoding of a draw proof')
  return proof
}

/** Decodes ABI bytes into plain nested arrays; every failure of the coder becomes a CodecError. */
export function decodeAbi(types: readonly string[], bytes: Uint8Array): unknown[] {
  try {
    return abi.decode(types, bytes).toArray(true)
  } catch {
    throw new CodecError('not the ABI encoding that this message has')
  }
}

/** Typed struct from a decoded tuple: small integers as numbers, uint64 as bigint, hex lower-case. */
export function structFromTuple<N extends StructName>(name: N, tuple: unknown): Structs[N] {
  const values = tuple as unknown[]
  const entries = STRUCTS[name].map(({ name: field, type }, i) => {
    const value: unknown = values[i]
    if (type === 'uint64') return [field, value]
    return [field, typeof value === 'bigint' ? Number(value) : lower(value)]
  })
  return Object.fromEntries(entries) as Structs[N]
}

function lower(value: unknown): Hex {
  return String(value).toLowerCase() as Hex
}
