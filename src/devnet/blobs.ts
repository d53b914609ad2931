import { createReadStream } from 'node:fs'
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Hex } from '../../proofs/types.ts'
import { keccakOf } from '../base/keccak.ts'

interface Blob {
  bytes: number
  /** Receipts that need it. */
  references: number
  /** Requesters of those receipts, who may have it back. */
  owners: Set<Hex>
}

/** Bytes on disk by their hash, kept as long as a receipt needs them. */
export interface BlobStore {
  /** Takes a file by its hash; `move` gives the file away. The caller owns one reference. */
  add(file: string, owner: Hex, options?: { move?: boolean }): Promise<{ contentHash: Hex; byteLength: number }>
  /** One more reference to each. */
  retain(hashes: readonly Hex[]): void
  /** Gives references back; a blob without any is removed and remembered as gone. */
  release(hashes: readonly Hex[]): Promise<void>
  find(hash: Hex): Readonly<Blob> | 'gone' | undefined
  open(hash: Hex, range?: { start: number; end: number }): Readable
  totalBytes(): number
}

/** Hashes of removed blobs to remember, so that they are answered with 410 instead of 404. */
const GONE_LIMIT = 20_000

export async function createBlobStore(folder: string): Promise<BlobStore> {
  await mkdir(folder, { recursive: true })
  const blobs = new Map<Hex, Blob>()
  const gone = new Set<Hex>()
  let total = 0
  const pathOf = (hash: Hex) => join(folder, hash)

  return {
    async add(file, owner, { move = false } = {}) {
      const contentHash = await keccakOf({ file })
      const known = blobs.get(contentHash)
      if (known) {
        known.references++
        known.owners.add(owner)
        if (move) await rm(file, { force: true })
        return { contentHash, byteLength: known.bytes }
      }
      const byteLength = (await stat(file)).size
      await (move ? rename(file, pathOf(contentHash)) : copyFile(file, pathOf(contentHash)))
      blobs.set(contentHash, { bytes: byteLength, references: 1, owners: new Set([owner]) })
      gone.delete(contentHash)
      total += byteLength
      return { contentHash, byteLength }
    },
    retain(hashes) {
      for (const hash of hashes) {
        const blob = blobs.get(hash)
        if (blob) blob.references++
      }
    },
    async release(hashes) {
      for (const hash of hashes) {
        const blob = blobs.get(hash)
        if (!blob || --blob.references > 0) continue
        blobs.delete(hash)
        total -= blob.bytes
        gone.add(hash)
        const [oldest] = gone
        if (oldest && gone.size > GONE_LIMIT) gone.delete(oldest)
        await rm(pathOf(hash), { force: true })
      }
    },
    find: (hash) => blobs.get(hash) ?? (gone.has(hash) ? 'gone' : undefined),
    open: (hash, range) => createReadStream(pathOf(hash), range),
    totalBytes: () => total,
  }
}
