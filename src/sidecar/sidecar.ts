import { mkdir } from 'node:fs/promises'
import type { Http2ServerResponse } from 'node:http2'
import { join } from 'node:path'
import { type FrameFp, type Hex, LIMITS } from '../../proofs/types.ts'
import type { Guard } from '../attest/guard.ts'
import type { Signer } from '../attest/keys.ts'
import { repeat, systemClock } from '../base/clock.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import { startHttp } from '../base/http.ts'
import type { Logger } from '../base/log.ts'
import { createQueue } from '../base/queue.ts'
import { createRateLimit } from '../feed/auth.ts'
import type { Ledger } from '../feed/ledger.ts'
import { feedRoutes } from '../feed/routes.ts'
import type { ServedSegment } from './draft.ts'
import { isCall, listen, type Request, type Response } from './listener.ts'
import { openMedia } from './media.ts'
import { notarise } from './notary.ts'
import { openReceiptBook } from './receipts.ts'
import { relay, relayCall } from './relay.ts'
import { INFO_PATHS, moved, rewriteTexts } from './rewrite.ts'
import { createSegmentDesk } from './segments.ts'
import { createSpool } from './spool.ts'
import { createDraftThread } from './thread.ts'
import { createUpstream } from './upstream.ts'
import { createYoungCollector } from './young.ts'

export interface SidecarInit {
  /** The unmodified node: its origin, http or https. */
  upstream: URL
  /** Where gateways reach us; what the node says of itself is changed to it. */
  publicUrl: URL
  listen: { host: string; port: number; tls?: { key: string; cert: string } }
  dataDir: string
  /** The staked node. */
  transcoder: Hex
  /** Bytes of media, and closed windows, that are kept at most. */
  mediaBytes: number
  windows: number
  /** Marks every receipt as that of a private stream. */
  isPrivate?: boolean
  /** JavaScript of the thread that drafts receipts. */
  threadFile: URL
  /** Milliseconds; by default 5,000 until a rendition is fetched by us, and 30,000 for one draft. */
  fetchAfterMs?: number
  draftMs?: number
}

export interface SidecarDeps {
  ledger: Ledger
  /** The node's own key, or one that it delegated to. */
  signer: Signer
  guard: Guard
  log: Logger
  /** Fingerprints of a source's frames, where the node commits to them. */
  prints?: (source: string, options: { signal: AbortSignal }) => Promise<readonly FrameFp[]>
}

export interface Sidecar {
  readonly url: string
  /** What happened, by name: receipts, segments without one by reason, failures. */
  counters(): Readonly<Record<string, number>>
  stop(): Promise<void>
}

/** Segments under way with a copy; a node has ten sessions by default, and answers each in seconds. */
const UNDER_WAY = 200
/** Segments that wait for their receipt: hashing is faster than transcoding. */
const WAITING = 200
/** Of those, with which the next receipt goes without fingerprints: decoding is slower than hashing, and a receipt must not miss its window for it. */
const PRINT_WAITING = 8
const FETCH_AFTER_MS = 5_000
/** A draft takes some 50 ms; a machine that is busy transcoding lets a thread of low priority wait. */
const DRAFT_MS = 30_000
/** Bytes of all copies that may wait for the disk. */
const SPOOL_WAITING_BYTES = 64 << 20
const FEED = '/fisherman/'
const INFO_CALL = '/net.Orchestrator/GetOrchestrator'

/** A reverse proxy in front of an unmodified node: traffic goes through, receipts come out. Whatever of ours fails costs receipts only. */
export async function startSidecar(init: SidecarInit, deps: SidecarDeps): Promise<Sidecar> {
  const { ledger, signer, guard, log } = deps
  const { transcoder } = init
  const abort = new AbortController()
  const { signal } = abort
  const counts = new Map<string, number>()
  const count = (name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1)
  await mkdir(join(init.dataDir, 'receipts'), { recursive: true, mode: 0o700 })
  const media = await openMedia(join(init.dataDir, 'media'))
  const mostGap = BigInt(init.windows)
  const book = await openReceiptBook({ folder: join(init.dataDir, 'receipts'), transcoder, mostGap }, { ledger, signer, guard })
  for await (const line of book.all())
    for (const { hash, owner } of contentsOf(line)) if (!(await media.adopt(hash, owner))) count('media-lost')
  const spool = await createSpool(
    { folder: join(init.dataDir, 'spool'), maxBytes: LIMITS.segmentBytes, maxWaitingBytes: SPOOL_WAITING_BYTES },
    { onLost: count },
  )
  const thread = createDraftThread({
    ...{ entry: init.threadFile, draftMs: init.draftMs ?? DRAFT_MS, domain: ledger.domain, transcoder },
    isPrivate: init.isPrivate ?? false,
  })
  let isThreadTold = false
  const upstream = createUpstream(init.upstream)
  const queue = createQueue({
    concurrency: 1,
    limit: WAITING,
    onError: (error) => log.error('Receipt failed', { reason: messageOf(error) }),
  })
  const move = (text: string) => moved(text, init.publicUrl)

  /** What keeps a source from being fingerprinted costs its fingerprints, not its receipt. */
  const printsOf = async (source: string) => {
    if (!deps.prints) return undefined
    if (queue.size() >= PRINT_WAITING) return void count('unfingerprinted.busy')
    try {
      return await deps.prints(source, { signal })
    } catch (error) {
      count(isFishermanError(error) && error.blame === 'theirs' ? 'unfingerprinted.source' : 'unfingerprinted.failed')
      log.debug('A source has no fingerprints', { reason: messageOf(error) })
      return undefined
    }
  }

  /** Resolves when the files of the segment are not needed any more. */
  const onServed = (served: ServedSegment) =>
    new Promise<void>((resolve) => {
      const run = async () => {
        try {
          const { digest, windowId } = await notarise(served, { thread, book, media, prints: printsOf })
          count('receipts')
          log.debug('Receipt signed', { receipt: digest, window: String(windowId) })
        } catch (error) {
          // A segment that was sent again keeps its first receipt.
          const code = isFishermanError(error) ? error.code : 'failed'
          count(`unreceipted.${code === 'guard-refused' ? 'retried' : code}`)
          if (code === 'guard-refused' || (code === 'thread' && isThreadTold)) return
          isThreadTold ||= code === 'thread'
          log.warn('A segment has no receipt', { reason: messageOf(error) })
        } finally {
          resolve()
        }
      }
      if (!queue.add({ priority: 0, run })) {
        count('unreceipted.busy')
        resolve()
      }
    })
  const desk = createSegmentDesk(
    { fetchAfterMs: init.fetchAfterMs ?? FETCH_AFTER_MS, most: UNDER_WAY, maxBytes: LIMITS.segmentBytes, signal },
    { upstream, spool, move, onServed, onNone: (reason) => count(`unreceipted.${reason}`) },
  )
  const feed = await startHttp({
    host: '127.0.0.1',
    port: 0,
    routes: (app) =>
      feedRoutes(app, {
        ...{ transcoder, signer: signer.address, ledger, windows: book, blobs: media },
        rate: createRateLimit({ perSecond: 50, burst: 200 }, systemClock),
        rebuttals: join(init.dataDir, 'rebuttals'),
      }),
  })
  const feedUpstream = createUpstream(new URL(feed.url))

  const { passed } = createYoungCollector()
  const onRequest = (request: Request, response: Response) => {
    const path = request.url ?? '/'
    if (isCall(request)) {
      const rewrite = path === INFO_CALL ? (message: Buffer) => rewriteTexts(message, INFO_PATHS, move) : undefined
      return relayCall(request, response as Http2ServerResponse, upstream, rewrite)
    }
    if (path.startsWith(FEED)) return relay(request, response, feedUpstream)
    if (request.method === 'POST' && path === '/segment')
      return relay(request, response, upstream, { ...desk.segment(request), passed })
    return relay(request, response, upstream, { ...desk.rendition(request), passed })
  }
  const listener = await listen({ ...init.listen, onRequest }).catch(async (error: unknown) => {
    await Promise.all([feed.stop(), thread.stop()])
    throw error
  })

  /** Drops the oldest windows beyond the limits, with their bytes. */
  const tidy = async () => {
    await book.closeDue()
    while (book.size() > init.windows || (media.totalBytes() > init.mediaBytes && book.size() > 1)) {
      const lines = await book.dropOldest()
      if (!lines) return
      for (const line of lines) for (const { hash } of contentsOf(line)) await media.release(hash)
    }
  }
  const tidying = repeat(1_000, tidy, {
    signal,
    onError: (error) => log.error('A window cannot be closed', { reason: messageOf(error) }),
  })
  const { protocol } = init.publicUrl
  return {
    url: `${protocol}//${init.listen.host}:${listener.port}`,
    counters: () => Object.fromEntries(counts),
    async stop() {
      abort.abort(new Error('stopped'))
      await listener.close()
      await thread.stop()
      await Promise.all([queue.stop(), tidying, feed.stop()])
      upstream.close()
      feedUpstream.close()
    },
  }
}

/** Hashes that a line of the book names, and who may have them back. */
function contentsOf(line: object): { hash: Hex; owner: Hex }[] {
  const { receipt, renditions } = line as {
    receipt: { sourceHash: Hex; requester: Hex }
    renditions: readonly { contentHash: Hex }[]
  }
  return [receipt.sourceHash, ...renditions.map(({ contentHash }) => contentHash)].map((hash) => ({
    hash,
    owner: receipt.requester,
  }))
}
