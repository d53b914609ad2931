import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import type { BundleDesk } from '../gossip/bundle-client.ts'
import type { BundleShelf } from '../gossip/bundles.ts'
import type { EvidenceStore } from '../prooflog/evidence.ts'
import { type ReplayInit, replayBundle } from '../replay.ts'

/** Hashes of files that were served lately. */
const MAX_HASHES = 256

/** Joins the folder of evidence and the network: what we serve of it, and what of a peer's bytes comes into it. */
export function createBundleDesk(
  init: ReplayInit,
  deps: {
    evidence: Pick<EvidenceStore, 'fileOf'>
    authorize: BundleDesk['authorize']
    nowMs(): number
  },
): BundleShelf & BundleDesk {
  const hashes = new Map<string, Hex>()

  /** A file of half a gigabyte is not read twice because somebody asks twice. */
  async function shaOf(evidenceHash: Hex, file: FileHandle): Promise<{ size: number; sha: Hex }> {
    const { size, mtimeMs, ino } = await file.stat()
    const key = `${evidenceHash} ${ino} ${size} ${mtimeMs}`
    let sha = hashes.get(key)
    if (!sha) {
      const hash = createHash('sha256')
      for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) hash.update(chunk as Uint8Array)
      sha = `0x${hash.digest('hex')}`
      for (const old of hashes.keys()) if (hashes.size >= MAX_HASHES) hashes.delete(old)
      hashes.set(key, sha)
    }
    return { size, sha }
  }

  return {
    async open(evidenceHash) {
      // Notes are added by a rename: an open file stays the one that was hashed.
      const file = await open(deps.evidence.fileOf(evidenceHash), 'r').catch(() => undefined)
      if (!file) return undefined
      try {
        return {
          ...(await shaOf(evidenceHash, file)),
          async read(offset, length) {
            const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
            if (bytesRead !== length)
              throw new FishermanError({ code: 'bundle-short', message: 'a bundle got shorter', blame: 'ours' })
            return buffer
          },
          close: () => file.close(),
        }
      } catch (error) {
        await file.close()
        throw error
      }
    },
    authorize: deps.authorize,
    partFile(evidenceHash) {
      mkdirSync(init.scratchDir, { recursive: true })
      return join(init.scratchDir, `${evidenceHash}.part`)
    },
    async take(evidenceHash, file, { signal }) {
      const replay = await replayBundle(file, init, { nowMs: deps.nowMs }, { decode: false, signal })
      const wrong = replay.checks.find(({ holds }) => !holds)
      const why = replay.evidenceHash === evidenceHash ? wrong && `${wrong.name} is ${wrong.detail}` : 'it is of another case'
      if (why)
        throw new FishermanError({
          code: 'bundle-broken',
          message: `The bundle of ${evidenceHash} is no evidence: ${why}.`,
          blame: 'theirs',
        })
      const kept = deps.evidence.fileOf(evidenceHash)
      await mkdir(dirname(kept), { recursive: true })
      await rename(file, kept)
      return kept
    },
  }
}
