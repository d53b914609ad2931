import type { Connection, Stream } from '@libp2p/interface'
import { STATEMENT_KINDS, type StatementKind } from '../../proofs/codec.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createRateLimiter } from '../base/rate.ts'
import type { Counters } from './counters.ts'
import {
  type Cursor,
  decodeRequest,
  encodeEntry,
  encodeHeader,
  framesOn,
  MAX_PULL_BYTES,
  type PullEntry,
  type PullHeader,
  type PullRequest,
  START,
  tagOf,
} from './pull-frames.ts'
import type { Topics } from './topics.ts'
import { idOf } from './validate.ts'

/** Statements that we keep and serve: our own log, in order. */
export interface StatementLog {
  /** At most `limit` entries with a number above `cursor`, ascending; numbers start at 1 and may have gaps. */
  since(cursor: bigint, limit: number): Promise<PullEntry[]>
  /** An index by kind; without it who asks for few kinds makes us read all. */
  byKind?: {
    /** As `since`, of these kinds only. */
    since(kinds: readonly StatementKind[], cursor: bigint, limit: number): Promise<PullEntry[]>
    /** The newest entry of any kind. */
    last(): Promise<PullEntry | undefined>
  }
  /** Entries of the log, for peers to know; 0 without. */
  size?(): number
}

/** A peer asks once a round and, when it catches up, page after page: thirty at once, then three a second. */
const QUOTA = { burst: 30, everyMs: 333 }
/** Read a request, read the log, write at most 256 KiB: more time than this is a stalled peer. */
const SERVE_TIMEOUT_MS = 10_000
/** Whoever asks for more gets most of what lies on the way. */
const FEW_KINDS = 2
/** A request is 19 bytes. */
const MAX_REQUEST_BYTES = 64

export interface PullServerDeps {
  log: Logger
  store: StatementLog
  topics: Topics
  clock: { nowMs(): number }
  counters: Counters
}

/** Answers `statements-since`: one request, one page, close. */
export function createPullServer(deps: PullServerDeps): (stream: Stream, connection: Connection) => Promise<void> {
  const limiter = createRateLimiter({ ...QUOTA, maxKeys: 1_024 }, deps.clock)

  async function pageFor(stream: Stream, peerId: string, request: PullRequest): Promise<Page> {
    if (!limiter.take(peerId)) return { header: { status: 'busy', more: false, count: 0, cursor: request.cursor }, entries: [] }
    const only = stream.protocol === deps.topics.stablePullProtocol ? 'fraud-proof' : undefined
    return readPage(deps.store, request, (kind) => request.kinds.has(kind) && (only === undefined || kind === only))
  }

  return async function serve(stream, connection) {
    const signal = AbortSignal.timeout(SERVE_TIMEOUT_MS)
    try {
      const frames = framesOn(stream, { frameBytes: MAX_REQUEST_BYTES, bufferBytes: 16 * MAX_REQUEST_BYTES })
      const request = decodeRequest((await frames.read({ signal })).subarray())
      const { header, entries } = await pageFor(stream, connection.remotePeer.toString(), request)
      await frames.writeV([encodeHeader(header), ...entries.map(encodeEntry)], { signal })
      await stream.close({ signal })
      deps.counters.add(`pull.served-${header.status}`)
      deps.counters.add('pull.served-statements', entries.length)
    } catch (error) {
      deps.counters.add('pull.serve-failed')
      deps.log.debug('a pull could not be answered', { peer: connection.remotePeer.toString(), error: messageOf(error) })
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
    }
  }
}

export interface Page {
  header: PullHeader
  entries: PullEntry[]
}

/** One page of the log after the cursor; `reset` where the cursor is of another log (a disk that was lost, a log that was pruned). */
export async function readPage(
  store: StatementLog,
  request: PullRequest,
  wants: (kind: StatementKind) => boolean,
): Promise<Page> {
  const { cursor, limit } = request
  const kinds = STATEMENT_KINDS.filter((kind) => request.kinds.has(kind) && wants(kind))
  if (store.byKind && kinds.length <= FEW_KINDS) return await readKinds(store, store.byKind, request, kinds)
  let found: PullEntry[]
  if (cursor.seq === 0n) found = await store.since(0n, limit)
  else {
    const [last, ...rest] = await store.since(cursor.seq - 1n, limit + 1)
    if (!stands(cursor, last)) return RESET
    found = rest
  }
  return pageOf(cursor, found, found.length >= limit, wants)
}

/** As `readPage`, without a look at what lies between; where nothing more is found the cursor is at the end of the log. */
async function readKinds(
  store: StatementLog,
  byKind: NonNullable<StatementLog['byKind']>,
  { cursor, limit }: PullRequest,
  kinds: readonly StatementKind[],
): Promise<Page> {
  if (cursor.seq !== 0n && !stands(cursor, (await store.since(cursor.seq - 1n, 1))[0])) return RESET
  // The end first: what is written after this look is left to the next page.
  const last = await byKind.last()
  const found = await byKind.since(kinds, cursor.seq, limit)
  const page = pageOf(cursor, found, found.length >= limit, () => true)
  if (page.header.more || !last || last.seq <= page.header.cursor.seq) return page
  return { ...page, header: { ...page.header, cursor: cursorOf(last) } }
}

const RESET: Page = { header: { status: 'reset', more: false, count: 0, cursor: START }, entries: [] }

function stands(cursor: Cursor, entry: PullEntry | undefined): boolean {
  return entry?.seq === cursor.seq && tagOf(idOf(entry.bytes)) === cursor.tag
}

function pageOf(cursor: Cursor, found: readonly PullEntry[], isFull: boolean, wants: (kind: StatementKind) => boolean): Page {
  const entries: PullEntry[] = []
  let bytes = 0
  let looked: PullEntry | undefined
  let more = isFull
  for (const entry of found) {
    if (wants(entry.kind)) {
      if (bytes + entry.bytes.length > MAX_PULL_BYTES) {
        more = true
        break
      }
      bytes += entry.bytes.length
      entries.push(entry)
    }
    looked = entry
  }
  return { header: { status: 'ok', more, count: entries.length, cursor: looked ? cursorOf(looked) : cursor }, entries }
}

export function cursorOf(entry: PullEntry): Cursor {
  return { seq: entry.seq, tag: tagOf(idOf(entry.bytes)) }
}
