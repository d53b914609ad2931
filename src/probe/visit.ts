import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { NamedProfile } from '../../proofs/segdata.ts'
import type { Hex } from '../../proofs/types.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { type Blame, blameOf, isFishermanError, messageOf } from '../base/errors.ts'
import type { LivepeerClient } from '../livepeer/client.ts'
import { retryOf } from '../livepeer/errors.ts'
import type { Session } from '../livepeer/session.ts'
import type { OrchestratorInfo, PriceInfo } from '../livepeer/types.ts'
import { pixelsOf } from './ladders.ts'
import type { SourceSegment, SourceStream } from './sources.ts'

/** Why a segment, or a whole visit, came to nothing; nothing of it is an accusation. */
export interface Refusal {
  code: string
  message: string
  blame: Blame
}

/** One rendition that came, on our disk. */
export interface Delivered {
  profile: NamedProfile
  file: string
  bytes: number
}

/** Milliseconds of one segment: sent, answered, all renditions here. */
export interface SegmentTimes {
  uploadMs: number
  /** From the end of the upload to the answer: the node's work and the way back. */
  answerMs: number
  downloadMs: number
  totalMs: number
}

export interface VisitedSegment {
  seq: number
  source: SourceSegment
  times?: SegmentTimes
  /** What was signed for it: the order, in Livepeer's form. */
  segData?: Uint8Array
  delivered: Delivered[]
  /** Pixels that the node says it made. */
  pixels: bigint
  refusal?: Refusal
}

export interface Visit {
  uri: string
  /** What the node says of itself, unsigned: its address is a claim. */
  address: Hex | undefined
  /** Key that answered a ping; undefined where it does not sign. */
  key: Hex | undefined
  price: PriceInfo | undefined
  version: string
  segments: VisitedSegment[]
  /** Why there was no session at all. */
  refusal?: Refusal
}

export interface VisitInit {
  uri: string
  manifestId: string
  ladder: readonly NamedProfile[]
  source: SourceStream
  folder: string
  /** Milliseconds between two segments, with as much chance in it as a camera and its network have; 0 sends each when the last is done. */
  paceMs: number
}

export interface VisitDeps {
  client: LivepeerClient
  clock: Clock
  random(): number
  onSegment?(segment: VisitedSegment): void
}

/** Part of the pace by which a segment comes earlier or later. */
const JITTER = 0.15
/** Refusals of one visit after which there is no use in going on. */
const MOST_REFUSALS = 3

/** Visits one node as a gateway with one stream. Never throws but when aborted: what went wrong is in what it returns. */
export async function visitNode(init: VisitInit, deps: VisitDeps, signal: AbortSignal): Promise<Visit> {
  const { uri, source } = init
  const visit: Visit = { uri, address: undefined, key: undefined, price: undefined, version: '', segments: [] }
  await mkdir(init.folder, { recursive: true })
  let session: Session
  try {
    visit.key = await deps.client.ping(uri, { signal })
    session = await deps.client.openSession(uri, { manifestId: init.manifestId, profiles: init.ladder }, { signal })
  } catch (error) {
    return { ...visit, refusal: refusalOf(error, signal) }
  }
  Object.assign(visit, factsOf(session.info()))
  const startMs = deps.clock.monotonicMs()
  for (const [seq, one] of source.segments.entries()) {
    const dueMs = startMs + seq * init.paceMs + (deps.random() - 0.5) * 2 * JITTER * init.paceMs
    await sleep(Math.max(0, dueMs - deps.clock.monotonicMs()), signal)
    const segment = await sendOne(init, deps, session, { seq, source: one }, signal)
    visit.segments.push(segment)
    deps.onSegment?.(segment)
    if (visit.segments.filter(({ refusal }) => refusal).length >= MOST_REFUSALS) break
  }
  // A node forgets renditions by itself; that it does not answer here is nothing.
  await session.end({ signal }).catch(() => signal.throwIfAborted())
  return visit
}

function factsOf(info: OrchestratorInfo): Pick<Visit, 'address' | 'price' | 'version'> {
  const { address, ticketParams, price, capabilities } = info
  return { address: address ?? ticketParams?.recipient, price, version: capabilities?.version ?? '' }
}

async function sendOne(
  { ladder, source: { fps }, folder }: VisitInit,
  { clock }: VisitDeps,
  session: Session,
  { seq, source }: { seq: number; source: SourceSegment },
  signal: AbortSignal,
): Promise<VisitedSegment> {
  const segment: VisitedSegment = { seq, source, delivered: [], pixels: 0n }
  const { file, durationMs } = source
  const startMs = clock.monotonicMs()
  let sentMs = startMs
  try {
    const input = { seq: BigInt(seq), file, durationMs, pixels: pixelsOf(ladder, { fps, durationMs }) }
    const onSent = (): void => {
      sentMs = clock.monotonicMs()
    }
    const answer = await session.submit(input, { signal, onSent })
    const answeredMs = clock.monotonicMs()
    segment.segData = answer.segData
    segment.pixels = answer.renditions.reduce((sum, { pixels }) => sum + pixels, 0n)
    const files = ladder.map((_, i) => join(folder, `${seq}-${i}`))
    // As gateways do: all at once.
    const bytes = await Promise.all(
      answer.renditions.map((rendition, i) => session.download(rendition, files[i] as string, { signal })),
    )
    segment.delivered = ladder.map((profile, i) => ({ profile, file: files[i] as string, bytes: bytes[i] as number }))
    const endMs = clock.monotonicMs()
    segment.times = {
      ...{ uploadMs: sentMs - startMs, answerMs: answeredMs - sentMs, downloadMs: endMs - answeredMs, totalMs: endMs - startMs },
    }
  } catch (error) {
    segment.refusal = refusalOf(error, signal)
  }
  return segment
}

export function refusalOf(error: unknown, signal: AbortSignal): Refusal {
  signal.throwIfAborted()
  const code = isFishermanError(error) ? error.code : 'probe-failed'
  // What another node could do better is theirs; what no node could is not.
  return { code, message: messageOf(error), blame: retryOf(error) === 'no' ? 'ours' : blameOf(error) }
}
