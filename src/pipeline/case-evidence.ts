import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { deadline } from '../base/clock.ts'
import { FishermanError, isFishermanError, messageOf } from '../base/errors.ts'
import { httpDownload } from '../base/http-get.ts'
import type { Logger } from '../base/log.ts'
import type { BlobCache } from '../fetch/blobs.ts'
import type { BundleDesk } from '../gossip/bundle-client.ts'
import type { EvidenceStore } from '../prooflog/evidence.ts'
import { MAX_BUNDLE, unpackBundle } from '../prooflog/unpack.ts'

/** What a replay looks at. */
export interface CaseFiles {
  source: string
  rendition: string
}

/** The bytes of a case from whoever judged them first, for the day when the accused serves them no longer. */
export interface CaseEvidence {
  /**
   * Local files with exactly the bytes that the receipt promises; undefined where nobody gives them to us. Throws where it is our own disk that
   * fails.
   */
  get(
    about: { evidenceHash: Hex; sourceHash: Hex; contentHash: Hex; isPrivate?: true },
    options: { signal: AbortSignal },
  ): Promise<CaseFiles | undefined>
}

export interface CaseEvidenceDeps {
  evidence: Pick<EvidenceStore, 'fileOf' | 'has' | 'keepWithin' | 'markPrivate'>
  desk: Pick<BundleDesk, 'partFile' | 'take'>
  /** Asks members by direct streams. */
  fetchBundle(evidenceHash: Hex, options: { signal: AbortSignal }): Promise<string | undefined>
  blobs: Pick<BlobCache, 'keep'>
  log: Logger
}

/** Milliseconds for all members together, and for each address: a check waits for it. */
const MEMBERS_MS = 120_000
const HTTP_MS = 60_000

export function createCaseEvidence(
  init: { scratchDir: string; urls: readonly string[]; quotaBytes: number },
  deps: CaseEvidenceDeps,
): CaseEvidence {
  const { evidence, desk, log } = deps

  async function find(evidenceHash: Hex, signal: AbortSignal): Promise<string | undefined> {
    if (await evidence.has(evidenceHash)) return evidence.fileOf(evidenceHash)
    const limit = deadline(MEMBERS_MS, signal)
    const byMembers = await orNothing(evidenceHash, signal, () => deps.fetchBundle(evidenceHash, { signal: limit }))
    if (byMembers) return byMembers
    for (const url of init.urls) {
      const byHttp = await orNothing(evidenceHash, signal, () => download(url, evidenceHash, signal))
      if (byHttp) return byHttp
    }
    return undefined
  }

  async function download(url: string, evidenceHash: Hex, signal: AbortSignal): Promise<string> {
    const part = `${desk.partFile(evidenceHash)}.http`
    await rm(part, { force: true })
    try {
      const from = `${url.replace(/\/+$/, '')}/fisherman/v1/bundles/${evidenceHash}`
      await httpDownload(from, part, { maxBytes: MAX_BUNDLE, timeoutMs: HTTP_MS, signal })
      return await desk.take(evidenceHash, part, { signal })
    } finally {
      await rm(part, { force: true })
    }
  }

  /** That others do not have it, or lie, is no fault of ours; everything else is, and must not make a node look as if it withheld. */
  async function orNothing(
    evidenceHash: Hex,
    signal: AbortSignal,
    work: () => Promise<string | undefined>,
  ): Promise<string | undefined> {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      const isTimeout = error instanceof Error && error.name === 'TimeoutError'
      if (!isTimeout && (!isFishermanError(error) || error.blame === 'ours')) throw error
      log.debug('Evidence could not be had', { evidenceHash, reason: messageOf(error) })
      return undefined
    }
  }

  return {
    async get({ evidenceHash, sourceHash, contentHash, isPrivate }, { signal }) {
      if (isPrivate) await evidence.markPrivate(evidenceHash)
      const bundle = await find(evidenceHash, signal)
      if (!bundle) return undefined
      const folder = await mkdtemp(join(init.scratchDir, 'case-'))
      try {
        const { files } = await unpackBundle(bundle, folder)
        const part = async (name: string, hash: Hex) => {
          const file = files.get(`inputs/${name}`)
          if (!file) throw new FishermanError({ code: 'bundle-broken', message: `${bundle} holds no ${name}`, blame: 'ours' })
          return await deps.blobs.keep(hash, file, isPrivate ? { isPrivate } : {})
        }
        return { source: await part('source.bin', sourceHash), rendition: await part('rendition.bin', contentHash) }
      } finally {
        await rm(folder, { recursive: true, force: true })
        await evidence.keepWithin(init.quotaBytes, evidenceHash)
      }
    },
  }
}
