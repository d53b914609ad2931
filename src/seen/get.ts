import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { deadline } from '../base/clock.ts'
import { FishermanError, isFishermanError, localCode, maskCredentials, messageOf } from '../base/errors.ts'
import { type AddressRule, findPlace, type Place, requestTo } from '../livepeer/reach.ts'

export interface GetOptions {
  mayConnect: AddressRule
  /** Bytes of the answer at most. */
  maxBytes: number
  /** From the first look-up to the last byte, all redirects included. */
  timeoutMs: number
  signal?: AbortSignal | undefined
}

/** Redirects of one request; content networks need one or two. */
const REDIRECTS = 3
const LOOKUP_MS = 3_000

/** What came, and the address that it came from in the end: relative addresses inside start there. */
export interface Got {
  readonly bytes: Uint8Array
  readonly url: string
}

/** GET into memory. Each address, that of a redirect too, is looked up once and held against the rule; then that very IP is connected to. */
export async function getBytes(url: string, options: GetOptions): Promise<Got> {
  const chunks: Buffer[] = []
  const at = await get(url, options, async (body) => {
    for await (const chunk of body) chunks.push(chunk)
  })
  return { bytes: Buffer.concat(chunks), url: at }
}

/** GET into a new file, which is removed again when anything goes wrong. */
export async function getFile(url: string, file: string, options: GetOptions): Promise<void> {
  try {
    await get(url, options, async (body) => await pipeline(body, createWriteStream(file, { flags: 'wx', mode: 0o600 })))
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}

type Body = AsyncGenerator<Buffer>

async function get(text: string, options: GetOptions, consume: (body: Body) => Promise<void>): Promise<string> {
  const stop = new AbortController()
  const signal = AbortSignal.any([deadline(options.timeoutMs, options.signal), stop.signal])
  let where = text
  try {
    for (let hops = 0; ; hops++) {
      const place = await findPlace(where, options.mayConnect, { timeoutMs: LOOKUP_MS, signal })
      const answer = await send(place, signal)
      const next = nextOf(place, answer)
      if (next === undefined) {
        if (answer.statusCode !== 200) throw failure(`seen-status`, where, `answered ${answer.statusCode}`, 'theirs')
        await consume(limited(answer, where, options.maxBytes))
        return place.url.href
      }
      answer.destroy()
      if (hops === REDIRECTS) throw failure('seen-redirects', text, `sends on more than ${REDIRECTS} times`, 'theirs')
      where = next
    }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (signal.aborted)
      throw failure('seen-timeout', where, `did not end its answer in ${options.timeoutMs} ms`, 'unknown', error)
    if (isFishermanError(error)) throw error
    const local = localCode(error)
    if (local) throw failure('seen-local', where, `cannot be kept on this machine (${local})`, 'ours', error)
    throw failure('seen-unreachable', where, `could not be reached (${messageOf(error)})`, 'unknown', error)
  } finally {
    // An answer that was refused must not go on coming.
    stop.abort()
  }
}

function nextOf({ url }: Place, answer: IncomingMessage): string | undefined {
  const { statusCode = 0, headers } = answer
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined
  try {
    return new URL(headers.location ?? '', url).href
  } catch {
    throw failure('seen-redirects', url.href, 'sends on to something that is no address', 'theirs')
  }
}

/** Certificates must be good. */
function send(place: Place, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      ...{ ...requestTo(place), signal, method: 'GET', maxHeaderSize: 16_384 },
      headers: { host: place.url.host, accept: '*/*', 'accept-encoding': 'identity' },
    }
    const out = place.isTls ? tlsRequest(options) : plainRequest(options)
    out.once('response', resolve)
    out.on('error', reject)
    out.end()
  })
}

async function* limited(answer: IncomingMessage, where: string, maxBytes: number): Body {
  let total = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    total += chunk.length
    if (total > maxBytes) throw failure('seen-too-long', where, `sent more than ${maxBytes} bytes`, 'theirs')
    yield chunk
  }
}

function failure(code: string, url: string, what: string, blame: 'theirs' | 'ours' | 'unknown', cause?: unknown): FishermanError {
  return new FishermanError({
    ...{ code, message: `${maskCredentials(url.slice(0, 300))} ${what}`, blame },
    ...(cause === undefined ? {} : { cause }),
  })
}
