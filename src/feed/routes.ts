import type { Readable } from 'node:stream'
import { structToJson } from '../../proofs/json.ts'
import type { Hex, WindowRoot } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import type { HttpApp, HttpReply, HttpRequest } from '../base/http.ts'
import { AUTH_HEADER, type RateLimit, readAuth } from './auth.ts'
import type { Ledger } from './ledger.ts'
import { rebuttalRoutes } from './rebuttals.ts'

export interface SignedWindow {
  window: WindowRoot
  sig: Hex
}

/** What a feed publishes of its windows. */
export interface PublishedWindows {
  /** Signed windows after this id, oldest first. */
  after(id: bigint, limit: number): readonly SignedWindow[]
  /** Lines of a closed window without their cursors, sorted by the digests of their receipts. */
  lines(id: bigint): Promise<readonly object[] | 'open' | 'gone' | 'unknown'>
}

/** Bytes by their hash. */
export interface PublishedBlobs {
  find(hash: Hex): { readonly bytes: number; readonly owners: { has(address: Hex): boolean } } | 'gone' | undefined
  open(hash: Hex, range?: { start: number; end: number }): Readable
}

export interface FeedDeps {
  transcoder: Hex
  /** Signs windows and receipts: the node's own key, or the one that it delegated to. */
  signer: Hex
  ledger: Pick<Ledger, 'domain' | 'now' | 'isMember'>
  windows: PublishedWindows
  blobs: PublishedBlobs
  rate: RateLimit
  /** Folder of the rebuttals that this node publishes. */
  rebuttals?: string
  /** True for a node that publishes receipts and serves no bytes for them. */
  withhold?: boolean
}

const MAX_LINES = 1000

/** The feed of DESIGN section 4: windows, receipts and bytes. */
export function feedRoutes(app: HttpApp, deps: FeedDeps): void {
  app.get('/fisherman/v1/windows', (request, reply) => {
    const { after, limit } = request.query as Record<string, unknown>
    const id = after === undefined ? -1n : readNumber('after', after)
    const lines = deps.windows.after(id, readLimit(limit)).map((signed) => windowLine(signed, deps.signer))
    return ndjson(reply, lines)
  })
  app.get('/fisherman/v1/receipts', async (request, reply) => {
    const query = request.query as Record<string, unknown>
    const limit = readLimit(query.limit)
    const list = await deps.windows.lines(readNumber('window', query.window))
    if (list === 'open') return refuse(reply, 404, 'this window is not over yet')
    if (list === 'unknown') return refuse(reply, 404, 'this node has no such window')
    if (list === 'gone') return refuse(reply, 410, 'this window is older than what this node keeps')
    const start = query.cursor === undefined ? 0 : Number(readNumber('cursor', query.cursor))
    const page = list.slice(start, start + limit)
    return ndjson(
      reply,
      // `cursor` asks for what comes after it.
      page.map((line, i) => ({ cursor: String(start + i + 1), ...line })),
    )
  })
  app.get('/fisherman/v1/blobs/:hash', (request, reply) => sendBlob(request, reply, deps))
  if (deps.rebuttals !== undefined) rebuttalRoutes(app, { folder: deps.rebuttals })
}

/** One line of `windows`. */
function windowLine({ window, sig }: SignedWindow, signer: Hex): unknown {
  return { window: structToJson('WindowRoot', window), sig, signer }
}

function ndjson(reply: HttpReply, lines: readonly unknown[]): HttpReply {
  return reply
    .header('content-type', 'application/x-ndjson')
    .header('cache-control', 'no-store')
    .send(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

function sendBlob(request: HttpRequest, reply: HttpReply, deps: FeedDeps): HttpReply {
  const contentHash = (request.params as { hash: string }).hash as Hex
  if (!/^0x[0-9a-f]{64}$/.test(contentHash)) return refuse(reply, 400, 'a content hash is 0x and 64 lower-case hex digits')
  const auth = readAuth(request.headers[AUTH_HEADER], { transcoder: deps.transcoder, contentHash }, deps.ledger)
  if ('reason' in auth) return refuse(reply, 401, auth.reason)
  const blob = deps.blobs.find(contentHash)
  // Who runs the node may look at its work as fishermen do.
  const isOwner = auth.address === deps.transcoder || (typeof blob === 'object' && blob.owners.has(auth.address))
  if (!isOwner && !deps.ledger.isMember(auth.address))
    return refuse(reply, 403, `${auth.address} is no registered fisherman and did not order this`)
  if (!deps.rate.allow(auth.address)) return refuse(reply.header('retry-after', '1'), 429, 'too many requests; wait a second')
  if (blob === 'gone') return refuse(reply, 410, 'this content is older than what this node keeps')
  if (!blob || deps.withhold) return refuse(reply, 404, 'this node has no such content')
  return sendRange(reply, deps.blobs, contentHash, blob.bytes, request.headers.range)
}

/** One range as RFC 9110 has it; several ranges, and what cannot be read, are answered with the whole. */
function sendRange(reply: HttpReply, blobs: PublishedBlobs, hash: Hex, size: number, header: string | undefined): HttpReply {
  reply.header('content-type', 'application/octet-stream').header('accept-ranges', 'bytes').header('etag', `"${hash}"`)
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (from === undefined || to === undefined || (from === '' && to === ''))
    return reply.header('content-length', size).send(blobs.open(hash))
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  // A last position before the first makes the header invalid, not unsatisfiable.
  if (from !== '' && to !== '' && Number(to) < start) return reply.header('content-length', size).send(blobs.open(hash))
  if (start >= size || end < start)
    return refuse(reply.header('content-range', `bytes */${size}`), 416, `only ${size} bytes are here`)
  return reply
    .code(206)
    .header('content-range', `bytes ${start}-${end}/${size}`)
    .header('content-length', end - start + 1)
    .send(blobs.open(hash, { start, end }))
}

function refuse(reply: HttpReply, status: number, error: string): HttpReply {
  return reply.code(status).type('application/json').send({ error })
}

function readNumber(name: string, value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) throw badQuery(`${name} must be a decimal number`)
  return BigInt(value)
}

function readLimit(value: unknown): number {
  const limit = value === undefined ? 100 : Number(readNumber('limit', value))
  if (limit < 1) throw badQuery('limit must be 1 or more')
  return Math.min(limit, MAX_LINES)
}

function badQuery(message: string): FishermanError {
  return new FishermanError({ code: 'bad-query', message, blame: 'theirs' })
}
