import { createHash } from 'node:crypto'
import type { Hex } from '../../proofs/types.ts'

/** What an entry records. Names are for ever: retired ones stay listed. */
export const ENTRY_KINDS = [
  'sample',
  'verdict',
  'statement-sent',
  'statement-received',
  'tx-intent',
  'tx-seen',
  'case',
  'self-test',
] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

/** Plain JSON; big integers as decimal strings. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export interface Entry {
  /** 0, 1, 2 … without a gap. */
  seq: number
  /** Hash of the entry before; the zero hash for the first. */
  prev: Hex
  /** Wall clock when it was written, Unix milliseconds. */
  at: number
  kind: EntryKind
  payload: Json
}

export const NO_ENTRY: Hex = `0x${'0'.repeat(64)}`

/** Any value as plain JSON: big integers become decimal strings, undefined fields go, numbers that JSON lacks become null. */
export function plainJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))) as Json
}

/** JSON with sorted keys and no white space: one text for one value. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('JSON has no infinite numbers')
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const object = value as { readonly [key: string]: Json }
  const parts = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key] as Json)}`)
  return `{${parts.join(',')}}`
}

export function encodeEntry(entry: Entry): string {
  return canonicalJson(entry as unknown as Json)
}

/** Leaf hash of RFC 6962: SHA-256 over a zero byte and the entry, so that the same hashes can carry a Merkle tree. */
export function entryHash(encoded: string): Hex {
  return `0x${createHash('sha256').update('\0').update(encoded).digest('hex')}`
}
