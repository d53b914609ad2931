import { createHash } from 'node:crypto'
import { canonicalJson, type Json, plainJson } from '../../proofs/json.ts'
import type { Hex } from '../../proofs/types.ts'

/** What an entry records. Names are for ever: retired ones stay listed, new ones come last. */
export const ENTRY_KINDS = [
  'sample',
  'verdict',
  'statement-sent',
  'statement-received',
  'tx-intent',
  'tx-seen',
  'case',
  'self-test',
  'start',
  'prune',
  'repair',
  'receipt',
  'withheld',
] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

export { canonicalJson, type Json, plainJson }

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

/** What the log says about all of itself. */
export interface LogHead {
  /** Entries. */
  size: number
  /** Hash of the last entry. */
  hash: Hex
  /** Root of the RFC 6962 tree over all entries: who keeps it can be shown later that history was not rewritten. */
  root: Hex
}

/** What lies under a number: an entry, or the hash that is left where one was pruned. */
export interface Stored {
  seq: number
  /** Leaf of the tree. */
  hash: Hex
  entry?: Entry
}

export const NO_ENTRY: Hex = `0x${'0'.repeat(64)}`

export function encodeEntry(entry: Entry): string {
  return canonicalJson(entry as unknown as Json)
}

/** Leaf hash of RFC 6962: SHA-256 over a zero byte and the entry, so that the same hashes can carry a Merkle tree. */
export function entryHash(encoded: string): Hex {
  return `0x${createHash('sha256').update('\0').update(encoded).digest('hex')}`
}

/** What takes the place of a pruned entry: enough to prove all others. */
export function encodePruned({ seq, hash }: Pick<Stored, 'seq' | 'hash'>): string {
  return canonicalJson({ pruned: hash, seq })
}

/** Undefined for a text that is neither an entry nor what is left of one. */
export function decodeStored(text: string): Stored | undefined {
  let value: Partial<Entry & { pruned: Hex }>
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !Number.isSafeInteger(value.seq)) return undefined
  const seq = value.seq as number
  if (value.pruned !== undefined) return /^0x[0-9a-f]{64}$/.test(value.pruned) ? { seq, hash: value.pruned } : undefined
  return { seq, hash: entryHash(text), entry: value as Entry }
}
