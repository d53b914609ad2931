import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobRequest, Hex } from '../../proofs/types.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { FishermanError, isFishermanError, localCode } from '../base/errors.ts'
import { httpDownload } from '../base/http-get.ts'
import { keccakOf } from '../base/keccak.ts'
import { Slots } from '../base/slots.ts'

export interface BlobWanted {
  /** Base URL of the feed that serves it. */
  url: string
  transcoder: Hex
  contentHash: Hex
  /** What the receipt says, or the most that it may be; a longer answer is cut off, a shorter one is wrong by its hash. */
  byteLength: number
  /** It is to be dropped when it was judged, and never survives a restart. */
  isPrivate?: true
}

export interface BlobCache {
  /**
   * Path of a local file with exactly this content, fetched when it is not here yet. Throws with blame `theirs` for missing, wrong or
   * endless bytes, `unknown` when nobody can say whose network failed, `ours` for our disk.
   */
  get(wanted: BlobWanted, options: { signal: AbortSignal }): Promise<string>
  /**
   * Takes a file over that came in another way, and returns where it lies now. It counts as served by no node. Throws with blame `ours` where
   * the file has another hash: whoever brought it should have looked.
   */
  keep(contentHash: Hex, file: string, options?: { isPrivate?: true }): Promise<string>
  /** Deletes private bytes, wherever they came from. */
  drop(wanted: Pick<BlobWanted, 'transcoder' | 'contentHash'>): Promise<void>
}

export interface BlobCacheInit {
  folder: string
  /** Bytes kept at most; the least recently used go first. */
  quotaBytes: number
  /** Tries of one blob before it counts as not to be had. */
  tries?: number
  retryMs?: number
  timeoutMs?: number
}

export interface BlobCacheDeps {
  clock: Clock
  nowSec(): number
  /** Signs a request for bytes; feeds serve registered fishermen only. */
  authorize(request: BlobRequest): Promise<{ address: Hex; signature: Hex }>
}

const PRIVATE = 'private-'
/** Seconds that a signed request stays good: enough for a slow line, too short to be worth stealing. */
const REQUEST_LIFE_SEC = 120

export async function createBlobCache(init: BlobCacheInit, deps: BlobCacheDeps): Promise<BlobCache> {
  await mkdir(init.folder, { recursive: true, mode: 0o700 })
  for (const name of await readdir(init.folder))
    if (name.endsWith('.part') || name.startsWith(PRIVATE)) await rm(join(init.folder, name), { force: true })
  const running = new Map<string, Promise<string>>()
  const turns = new Slots(1)
  const { tries = 3, retryMs = 700, timeoutMs = 15_000 } = init

  async function download(wanted: BlobWanted, signal: AbortSignal): Promise<string> {
    // Kept for each node apart: whoever promises bytes must serve them, also when another node made the same.
    const file = join(init.folder, keyOf(wanted))
    if (await stat(file).catch(() => undefined)) {
      const now = deps.clock.nowMs() / 1000
      await utimes(file, now, now).catch(() => undefined)
      return file
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await tryOnce(wanted, file, signal)
      } catch (error) {
        signal.throwIfAborted()
        // A full disk needs the room for what cannot be had again: half of the cache can.
        if (isFull(error)) await makeRoom(init.quotaBytes / 2)
        if (attempt >= tries || !isFishermanError(error) || error.blame === 'ours') throw error
        await sleep(retryMs * attempt, signal)
      }
    }
  }

  async function tryOnce(wanted: BlobWanted, file: string, signal: AbortSignal): Promise<string> {
    const { transcoder, contentHash, byteLength } = wanted
    const request: BlobRequest = { transcoder, contentHash, expiresAt: BigInt(Math.floor(deps.nowSec()) + REQUEST_LIFE_SEC) }
    const { address, signature } = await deps.authorize(request)
    const part = `${file}.part`
    // Before the bytes come too: what is above the quota may be what leaves no room for them.
    await makeRoom(byteLength)
    await rm(part, { force: true })
    const headers = { 'fisherman-auth': `${address}.${request.expiresAt}.${signature}` }
    const url = `${wanted.url.replace(/\/+$/, '')}/fisherman/v1/blobs/${contentHash}`
    await httpDownload(url, part, { maxBytes: byteLength, timeoutMs, headers, signal })
    const hash = await keccakOf({ file: part })
    if (hash !== contentHash) {
      await rm(part, { force: true })
      throw new FishermanError({
        code: 'blob-wrong',
        message: `${url} served other bytes than the receipt promises`,
        blame: 'theirs',
        details: { hash },
      })
    }
    return await admit(part, file)
  }

  /** One after the other: of two that come at once each would find room for itself alone. */
  const admit = (from: string, file: string): Promise<string> =>
    turns.run(async () => {
      await makeRoom((await stat(from)).size)
      await rename(from, file)
      return file
    })

  /** Deletes what was not used for longest until this much fits. */
  async function makeRoom(bytes: number): Promise<void> {
    const names = (await readdir(init.folder)).filter((name) => !name.endsWith('.part'))
    const files = await Promise.all(
      names.map(async (name) => ({ name, info: await stat(join(init.folder, name)).catch(() => undefined) })),
    )
    let total = bytes + files.reduce((sum, { info }) => sum + (info?.size ?? 0), 0)
    for (const { name, info } of files.sort((a, b) => (a.info?.mtimeMs ?? 0) - (b.info?.mtimeMs ?? 0))) {
      if (total <= init.quotaBytes) return
      await rm(join(init.folder, name), { force: true })
      total -= info?.size ?? 0
    }
  }

  return {
    async keep(contentHash, file, { isPrivate } = {}) {
      const hash = await keccakOf({ file })
      if (hash !== contentHash)
        throw new FishermanError({
          code: 'blob-wrong',
          message: `${file} holds other bytes than ${contentHash}`,
          blame: 'ours',
          details: { hash },
        })
      return await admit(file, join(init.folder, `${isPrivate ? PRIVATE : ''}case-${contentHash}`))
    },
    async drop({ transcoder, contentHash }) {
      for (const name of [keyOf({ transcoder, contentHash, isPrivate: true }), `${PRIVATE}case-${contentHash}`])
        await rm(join(init.folder, name), { force: true })
    },
    get(wanted, { signal }) {
      const key = keyOf(wanted)
      const known = running.get(key)
      if (known) return known
      const fetching = download(wanted, signal).finally(() => running.delete(key))
      running.set(key, fetching)
      return fetching
    },
  }
}

function isFull(error: unknown): boolean {
  const cause = isFishermanError(error) ? error.cause : error
  return ['ENOSPC', 'EDQUOT'].includes(localCode(cause) ?? '')
}

function keyOf({ transcoder, contentHash, isPrivate }: Pick<BlobWanted, 'transcoder' | 'contentHash' | 'isPrivate'>): string {
  return `${isPrivate ? PRIVATE : ''}${transcoder}-${contentHash}`
}
