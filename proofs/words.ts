import { type Field, type FieldType, STRUCTS } from './structs.ts'
import type { Hex, StructName, Structs } from './types.ts'

// Every field of a signed struct is one ABI word, so that a struct is its words in a row: what is hashed, what contracts decode and what
// travels. A general ABI coder says the same of them at thirty times the price, and each statement is read, written anew and hashed at
// every node that it reaches.

/** Bytes of one ABI word. */
export const WORD = 32

/** Bits of each integer type; the sign of `int32` is its own. */
const BITS = { uint8: 8, uint16: 16, uint32: 32, uint64: 64, int32: 32 } as const
const HEX = { address: /^0x[0-9a-fA-F]{40}$/, bytes32: /^0x[0-9a-fA-F]{64}$/ } as const
/** A string of one word, a byte for each character. */
const TAG = /^[\x20-\x7e]{1,32}$/

export function hexToBytes(hex: Hex): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
}

export function bytesToHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

/** The fields of a struct as ABI words. Throws a RangeError that names the field where a value is not of its type. */
export function structWords<N extends StructName>(name: N, value: Structs[N]): Buffer {
  const fields = STRUCTS[name]
  const out = Buffer.alloc(fields.length * WORD)
  const values = value as unknown as Readonly<Record<string, unknown>>
  for (const [i, field] of fields.entries()) writeWord(out, i * WORD, field, values[field.name])
  return out
}

/** The struct that these words are, or undefined where one of them is not the encoding of any value of its type. */
export function readStruct<N extends StructName>(name: N, bytes: Buffer): Structs[N] | undefined {
  const out: Record<string, unknown> = {}
  for (const [i, { name: field, type }] of STRUCTS[name].entries()) {
    const value = readWord(bytes, i * WORD, type)
    if (value === undefined) return undefined
    out[field] = value
  }
  return out as unknown as Structs[N]
}

/**
 * abi.encode(types, values) where a general coder is not needed: a tag of at most 32 characters that leads, or none, and values of types that are
 * one word each. Undefined for all else, also where a general coder may still take a value.
 */
export function taggedWords(types: readonly string[], values: readonly unknown[]): Buffer | undefined {
  const [tag] = values
  const from = types[0] === 'string' ? 1 : 0
  if (types.length !== values.length || (from === 1 && (typeof tag !== 'string' || !TAG.test(tag)))) return undefined
  for (let i = from; i < types.length; i++) if (!isOf(types[i] as string, values[i])) return undefined
  const out = Buffer.alloc((types.length + 2 * from) * WORD)
  for (let i = from; i < types.length; i++) putWord(out, i * WORD, types[i] as FieldType, values[i])
  if (from === 0) return out
  // A string stands behind all words: its place, its length, its bytes.
  out.writeUInt32BE(types.length * WORD, WORD - 4)
  out.writeUInt32BE((tag as string).length, (types.length + 1) * WORD - 4)
  out.write(tag as string, (types.length + 1) * WORD, 'latin1')
  return out
}

/** Throws a RangeError that names the field where the value is not of its type. */
export function writeWord(out: Buffer, at: number, { name, type }: Field, value: unknown): void {
  if (!isOf(type, value)) throw new RangeError(`${name}: ${String(value).slice(0, 80)} is no ${type}`)
  putWord(out, at, type, value)
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'address' || type === 'bytes32') return typeof value === 'string' && HEX[type].test(value)
  const bits = BITS[type as keyof typeof BITS]
  if (bits === undefined || (typeof value !== 'bigint' && !Number.isSafeInteger(value))) return false
  const number = BigInt(value as bigint | number)
  return type === 'int32' ? BigInt.asIntN(bits, number) === number : BigInt.asUintN(bits, number) === number
}

/** Writes a value of which `isOf` is known. */
function putWord(out: Buffer, at: number, type: FieldType, value: unknown): void {
  if (type === 'address' || type === 'bytes32') {
    out.write((value as string).slice(2), type === 'address' ? at + 12 : at, 'hex')
    return
  }
  const number = BigInt(value as bigint | number)
  if (number < 0n) out.fill(0xff, at, at + 24)
  out.writeBigInt64BE(BigInt.asIntN(64, number), at + 24)
}

/** The value of one word: small integers as numbers, uint64 as bigint, hex lower-case; undefined for bits that the type does not have. */
export function readWord(bytes: Buffer, at: number, type: FieldType): number | bigint | Hex | undefined {
  if (type === 'bytes32') return `0x${bytes.toString('hex', at, at + WORD)}`
  if (type === 'address') return isFilled(bytes, at, 12, 0) ? `0x${bytes.toString('hex', at + 12, at + WORD)}` : undefined
  if (type === 'int32') {
    const value = bytes.readInt32BE(at + 28)
    return isFilled(bytes, at, 28, value < 0 ? 0xff : 0) ? value : undefined
  }
  const size = BITS[type] / 8
  if (!isFilled(bytes, at, WORD - size, 0)) return undefined
  return type === 'uint64' ? bytes.readBigUInt64BE(at + 24) : bytes.readUIntBE(at + WORD - size, size)
}

function isFilled(bytes: Uint8Array, from: number, length: number, value: number): boolean {
  for (let i = from; i < from + length; i++) if (bytes[i] !== value) return false
  return true
}
