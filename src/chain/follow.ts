import type { Hex } from '../../proofs/types.ts'
import { createLogScan, type LogFilter, type LogScan, type Span } from './log-scan.ts'
import type { Rpc } from './rpc.ts'
import type { SpanStore } from './span-file.ts'
import { type Log, parseHeader, toQuantity } from './wire.ts'

/** How far a scan is. */
export interface ScanProgress {
  from: bigint
  at: bigint
  to: bigint
}

export interface EventFollowerInit {
  filter: LogFilter
  /** First block that counts. */
  from: bigint
  /** Blocks of the first query. */
  span?: bigint
  maxSpan?: bigint
}

export interface EventFollowerDeps {
  rpc: Rpc
  store?: SpanStore
  /** Hash of a block that we know. */
  hashAt(block: bigint): Hex | undefined
  /** Newest block that will not be taken back: only up to it spans are kept on disk. */
  finalized(): bigint
  /** Gets the logs of new blocks, in order; those of one span at once, and only when the whole span was read. */
  take(logs: readonly Log[], signal: AbortSignal): Promise<void>
  onProgress?(progress: ScanProgress): void
  /** The disk does not take what was read: it will be read again after a restart. */
  onStoreTrouble?(error: unknown): void
}

export interface EventFollower {
  scannedTo(): bigint
  /** Takes up what the disk has, as far as it is still of this chain. */
  resume(signal: AbortSignal): Promise<void>
  /** Reads on up to this block; what was read stays read when it throws. */
  scan(to: bigint, signal: AbortSignal): Promise<void>
  /** Forgets what lies above this block, and returns where it goes on: lower where the chain has gone back further than we know. */
  rewind(to: bigint, signal: AbortSignal): Promise<bigint>
  /** Writes what is final and not on disk yet. */
  flush(): Promise<void>
}

/** Final blocks that are gathered before they are written: one line for each new block would be a file of small lines. */
const WRITE_EVERY = 2_000n
/** And events: what waits to be written is held. */
const WRITE_EVENTS = 100
/** Final spans in memory that become one. */
const MERGE = 50
/** Ends of spans on disk that are held: months are thousands of them, of which a node asks for one after a reorganisation of what was final. */
const ENDS = 400

/** Reads the events of some contracts once, in order, and goes on after a restart where it was: by (number, hash) of each span. */
export function createEventFollower(init: EventFollowerInit, deps: EventFollowerDeps): EventFollower {
  const { store } = deps
  const reader: LogScan = createLogScan(
    {
      filter: init.filter,
      ...(init.span === undefined ? {} : { span: init.span }),
      ...(init.maxSpan === undefined ? {} : { maxSpan: init.maxSpan }),
    },
    { rpc: deps.rpc },
  )
  /** Ends of what is on disk; of the older ever fewer. */
  let kept: End[] = []
  /** Read and not on disk. */
  let young: Span[] = []
  let scannedTo = init.from - 1n

  async function isOurs(block: bigint, hash: Hex, signal: AbortSignal): Promise<boolean> {
    return parseHeader(await deps.rpc.send('eth_getBlockByNumber', [toQuantity(block), false], { signal }))?.hash === hash
  }

  /** Newest end of a span that is in the chain now. A block's hash holds those of all before it, so the ends can be halved. */
  async function commonEnd(signal: AbortSignal): Promise<bigint> {
    const ends = [...kept, ...young]
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const { to, hash } = ends[middle - 1] as Span
      if (await isOurs(to, hash, signal)) low = middle
      else high = middle - 1
    }
    return ends[low - 1]?.to ?? init.from - 1n
  }

  async function flush(atLeast: bigint): Promise<void> {
    const final = young.filter((span) => span.to <= deps.finalized())
    const [first, last] = [final[0], final.at(-1)]
    // Without a disk only the newest final end is needed, to know how far a deep reorganisation went.
    if (!store && final.length > 1) young = young.slice(final.length - 1)
    if (!store) return
    if (!first || !last) return
    const events = final.reduce((sum, span) => sum + span.logs.length, 0)
    const isDue = last.to - first.from + 1n >= atLeast || events >= WRITE_EVENTS
    if (!isDue && final.length <= MERGE) return
    const whole: Span = { from: first.from, to: last.to, hash: last.hash, logs: final.flatMap((span) => span.logs) }
    if (!isDue) {
      // One for all of them until it is written: what is final is not taken back block by block.
      young = [whole, ...young.slice(final.length)]
      return
    }
    if (kept.length === 0) await store.replace([whole])
    else await store.append(whole)
    kept = thinned([...kept, endOf(whole)])
    young = young.slice(final.length)
  }

  return {
    scannedTo: () => scannedTo,
    async resume(signal) {
      if (!store) return
      const spans = await store.load()
      // What begins later than we must is of no use; what begins earlier loses the part before.
      kept = spans[0] && spans[0].from <= init.from ? spans.filter((span) => span.to >= init.from) : []
      const end = await commonEnd(signal)
      const good = spans.filter((span) => span.to <= end && kept.some(({ to }) => to === span.to))
      if (good.length < spans.length) await store.replace(good)
      kept = thinned(good.map(endOf))
      for (const span of good) await deps.take(span.logs, signal)
      scannedTo = end
    },
    async scan(to, signal) {
      const from = scannedTo + 1n
      while (scannedTo < to) {
        const span = await reader.next({ from: scannedTo + 1n, to }, deps.hashAt, signal)
        await deps.take(span.logs, signal)
        scannedTo = span.to
        young.push(span)
        // A long first scan is written as it goes.
        await flush(scannedTo < to ? 1n : WRITE_EVERY).catch((error: unknown) => deps.onStoreTrouble?.(error))
        deps.onProgress?.({ from, at: scannedTo, to })
      }
    },
    async rewind(to, signal) {
      if (to >= scannedTo) return scannedTo
      const ends = [...kept, ...young].map((span) => span.to)
      // A span that reaches above the point is read again whole.
      const target = ends.filter((end) => end <= to).at(-1) ?? init.from - 1n
      scannedTo = target
      young = young.filter((span) => span.to <= target)
      scannedTo = await commonEnd(signal)
      young = young.filter((span) => span.to <= scannedTo)
      if (kept.some((span) => span.to > scannedTo)) {
        const good = ((await store?.load()) ?? []).filter((span) => span.to <= scannedTo)
        await store?.replace(good)
        kept = thinned(good.map(endOf))
      }
      return scannedTo
    },
    flush: () => flush(1n),
  }
}

type End = Pick<Span, 'to' | 'hash'>

const endOf = ({ to, hash }: Span): End => ({ to, hash })

/** Above the bound every second of the older half goes: a deep reorganisation goes on from a few spans further back. */
function thinned(ends: readonly End[]): End[] {
  if (ends.length <= ENDS) return [...ends]
  const half = Math.floor(ends.length / 2)
  return thinned([...ends.slice(0, half).filter((_, i) => i % 2 === 1), ...ends.slice(half)])
}
