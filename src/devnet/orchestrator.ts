import { join } from 'node:path'
import { structToJson } from '../../proofs/json.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Signer } from '../attest/keys.ts'
import { repeat, systemClock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { type HttpApp, startHttp } from '../base/http.ts'
import type { Logger } from '../base/log.ts'
import { createQueue } from '../base/queue.ts'
import { createRateLimit } from '../feed/auth.ts'
import type { Ledger } from '../feed/ledger.ts'
import { feedRoutes } from '../feed/routes.ts'
import { createBlobStore } from './blobs.ts'
import { createOrderBook } from './order-book.ts'
import { checkOrder, ORDER_HEADER, readOrder, refusal } from './orders.ts'
import { createShop } from './shop.ts'
import { createWindows, type Issued, lineOf } from './windows.ts'
import type { Behaviour } from './work.ts'

export interface OrchestratorInit {
  behaviour: Behaviour
  dataDir: string
  host: string
  port: number
  /** Who may order; everybody when undefined. */
  requesters?: readonly Hex[] | undefined
  /** Closed windows and bytes of blobs to keep. */
  retention: { windows: number; bytes: number }
  /** Bytes of a source segment at most. */
  maxSegmentBytes: number
  /** Blob requests of one address. */
  rate: { perSecond: number; burst: number }
}

export interface Orchestrator {
  readonly url: string
  readonly address: Hex
  stop(): Promise<void>
}

/** Segments that may wait while one is transcoded. */
const MAX_WAITING = 4

/** A transcoding node with signed receipts and their feed: honest, or cheating in one known way. */
export async function createOrchestrator(
  init: OrchestratorInit,
  deps: { signer: Signer; ledger: Ledger; log: Logger },
): Promise<Orchestrator> {
  const { signer, ledger, log } = deps
  const transcoder = signer.address
  const blobs = await createBlobStore(join(init.dataDir, 'blobs'))
  const windows = createWindows({ ledger, signer })
  const book = createOrderBook(ledger)
  const shop = await createShop(
    { behaviour: init.behaviour, transcoder, folder: join(init.dataDir, 'scratch') },
    { blobs, windows },
  )
  const rules = { ledger, transcoder, requesters: init.requesters, startedAt: ledger.now() }
  const logError = (error: unknown) => log.warn('work failed', { error: messageOf(error) })
  const queue = createQueue({ concurrency: 1, limit: MAX_WAITING, onError: logError })

  const work = (order: ReturnType<typeof readOrder>, body: Buffer): Promise<Issued> =>
    new Promise((resolve, reject) => {
      const run = (signal: AbortSignal) =>
        shop.serve(order, body, resolve, signal).catch((error: unknown) => {
          reject(error)
          throw error
        })
      if (!queue.add({ priority: 0, run })) reject(refusal('busy', 'this node is busy; send the segment again in a second'))
    })

  const routes = (app: HttpApp) => {
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: init.maxSegmentBytes }, (_request, body, done) =>
      done(null, body),
    )
    app.get('/healthz', () => ({ ok: true, behaviour: init.behaviour, address: transcoder }))
    app.post('/segment', async (request, reply) => {
      const order = readOrder(ledger, request.headers[ORDER_HEADER])
      const known = book.find(order.orderHash)
      if (known === 'gone') return reply.code(410).send({ error: 'the receipt for this order is no longer kept' })
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      if (!known) {
        if (queue.size() >= MAX_WAITING)
          return reply
            .code(503)
            .header('retry-after', '1')
            .send({ error: 'this node is busy; send the segment again in a second' })
        await checkOrder(order, body, rules)
      }
      const issued = await book.once(order, () => work(order, body))
      log.info('answered an order', { seq: String(issued.receipt.seq), receipt: issued.digest, window: String(issued.windowId) })
      return answerOf(issued)
    })
    feedRoutes(app, {
      ...{ transcoder, signer: transcoder, ledger, blobs, rate: createRateLimit(init.rate, systemClock) },
      windows: {
        after: windows.after,
        async lines(id) {
          const list = windows.receipts(id)
          return typeof list === 'string' ? list : list.map((issued) => lineOf(issued, transcoder))
        },
      },
      rebuttals: join(init.dataDir, 'rebuttals'),
      withhold: init.behaviour === 'withhold',
    })
  }

  /** Drops the oldest windows beyond the limits, with their bytes. */
  const retire = async () => {
    while (windows.size() > init.retention.windows || (blobs.totalBytes() > init.retention.bytes && windows.size() > 1)) {
      for (const issued of windows.dropOldest() ?? []) {
        book.drop(issued)
        await blobs.release([issued.receipt.sourceHash, ...issued.renditions.map((leaf) => leaf.contentHash)])
      }
    }
  }

  const abort = new AbortController()
  const http = await startHttp({ host: init.host, port: init.port, bodyLimit: init.maxSegmentBytes, routes })
  const closing = repeat(
    200,
    async () => {
      await windows.closeDue()
      await retire()
    },
    { signal: abort.signal, onError: (error) => log.error('cannot close a window', { error: messageOf(error) }) },
  )
  return {
    url: http.url,
    address: transcoder,
    async stop() {
      abort.abort(new Error('stopped'))
      await Promise.all([http.stop(), queue.stop(), closing])
    },
  }
}

/** What the requester gets: the signed receipt, its leaves and where their bytes are. */
function answerOf({ receipt, sig, windowId, renditions }: Issued): unknown {
  return {
    receipt: structToJson('TranscodeReceipt', receipt),
    sig,
    windowId: String(windowId),
    renditions: renditions.map((leaf) => ({
      ...structToJson('Rendition', leaf),
      url: `/fisherman/v1/blobs/${leaf.contentHash}`,
    })),
  }
}
