import { AbiCoder } from 'ethers'
import { type Field, STRUCTS } from './structs.ts'
import { type Hex, LIMITS, type StructName, type Structs } from './types.ts'
import { readStruct, readWord, structWords, WORD, writeWord } from './words.ts'

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
// Offsets may all point at one place: 15 kB of a proof became 490 MB by the 1,024 times that ethers allows. What is honest reads each byte about once.
AbiCoder._setDefaultMaxInflation(8)
const DRAW_PROOF = ['address', 'uint64', 'uint32', 'uint16', 'bytes']
const SIGNER: Field = { name: 'signer', type: 'address' }
const KINDS_WITH_EXTRA: readonly StatementKind[] = ['sealed', 'fraud-proof']

/** Bytes that a statement of this kind may have. */
export function maxBytesOf(kind: StatementKind): number {
  return kind === 'fraud-proof' ? LIMITS.fraudProofBytes : LIMITS.statementBytes
}

/**
 * The one encoding of a statement: abi.encode(body, address signer, bytes extra, bytes signature), signature last. Throws where a value is
 * not of its type.
 */
export function encodeStatement(statement: AnyStatement): Uint8Array {
  const body = structWords(STATEMENT_STRUCTS[statement.kind], statement.body)
  const [extra, signature] = [bytesOf('extra', statement.extra), bytesOf('signature', statement.signature)]
  const head = body.length + 3 * WORD
  const extraEnd = head + WORD + padded(extra.length)
  const out = Buffer.alloc(extraEnd + WORD + padded(signature.length))
  body.copy(out)
  writeWord(out, body.length, SIGNER, statement.signer)
  out.writeUInt32BE(head, body.length + 2 * WORD - 4)
  out.writeUInt32BE(extraEnd, head - 4)
  out.writeUInt32BE(extra.length, head + WORD - 4)
  extra.copy(out, head + WORD)
  out.writeUInt32BE(signature.length, extraEnd + WORD - 4)
  signature.copy(out, extraEnd + WORD)
  return new Uint8Array(out.buffer, out.byteOffset, out.length)
}

/** Reads a statement; refuses what is too long or not the canonical encoding of its own content. */
export function decodeStatement(kind: StatementKind, bytes: Uint8Array): AnyStatement {
  if (bytes.length > maxBytesOf(kind)) throw new CodecError(`${bytes.length} bytes, at most ${maxBytesOf(kind)} are allowed`)
  const name = STATEMENT_STRUCTS[kind]
  const [view, words] = [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), STRUCTS[name].length]
  const head = (words + 3) * WORD
  const body = bytes.length < head ? undefined : readStruct(name, view)
  const signer = body && readWord(view, words * WORD, 'address')
  const extra = signer && readBytes(view, head)
  const signature = extra && readBytes(view, extra.end)
  if (!signature) throw new CodecError('not the canonical encoding')
  const statement = { kind, body, signer, extra: extra.value, signature: signature.value } as AnyStatement
  // Offsets, padding and length are as this writes them, or it is not the one encoding.
  if (Buffer.compare(encodeStatement(statement), bytes) !== 0) throw new CodecError('not the canonical encoding')
  if (statement.extra !== '0x' && !KINDS_WITH_EXTRA.includes(kind))
    throw new CodecError(`a ${kind} statement carries nothing extra`)
  return statement
}

const padded = (length: number): number => Math.ceil(length / WORD) * WORD

function bytesOf(name: string, hex: Hex): Buffer {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(hex)) throw new RangeError(`${name} is no hex of whole bytes`)
  return Buffer.from(hex.slice(2), 'hex')
}

/** Length and bytes of a dynamic field at this place, and where the next one begins. */
function readBytes(view: Buffer, at: number): { value: Hex; end: number } | undefined {
  if (at + WORD > view.length) return undefined
  const length = readWord(view, at, 'uint32') as number | undefined
  if (length === undefined || at + WORD + length > view.length) return undefined
  return { value: `0x${view.toString('hex', at + WORD, at + WORD + length)}`, end: at + WORD + padded(length) }
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
