import { createReadStream, createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { FishermanError, isFishermanError, localCode, messageOf } from '../base/errors.ts'
import { brokenAnswer, notSent, statusRefusal, tooSlow, unreachable } from './errors.ts'
import { type AddressRule, findPlace, type Place, requestTo } from './reach.ts'
import { WIRE_LIMITS } from './read.ts'

// Segments and renditions over HTTP/1.1. `fetch` cannot take the certificates of nodes, which are self-signed and new at each start.

/** go-livepeer's own; those of a segment grow with its duration. */
export const HTTP_TIMEOUTS = {
  dialMs: 2_000,
  uploadMs: (durationMs: number) => Math.max(2_000, 0.5 * durationMs),
  segmentMs: (durationMs: number) => Math.max(8_000, 4 * durationMs),
  downloadMs: 4_000,
} as const

/** Milliseconds in which what a node said before it closed is read; it lies in this machine already. */
const LAST_WORDS_MS = 100

export interface TransferOptions {
  mayConnect: AddressRule
  signal?: AbortSignal | undefined
}

export interface SegmentPost {
  /** `<transcoder>/segment`. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly file: string
  readonly durationMs: number
}

/** Posts a segment and reads the answer; a refusal is thrown as what it means. */
export async function postSegment(post: SegmentPost, options: TransferOptions & { onSent?(): void }): Promise<Uint8Array> {
  const { size } = await stat(post.file)
  const uploadMs = HTTP_TIMEOUTS.uploadMs(post.durationMs)
  const totalMs = HTTP_TIMEOUTS.segmentMs(post.durationMs)
  return await exchange(post.url, { ...options, totalMs }, async (place, run) => {
    const headers = { ...post.headers, 'content-length': String(size) }
    const body = size > 0 ? { file: post.file, size } : undefined
    const answer = await run({ method: 'POST', headers }, { uploadMs, body, onSent: options.onSent })
    const isGood = answer.statusCode === 200
    const bytes = await collect(place, answer, isGood ? WIRE_LIMITS.resultBytes : WIRE_LIMITS.errorBytes, isGood)
    if (!isGood) throw statusRefusal(place.url.origin, answer.statusCode ?? 0, Buffer.from(bytes).toString('utf8'))
    return bytes
  })
}

/** GET into a new file, which is removed again when anything goes wrong. Returns its length. */
export async function downloadRendition(
  url: string,
  file: string,
  options: TransferOptions & { maxBytes: number },
): Promise<number> {
  try {
    return await exchange(url, { ...options, totalMs: HTTP_TIMEOUTS.downloadMs }, async (place, run) => {
      const answer = await run({ method: 'GET', headers: {} }, { uploadMs: HTTP_TIMEOUTS.dialMs, body: undefined })
      if (answer.statusCode !== 200) {
        answer.destroy()
        throw brokenAnswer(place.url.origin, `answered ${answer.statusCode} where it said a rendition is`)
      }
      await pipeline(limited(place, answer, options.maxBytes), createWriteStream(file, { flags: 'wx', mode: 0o600 }))
      return (await stat(file)).size
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code !== 'EEXIST' && codeOfCause(error) !== 'EEXIST')
      await rm(file, { force: true })
    throw error
  }
}

function codeOfCause(error: unknown): string | undefined {
  return ((error as { cause?: unknown } | undefined)?.cause as NodeJS.ErrnoException | undefined)?.code
}

interface Body {
  readonly file: string
  readonly size: number
}
interface Sending {
  uploadMs: number
  body: Body | undefined
  onSent?: (() => void) | undefined
}
type Run = (request: RequestOptions, sending: Sending) => Promise<IncomingMessage>

/** One request with all its clocks; whatever ends it says whose fault that was. */
async function exchange<T>(
  text: string,
  options: TransferOptions & { totalMs: number },
  use: (place: Place, run: Run) => Promise<T>,
): Promise<T> {
  const { totalMs } = options
  const place = await findPlace(text, options.mayConnect, { timeoutMs: HTTP_TIMEOUTS.dialMs, signal: options.signal })
  const where = place.url.origin
  const stop = new AbortController()
  const late = (what: string, ms: number) => setTimeout(() => stop.abort(tooSlow(where, what, ms)), ms)
  const onAbort = (): void => stop.abort(options.signal?.reason)
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const clocks = new Set([late('did not end its answer', totalMs)])
  const clock = (what: string, ms: number) => {
    const timer = late(what, ms)
    clocks.add(timer)
    return () => clearTimeout(timer)
  }
  try {
    options.signal?.throwIfAborted()
    return await use(place, (request, sending) => send(place, request, sending, clock, stop.signal))
  } catch (error) {
    options.signal?.throwIfAborted()
    if (stop.signal.aborted) throw stop.signal.reason
    if (isFishermanError(error)) throw error
    const local = localCode(error)
    if (local)
      throw new FishermanError({
        ...{ code: 'livepeer-local', blame: 'ours', cause: error },
        message: `a segment or rendition cannot be read or kept on this machine (${local})`,
      })
    throw unreachable(where, `broke the connection off (${messageOf(error)})`, error)
  } finally {
    for (const timer of clocks) clearTimeout(timer)
    options.signal?.removeEventListener('abort', onAbort)
    // Whatever is still open ends here: an answer that was refused must not go on coming.
    stop.abort()
  }
}

function send(
  place: Place,
  request: RequestOptions,
  { uploadMs, body, onSent }: Sending,
  clock: (what: string, ms: number) => () => void,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { url, isTls } = place
    const options: RequestOptions & { rejectUnauthorized?: boolean } = {
      ...request,
      ...requestTo(place),
      ...{ signal, headers: { host: url.host, ...request.headers } },
      ...(isTls ? { rejectUnauthorized: false } : {}),
    }
    const out = isTls ? tlsRequest(options) : plainRequest(options)
    const connected = clock('took no connection', HTTP_TIMEOUTS.dialMs)
    out.once('socket', (socket) => {
      readBeforeFailing(socket)
      socket.once(isTls ? 'secureConnect' : 'connect', () => {
        connected()
        const sent = clock('did not take the segment', uploadMs)
        out.once('finish', () => {
          sent()
          onSent?.()
        })
      })
    })
    let answered = false
    out.once('response', (answer) => {
      answered = true
      resolve(answer)
    })
    // A node that refuses does not read the rest of the body: what it said counts, not that it closed.
    out.on('error', (error) => {
      if (!answered) reject(error)
    })
    if (!body) out.end()
    else
      pipeline(createReadStream(body.file, { end: body.size - 1 }), out).catch((error: unknown) => {
        if (localCode(error)) reject(error)
      })
  })
}

/**
 * A node that refuses may close while we still send: our next write fails although its answer is here, unread, and a stream whose write failed
 * reads no more. So a write tells of its failure only when all that came was read, or a moment later.
 */
function readBeforeFailing(socket: Socket): void {
  const patient = (done: WriteDone): WriteDone => {
    return (error) => {
      if (!error) return done()
      const timer = setTimeout(end, LAST_WORDS_MS)
      socket.once('end', end).once('close', end)
      function end(): void {
        clearTimeout(timer)
        socket.off('end', end).off('close', end)
        done(error)
      }
    }
  }
  const { _write: write, _writev: writev } = socket
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, patient(done))
  if (writev) socket._writev = (chunks, done) => writev.call(socket, chunks, patient(done))
}

type WriteDone = (error?: Error | null) => void

async function collect(place: Place, answer: IncomingMessage, maxBytes: number, mustEnd: boolean): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    total += chunk.length
    if (total > maxBytes && mustEnd) throw brokenAnswer(place.url.origin, `answered with more than ${maxBytes} bytes`)
    chunks.push(chunk)
    if (total > maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes)
}

async function* limited(place: Place, answer: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  let total = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    total += chunk.length
    if (total > maxBytes) throw brokenAnswer(place.url.origin, `sent more than ${maxBytes} bytes of a rendition`)
    yield chunk
  }
}

/** A segment that go-livepeer refuses for its size is not sent at all. */
export function tooLarge(bytes: number, mostBytes: number): FishermanError {
  return notSent('livepeer-segment', `a segment of ${bytes} bytes is not sent; nodes take at most ${mostBytes}`)
}
