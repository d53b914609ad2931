import { CodecError } from '../../proofs/codec.ts'
import { windowLeaf } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import { breathe, type Clock, repeat } from '../base/clock.ts'
import { FishermanError, isFishermanError, messageOf } from '../base/errors.ts'
import { httpGet } from '../base/http-get.ts'
import type { Logger } from '../base/log.ts'
import { checkReceipt, checkWindow, parseReceiptLine, readWindowLine, type SegmentReceipt, type SignedWindow } from './row.ts'

export interface FeedAddress {
  transcoder: Hex
  /** Base URL, without `/fisherman/v1`. */
  url: string
}

/** A closed window with all of its receipts, verified against its root; receipts in the order of their digests. */
export interface FeedWindow {
  feed: FeedAddress
  signed: SignedWindow
  receipts: SegmentReceipt[]
  /** Chain time at which the feed last answered us without this window; undefined where our first look showed it. */
  missingAtSec?: number
}

export interface FeedReaderInit {
  domain: Domain
  feed: FeedAddress
  windowSeconds: number
  /** Milliseconds between two looks. */
  pollMs: number
}

export interface FeedReaderDeps {
  clock: Clock
  log: Logger
  /** Chain time, Unix seconds. */
  nowSec(): number
  round(): Promise<bigint>
  isSigner(transcoder: Hex, signer: Hex, round: bigint): Promise<boolean>
  /** Where it throws, the window comes again. */
  onWindow(window: FeedWindow): Promise<void>
  /** The feed answered: our own network works. */
  onAnswer?(): void
  /** A receipt or window that does not hold together: counted, never an accusation. */
  onBad(reason: string): void
}

/** One page of lines; a receipt line of ten rungs is about 6 KiB, and the largest SegData 32 KiB of hex beside it. */
const PAGE = 200
const PAGE_BYTES = 8 << 20
const TIMEOUT_MS = 10_000
/** Windows of time that a broken window is tried again before it is skipped. */
const PATIENCE_WINDOWS = 5
/**
 * Windows looked back at a start, so that a daemon that was down for a moment misses nothing; what was checked before is known from the
 * log. Not longer: a receipt must be of the current round or the one before, and a local round is 15 windows.
 */
const LOOK_BACK = 12n

/** Follows one feed until aborted: every new window, in order, each once. */
export async function followFeed(init: FeedReaderInit, deps: FeedReaderDeps, signal: AbortSignal): Promise<void> {
  const { feed, domain } = init
  const base = `${feed.url.replace(/\/+$/, '')}/fisherman/v1`
  let after = BigInt(Math.floor(deps.nowSec() / init.windowSeconds)) - LOOK_BACK
  let failures = 0
  /** The window that does not hold together, and since when. */
  let stuck: { windowId: bigint; sinceSec: number } | undefined

  /** Chain time of the last answer, and what it did not list yet of that which came since. */
  let answeredSec: number | undefined
  const missing = new Map<bigint, number | undefined>()

  /** What fails here is no fault of the feed: its window is tried again for as long as it takes, and never skipped. */
  const ours = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      stuck = undefined
      throw error
    })

  const lines = async (path: string, inner: AbortSignal): Promise<unknown[]> => {
    const body = await httpGet(`${base}/${path}`, { maxBytes: PAGE_BYTES, timeoutMs: TIMEOUT_MS, signal: inner })
    // One more than a full page and the nothing after its last line: 8 MiB hold millions of short ones.
    const parts = body.toString('utf8').split('\n', PAGE + 2)
    must(parts.length <= PAGE + 1, 'a page has more lines than were asked for')
    return parts.filter((line) => line.length > 0).map(parseLine)
  }

  const receiptsOf = async (signed: SignedWindow, inner: AbortSignal): Promise<SegmentReceipt[]> => {
    const { windowId, count, root } = signed.window
    const found: SegmentReceipt[] = []
    const digests = new Set<Hex>()
    const rounds = await ours(deps.round())
    for (let cursor = ''; found.length < count; ) {
      const page = await lines(`receipts?window=${windowId}&limit=${PAGE}${cursor && `&cursor=${cursor}`}`, inner)
      if (page.length === 0) break
      for (const line of page) {
        const receipt = parseReceiptLine(domain, line)
        must(!digests.has(receipt.digest), 'a receipt came twice')
        must(receipt.windowId === windowId, 'a receipt is in another window than it says')
        must(
          BigInt(Math.floor(Number(receipt.receipt.completedAt) / init.windowSeconds)) === windowId,
          'a receipt was not completed in its window',
        )
        must(receipt.receipt.transcoder === feed.transcoder, 'a receipt is of another node')
        must(receipt.receipt.round <= rounds && receipt.receipt.round + 1n >= rounds, 'a receipt is of another round')
        must(
          await ours(deps.isSigner(feed.transcoder, receipt.signer, receipt.receipt.round)),
          "a receipt is signed by a key that is not the node's",
        )
        must(found.length < count, 'there are more receipts than the window counts')
        checkReceipt(domain, receipt)
        digests.add(receipt.digest)
        found.push(receipt)
        // A row may be 200 kB: each gets a turn of its own.
        await breathe()
      }
      cursor = cursorOf(page.at(-1))
    }
    found.sort((a, b) => (a.digest < b.digest ? -1 : 1))
    must(found.length === count, `${count - found.length} receipts of the window are not served`)
    must(
      merkleTree(found.map((receipt, i) => windowLeaf(i, receipt.digest))).root === root,
      'the receipts are not under the root of the window',
    )
    return found
  }

  const checkListed = (signed: SignedWindow): void => {
    const { windowId, transcoder, closedAt } = signed.window
    must(transcoder === feed.transcoder, 'a window is of another node')
    must(Number(windowId + 1n) * init.windowSeconds <= deps.nowSec() + init.windowSeconds, 'a window is not over yet')
    must(Number(closedAt) >= Number(windowId) * init.windowSeconds, 'a window was closed before it began')
    checkWindow(domain, signed)
  }

  const isOwn = (signed: SignedWindow): Promise<boolean> =>
    ours(deps.round().then((round) => deps.isSigner(feed.transcoder, signed.signer, round)))

  /** Is a window out that its node signed? Any other line would vouch for a root that is made up later, and there is no end of windows to come. */
  const isListed = async (signed: SignedWindow): Promise<boolean> => {
    await breathe()
    try {
      checkListed(signed)
    } catch {
      return false
    }
    return await isOwn(signed)
  }

  const look = async (inner: AbortSignal): Promise<void> => {
    const askedSec = deps.nowSec()
    const windows = (await lines(`windows?after=${after < 0n ? 0n : after}&limit=${PAGE}`, inner)).map(readWindowLine)
    deps.onAnswer?.()
    /** Those that were found to be the node's already. */
    const own = new Set<SignedWindow>()
    for (const signed of windows) {
      const { windowId } = signed.window
      if (windowId <= after || missing.has(windowId) || !(await isListed(signed))) continue
      own.add(signed)
      missing.set(windowId, answeredSec)
    }
    for (const id of missing.keys()) if (id <= after) missing.delete(id)
    // A full page says nothing of what comes after it.
    answeredSec = windows.length < PAGE ? askedSec : undefined
    for (const signed of windows) {
      const { windowId, transcoder } = signed.window
      if (windowId <= after) continue
      if (stuck?.windowId !== windowId) stuck = { windowId, sinceSec: deps.nowSec() }
      // A broken window must not shield those behind it.
      if (deps.nowSec() - stuck.sinceSec > PATIENCE_WINDOWS * init.windowSeconds) {
        deps.onBad('window-skipped')
        deps.log.warn('Window cannot be read and is skipped', { transcoder, windowId })
        after = windowId
        continue
      }
      if (!own.has(signed)) {
        checkListed(signed)
        must(await isOwn(signed), "a window is signed by a key that is not the node's")
      }
      const receipts = signed.window.count === 0 ? [] : await receiptsOf(signed, inner)
      const missingAtSec = missing.get(windowId)
      await ours(deps.onWindow({ feed, signed, receipts, ...(missingAtSec === undefined ? {} : { missingAtSec }) }))
      after = windowId
    }
    if (failures > 0) deps.log.info('Feed answers again', { transcoder: feed.transcoder, url: feed.url })
    failures = 0
  }

  await repeat(init.pollMs, look, {
    signal,
    onError(error) {
      failures++
      const code = isFishermanError(error) ? error.code : error instanceof CodecError ? 'bad-line' : 'feed-failed'
      deps.onBad(code)
      // The first failure is told, then every hundredth: a feed that is down for a day must not fill the log.
      if (failures % 100 === 1)
        deps.log.warn('Feed cannot be read', { transcoder: feed.transcoder, url: feed.url, reason: messageOf(error) })
    },
  })
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new CodecError('a line is not JSON')
  }
}

function cursorOf(line: unknown): string {
  const cursor = (line as { cursor?: unknown } | undefined)?.cursor
  if (typeof cursor !== 'string' || !/^[\w-]{1,64}$/.test(cursor)) throw new CodecError('a line has no cursor')
  return cursor
}

function must(condition: boolean, reason: string): asserts condition {
  if (!condition)
    throw new FishermanError({ code: 'bad-feed', message: `the feed does not hold together: ${reason}`, blame: 'theirs' })
}
