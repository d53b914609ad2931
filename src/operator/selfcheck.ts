import { ZERO_HASH } from '../../proofs/digest.ts'
import type { BlobRequest, Domain, Hex, Outcome } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { outcomeOfFetch, outcomeOfJudge } from '../base/failures.ts'
import { SILENT } from '../base/log.ts'
import { createBlobCache } from '../fetch/blobs.ts'
import { type Judge, needsProof, type RenditionRequest, type RenditionVerdict } from '../judge.ts'
import { createFaultFinder } from '../receipt/faults.ts'
import { type FeedAddress, type FeedWindow, followFeed } from '../receipt/feed.ts'
import { mostSourceBytes, type SegmentReceipt } from '../receipt/row.ts'
import type { Reason } from '../verdict/types.ts'

export interface SelfCheckInit {
  domain: Domain
  feed: FeedAddress
  windowSeconds: number
  /** Receipts whose pictures are looked at, of the newest windows and of as many streams as there are. */
  receipts: number
  /** Folder for the media of this look. */
  scratchDir: string
}

export interface SelfCheckDeps {
  clock: Clock
  /** Chain time, Unix seconds. */
  nowSec(): number
  round(): Promise<bigint>
  isSigner(transcoder: Hex, signer: Hex, round: bigint): Promise<boolean>
  judge: Pick<Judge, 'judge'>
  /** Signs a request for bytes; without it only what is signed is looked at. */
  authorize?: (request: BlobRequest) => Promise<{ address: Hex; signature: Hex }>
  onStep?: (step: string) => void
}

/** One rendition as a fisherman would see it. */
export interface SelfVerdict {
  receiptDigest: Hex
  streamId: Hex
  seq: bigint
  rendition: number
  width: number
  height: number
  outcome: Outcome
  faultClass?: 'D2' | 'D3' | 'Q'
  reasons: readonly Reason[]
  /** Why its bytes were not to be had, or why no verdict on them came. */
  missing?: string
}

export interface SelfCheck {
  transcoder: Hex
  /** Length of a window, as it was read. */
  windowSeconds: number
  windows: number
  receipts: number
  /** What keeps windows from being read: nobody can check such a feed, and what it holds counts as withheld. */
  broken: readonly string[]
  /** What the node's own signatures prove; each takes stake at once. */
  faults: readonly { faultClass: string; receiptDigest: Hex }[]
  /** Undefined where no key asked for bytes. */
  verdicts?: readonly SelfVerdict[]
  /** Milliseconds of the slowest blob. */
  slowestBlobMs?: number
}

/** Media of one look at most. */
const SCRATCH_BYTES = 2_000_000_000

/**
 * What a fisherman would say of a node, before one does: reads its feed by the daemon's own rules, looks for faults that its signatures prove,
 * and judges a few receipts at depth `check`. Nothing is signed but requests for bytes, and nobody is told.
 */
export async function selfCheck(init: SelfCheckInit, deps: SelfCheckDeps, signal: AbortSignal): Promise<SelfCheck> {
  deps.onStep?.('reading the feed')
  const { windows, broken } = await readFeed(init, deps, signal)
  const finder = createFaultFinder(init.domain)
  const receipts = windows.flatMap((window) => window.receipts)
  const found = [
    ...windows.flatMap(({ signed }) => finder.lookAtWindow(signed)),
    ...receipts.flatMap((receipt) => finder.look(receipt)),
  ]
  const faults = found.map(({ fault: { faultClass, receiptDigest } }) => ({ faultClass, receiptDigest }))
  const base = {
    ...{ transcoder: init.feed.transcoder, windowSeconds: init.windowSeconds },
    ...{ windows: windows.length, receipts: receipts.length, broken, faults },
  }
  if (!deps.authorize) return base
  return { ...base, ...(await judgeAll(init, { ...deps, authorize: deps.authorize }, spread(receipts, init.receipts), signal)) }
}

/** One full look: what the feed lists now, to its end. */
async function readFeed(
  init: SelfCheckInit,
  deps: SelfCheckDeps,
  signal: AbortSignal,
): Promise<{ windows: FeedWindow[]; broken: string[] }> {
  const windows: FeedWindow[] = []
  const broken = new Set<string>()
  const done = new AbortController()
  let answers = 0
  await followFeed(
    { domain: init.domain, feed: init.feed, windowSeconds: init.windowSeconds, pollMs: 0 },
    {
      ...{ clock: deps.clock, nowSec: deps.nowSec, round: deps.round, isSigner: deps.isSigner },
      // The reader says why in its first line about a feed that fails.
      log: { ...SILENT, warn: (_, fields) => void broken.add(String(fields?.reason ?? 'unreadable')) },
      async onWindow(window) {
        windows.push(window)
      },
      // Answered a second time: the first look came to its end.
      onAnswer: () => void (++answers > 1 && done.abort()),
      onBad: () => done.abort(),
    },
    AbortSignal.any([signal, done.signal]),
  )
  signal.throwIfAborted()
  return { windows, broken: [...broken] }
}

/** The newest receipts of each stream in turn, so that one busy stream does not hide the others. */
function spread(receipts: readonly SegmentReceipt[], count: number): SegmentReceipt[] {
  const streams = new Map<Hex, SegmentReceipt[]>()
  for (const receipt of [...receipts].sort((a, b) => Number(b.receipt.completedAt - a.receipt.completedAt)))
    streams.set(receipt.receipt.streamId, [...(streams.get(receipt.receipt.streamId) ?? []), receipt])
  const queues = [...streams.values()]
  const longest = Math.max(0, ...queues.map(({ length }) => length))
  return Array.from({ length: longest }, (_, i) => queues.flatMap((queue) => queue[i] ?? []))
    .flat()
    .slice(0, count)
}

async function judgeAll(
  init: SelfCheckInit,
  deps: SelfCheckDeps & Required<Pick<SelfCheckDeps, 'authorize'>>,
  receipts: readonly SegmentReceipt[],
  signal: AbortSignal,
): Promise<{ verdicts: SelfVerdict[]; slowestBlobMs: number }> {
  const { clock, nowSec, authorize } = deps
  const cache = { folder: `${init.scratchDir}/blobs`, quotaBytes: SCRATCH_BYTES }
  const blobs = await createBlobCache(cache, { clock, nowSec, authorize })
  const verdicts: SelfVerdict[] = []
  let slowestBlobMs = 0
  const get = async (contentHash: Hex, byteLength: bigint) => {
    const startedMs = clock.monotonicMs()
    const wanted = { url: init.feed.url, transcoder: init.feed.transcoder, contentHash, byteLength: Number(byteLength) }
    const file = await blobs.get(wanted, { signal })
    slowestBlobMs = Math.max(slowestBlobMs, clock.monotonicMs() - startedMs)
    return file
  }
  for (const [i, one] of receipts.entries()) {
    deps.onStep?.(`judging receipt ${i + 1} of ${receipts.length}`)
    const { receipt, order, renditions, profiles, digest } = one
    const about = (rendition: number) => {
      const { width = 0, height = 0 } = renditions[rendition] ?? {}
      return { receiptDigest: digest, streamId: receipt.streamId, seq: receipt.seq, rendition, width, height }
    }
    const without = (none: NoVerdict): SelfVerdict[] => renditions.map((_, n) => ({ ...about(n), ...none, reasons: [] }))
    const fetchAll = async () => {
      const source = await get(receipt.sourceHash, mostSourceBytes(order))
      const files: string[] = []
      for (const { contentHash, byteLength } of renditions) files.push(await get(contentHash, byteLength))
      return { source, files }
    }
    // The feed has just been read: whoever is silent now is not silent because of our network.
    const fetched = await tried(fetchAll(), (error) => outcomeOfFetch(error, true), signal)
    if ('outcome' in fetched) {
      verdicts.push(...without(fetched))
      continue
    }
    const asked = renditions.map((leaf, n) => ({
      path: fetched.files[n] as string,
      ...(profiles[n] ? { profile: profiles[n] } : {}),
      leaf: { width: leaf.width, height: leaf.height, frames: leaf.frames, durationMs: leaf.durationMs },
      // Any draw does: nobody is told of the fingerprint.
      draw: { beacon: ZERO_HASH, sampleId: digest, fisherman: init.feed.transcoder },
    }))
    const judged = await tried(judgedAs(deps.judge, fetched.source, asked, signal), outcomeOfJudge, signal)
    if ('outcome' in judged) verdicts.push(...without(judged))
    else
      for (const [n, { verdict, faultClass, reasons }] of judged.entries())
        verdicts.push({ ...about(n), outcome: verdict, ...(faultClass ? { faultClass } : {}), reasons })
  }
  return { verdicts, slowestBlobMs: Math.round(slowestBlobMs) }
}

/** At depth `check`, and what did not decode at depth `prove`: as a fisherman does. */
async function judgedAs(
  judge: SelfCheckDeps['judge'],
  source: string,
  renditions: readonly RenditionRequest[],
  signal: AbortSignal,
): Promise<RenditionVerdict[]> {
  const at = async (depth: 'check' | 'prove', asked: readonly RenditionRequest[]) =>
    (await judge.judge({ source, renditions: [...asked], depth }, { signal })).renditions
  const checked = await at('check', renditions)
  const verdicts: RenditionVerdict[] = []
  for (const [n, verdict] of checked.entries()) {
    const [proven] = needsProof(verdict) ? await at('prove', renditions.slice(n, n + 1)) : []
    verdicts.push(proven ?? verdict)
  }
  return verdicts
}

/** What a failure says of the node, and in words why; a failure of this machine is thrown on. */
interface NoVerdict {
  outcome: 'withheld' | 'inconclusive'
  missing: string
}

async function tried<T>(
  work: Promise<T>,
  outcomeOf: (error: unknown) => NoVerdict['outcome'] | undefined,
  signal: AbortSignal,
): Promise<T | NoVerdict> {
  try {
    return await work
  } catch (error) {
    signal.throwIfAborted()
    const outcome = outcomeOf(error)
    if (!outcome) throw error
    return { outcome, missing: messageOf(error) }
  }
}
