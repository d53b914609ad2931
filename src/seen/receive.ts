import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import type { HttpApp, HttpReply, HttpRequest } from '../base/http.ts'
import { keccakOf } from '../base/keccak.ts'
import type { Logger } from '../base/log.ts'
import type { WorkQueue } from '../base/queue.ts'
import { createRateLimiter, type Quota } from '../base/rate.ts'
import type { Judge } from '../judge.ts'
import type { SeenBook, SeenEntry } from './book.ts'
import type { Donors } from './donors.ts'
import { type DonationEvent, orderedProfile } from './event.ts'
import { look } from './look.ts'
import { refusal } from './refusal.ts'
import { createReplays } from './replays.ts'
import { readUpload, type Upload } from './upload.ts'

export interface ReceiveInit {
  /** Folder of media that waits for its verdict; emptied at the start, since what lies there is of a crash. */
  folder: string
  /** Bytes in it at most. */
  quotaBytes: number
  /** @default 64 MiB */
  fileBytes?: number
  /** Of one donor. */
  rate?: Quota
  priority?: number
}

export interface ReceiveDeps {
  clock: Clock
  log: Logger
  donors: Donors
  book: SeenBook
  queue: WorkQueue
  judge: Pick<Judge, 'judge'>
  onSeen?(entry: SeenEntry, event: DonationEvent): void
  /** With its code, for a counter. */
  onRefused?(code: string): void
}

const PATH = '/donations/v1'
const FILE_BYTES = 64 << 20
/** Ten at once and one more each second: a slice of a gateway's traffic, not all of it. */
const RATE: Quota = { burst: 10, everyMs: 1_000 }
/** Uploads at one time: what a donor holds open costs no more than this. */
const UPLOADS = 4
const BUSY_SEC = 5

/** Routes that take donated segments, and give their donor the verdict. Media lives until then and no longer. */
export async function createReceiver(init: ReceiveInit, deps: ReceiveDeps): Promise<(app: HttpApp) => void> {
  const { clock, log, donors, book, queue } = deps
  await rm(init.folder, { recursive: true, force: true })
  await mkdir(init.folder, { recursive: true, mode: 0o700 })
  const rate = createRateLimiter(init.rate ?? RATE, clock)
  const replays = createReplays(clock)
  let uploads = 0
  let bytes = 0

  const donorOf = ({ headers }: HttpRequest): string => {
    const donor = donors.of(headers.authorization)
    if (donor === undefined) throw refusal(401, 'token', 'send Authorization: Bearer and the token that you were given')
    return donor
  }

  async function receive(request: HttpRequest, reply: HttpReply): Promise<HttpReply> {
    const donor = donorOf(request)
    const folder = join(init.folder, randomUUID())
    let taken = 0
    const free = async (): Promise<void> => {
      await rm(folder, { recursive: true, force: true })
      bytes -= taken
      taken = 0
    }
    let forget: (() => void) | undefined
    uploads++
    try {
      const upload = await readUpload(request.headers, request.body as Readable, {
        ...{ folder, fileBytes: init.fileBytes ?? FILE_BYTES },
        reserve(more) {
          if (bytes + more > init.quotaBytes) throw refusal(503, 'full', 'no room for more media now', BUSY_SEC)
          bytes += more
          taken += more
        },
        onEvent(event) {
          forget = replays.take(donor, event.id, event.timeMs)
        },
      })
      await holdToHashes(upload)
      const { event } = upload
      const id = `${donor}/${event.id}`
      const run = async (signal: AbortSignal): Promise<void> => await judge(id, donor, upload, signal).finally(free)
      const dropped = (): void => void free()
      if (!queue.add({ priority: init.priority ?? 9, run, dropped }))
        throw refusal(503, 'busy', 'the judge has work for now', BUSY_SEC)
      return reply.code(202).send({ id: event.id, result: `${PATH}/results/${event.id}` })
    } catch (error) {
      forget?.()
      await free()
      throw error
    } finally {
      uploads--
    }
  }

  async function judge(id: string, donor: string, upload: Upload, signal: AbortSignal): Promise<void> {
    const { event } = upload
    const base = {
      ...({ id, from: 'donated', atMs: clock.nowMs(), stream: streamOf(donor, event.manifestId), seq: event.seq } as const),
      orchestrator: event.orchestrator?.address ?? null,
    }
    let entry: SeenEntry
    try {
      const asked = event.renditions.map((one, i) => ({
        name: `${one.profile.width}x${one.profile.height}`,
        file: upload.renditions[i] as string,
        profile: orderedProfile(one),
      }))
      const { sourceHash, verdicts } = await look(upload.source, asked, deps.judge, signal)
      entry = { ...base, sourceHash, verdicts, missing: null }
    } catch (error) {
      signal.throwIfAborted()
      log.warn('A donated segment could not be judged', { donor, reason: messageOf(error) })
      entry = { ...base, sourceHash: null, verdicts: [], missing: 'it could not be judged here' }
    }
    book.add(entry)
    log.info('A donated segment was judged', { donor, seq: entry.seq, outcomes: entry.verdicts.map(({ outcome }) => outcome) })
    deps.onSeen?.(entry, event)
  }

  return (root) => {
    root.register(
      async (app) => {
        // The body is no text and no object: it goes to disk as it comes.
        app.removeAllContentTypeParsers()
        app.addContentTypeParser('multipart/form-data', (_request, payload, done) => done(null, payload))
        app.setErrorHandler((error: unknown, _request, reply) => answer(error, reply))
        app.post('/segments', {
          onRequest: async (request) => {
            const donor = donorOf(request)
            const most = (init.fileBytes ?? FILE_BYTES) * 4
            if (Number(request.headers['content-length'] ?? 0) > most) throw refusal(413, 'size', `more than ${most} bytes`)
            if (!rate.take(donor))
              throw refusal(429, 'rate', 'more donations than agreed', Math.ceil((init.rate ?? RATE).everyMs / 1000))
            if (uploads >= UPLOADS) throw refusal(503, 'busy', `${UPLOADS} uploads come in already`, BUSY_SEC)
          },
          handler: receive,
        })
        app.get('/results/:id', async (request, reply) => {
          const entry = book.of(`${donorOf(request)}/${(request.params as { id: string }).id}`)
          if (!entry) return reply.code(404).send({ error: 'not judged yet, or forgotten: the newest 1000 are kept' })
          return reply.send(entry)
        })
      },
      { prefix: PATH },
    )
  }

  function answer(error: unknown, reply: HttpReply): HttpReply {
    const known = isFishermanError(error) ? error : undefined
    const thrown = (error as { statusCode?: unknown }).statusCode
    const status = Number(known?.details.status ?? (typeof thrown === 'number' && thrown < 500 ? thrown : 500))
    deps.onRefused?.(known?.code ?? (status < 500 ? 'donation-form' : 'donation-error'))
    if (status === 500) log.error('A donation could not be taken', { reason: messageOf(error) })
    const { retryAfterSec } = known?.details ?? {}
    if (typeof retryAfterSec === 'number') reply.header('retry-after', String(retryAfterSec))
    // What is left of a refused body is not read.
    reply.header('connection', 'close')
    return reply.code(status).send({ error: status === 500 ? 'internal error' : messageOf(error) })
  }
}

/** The bytes must be those that the event speaks of: else a donor says nothing about anybody's work. */
async function holdToHashes({ event, source, renditions }: Upload): Promise<void> {
  const said = [event.source.contentHash, ...event.renditions.map(({ contentHash }) => contentHash)]
  for (const [i, file] of [source, ...renditions].entries())
    if ((await keccakOf({ file })) !== said[i]) {
      const name = i === 0 ? 'source' : `rendition-${i - 1}`
      throw refusal(422, 'lying-hash', `the keccak256 of ${name} is not the contentHash that the event says`)
    }
}

/** One name for a stream that tells nobody which one it is. */
function streamOf(donor: string, manifestId: string): string {
  return createHash('sha256').update(`${donor}\n${manifestId}`).digest('hex').slice(0, 16)
}
