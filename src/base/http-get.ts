import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { deadline } from './clock.ts'
import { type Blame, FishermanError, localCode, maskCredentials, messageOf } from './errors.ts'

export interface HttpGetOptions {
  /** Bytes of the answer at most; a longer one is cut off and refused. */
  maxBytes: number
  /** From the request to the last byte, milliseconds. */
  timeoutMs: number
  headers?: Readonly<Record<string, string>>
  signal?: AbortSignal
}

/** GET into memory. Redirects are refused: a feed must not point us at other hosts. */
export async function httpGet(url: string, options: HttpGetOptions): Promise<Buffer> {
  const chunks: Buffer[] = []
  await exchange(url, options, async (body) => {
    for await (const chunk of body) chunks.push(chunk as Buffer)
  })
  return Buffer.concat(chunks)
}

/** GET into a file, which is removed again when anything goes wrong. */
export async function httpDownload(url: string, file: string, options: HttpGetOptions): Promise<void> {
  try {
    await exchange(url, options, (body) => pipeline(body, createWriteStream(file, { flags: 'wx' })))
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}

/** GET of JSON. */
export async function httpGetJson(url: string, options: HttpGetOptions): Promise<unknown> {
  const body = await httpGet(url, options)
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw failure('http-not-json', url, 'did not answer with JSON', 'theirs')
  }
}

/** What an answer says up to `maxBytes`, and whether that was all of it; what is more is not waited for. */
export async function readUpTo(response: Response, maxBytes: number): Promise<{ body: Buffer; isWhole: boolean }> {
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of (response.body as AsyncIterable<Uint8Array> | null) ?? []) {
    chunks.push(chunk)
    total += chunk.length
    if (total > maxBytes) break
  }
  return { body: Buffer.concat(chunks).subarray(0, maxBytes), isWhole: total <= maxBytes }
}

async function exchange(url: string, options: HttpGetOptions, consume: (body: Readable) => Promise<void>): Promise<void> {
  const signal = deadline(options.timeoutMs, options.signal)
  try {
    const headers = { 'accept-encoding': 'identity', ...options.headers }
    const response = await fetch(url, { headers, redirect: 'error', signal })
    if (!response.ok || !response.body) {
      await response.body?.cancel()
      throw failure(`http-${response.status}`, url, `answered ${response.status}`, 'theirs')
    }
    // It would be unpacked as it comes: half a kilobyte may hold a hundred megabytes, before any limit sees it.
    if ((response.headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity') {
      await response.body.cancel()
      throw failure('http-encoded', url, 'sent its answer compressed, which was not asked for', 'theirs')
    }
    const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])
    await consume(limited(body, url, options.maxBytes))
  } catch (error) {
    if (error instanceof FishermanError) throw error
    if (options.signal?.aborted) throw options.signal.reason
    const code = localCode(error)
    if (code) throw failure('http-local', url, `could not be read or kept because of this machine (${code})`, 'ours', error)
    // A refused or broken connection may be our network as well as theirs.
    throw failure(
      signal.aborted ? 'http-timeout' : 'http-unreachable',
      url,
      signal.aborted ? `was silent for ${options.timeoutMs} ms` : reasonOf(error),
      'unknown',
      error,
    )
  }
}

function limited(body: Readable, url: string, maxBytes: number): Readable {
  let total = 0
  return body.map((chunk: Uint8Array) => {
    total += chunk.length
    if (total > maxBytes) throw failure('http-too-long', url, `sent more than ${maxBytes} bytes`, 'theirs')
    return chunk
  })
}

/** Why a connection did not come about, of an error of `fetch`. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return `could not be reached (${messageOf(cause)})`
}

function failure(code: string, url: string, what: string, blame: Blame, cause?: unknown): FishermanError {
  return new FishermanError({ code, message: `${maskCredentials(url)} ${what}`, blame, cause })
}
