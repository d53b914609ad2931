import { createReadStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import type { PublishedBlobs } from '../feed/routes.ts'

interface Blob {
  bytes: number
  /** Receipts that name it. */
  references: number
  owners: Set<Hex>
}

/** Bytes behind receipts, by their hash, on disk; as long as a receipt that is kept names them. */
export interface Media extends PublishedBlobs {
  /** Takes a file over, one reference. */
  take(file: string, contentHash: Hex, owner: Hex): Promise<void>
  /** One reference to a file that lies here from an earlier process; false where it does not. */
  adopt(contentHash: Hex, owner: Hex): Promise<boolean>
  release(contentHash: Hex): Promise<void>
  totalBytes(): number
}

/** Hashes of removed blobs to remember, so that they are answered with 410 instead of 404. */
const GONE = 50_000

export async function openMedia(folder: string): Promise<Media> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const blobs = new Map<Hex, Blob>()
  const gone = new Set<Hex>()
  let total = 0
  // Many files in one folder are slow to list on some file systems.
  const pathOf = (hash: Hex) => join(folder, hash.slice(2, 4), hash)
  const add = (hash: Hex, bytes: number, owner: Hex) => {
    const known = blobs.get(hash)
    if (known) {
      known.references++
      known.owners.add(owner)
      return
    }
    blobs.set(hash, { bytes, references: 1, owners: new Set([owner]) })
    gone.delete(hash)
    total += bytes
  }
  return {
    async take(file, contentHash, owner) {
      if (blobs.has(contentHash)) await rm(file, { force: true })
      else {
        await mkdir(join(folder, contentHash.slice(2, 4)), { recursive: true })
        await rename(file, pathOf(contentHash))
      }
      add(contentHash, blobs.get(contentHash)?.bytes ?? (await stat(pathOf(contentHash))).size, owner)
    },
    async adopt(contentHash, owner) {
      const bytes = blobs.get(contentHash)?.bytes ?? (await stat(pathOf(contentHash)).catch(() => undefined))?.size
      if (bytes === undefined) return false
      add(contentHash, bytes, owner)
      return true
    },
    async release(contentHash) {
      const blob = blobs.get(contentHash)
      if (!blob || --blob.references > 0) return
      blobs.delete(contentHash)
      total -= blob.bytes
      gone.add(contentHash)
      if (gone.size > GONE) gone.delete(gone.values().next().value as Hex)
      await rm(pathOf(contentHash), { force: true })
    },
    find: (hash) => blobs.get(hash) ?? (gone.has(hash) ? 'gone' : undefined),
    open: (hash, range) => createReadStream(pathOf(hash), range),
    totalBytes: () => total,
  }
}
