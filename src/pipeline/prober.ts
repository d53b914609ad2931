import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { livepeerOrder } from '../../proofs/segdata.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Judge } from '../judge.ts'
import type { LivepeerClient } from '../livepeer/client.ts'
import { judgeVisit, type ProbeVerdict } from '../probe/judging.ts'
import { drawLadder } from '../probe/ladders.ts'
import { refusalsOf } from '../probe/report.ts'
import { makeSource, type SourceStream } from '../probe/sources.ts'
import { type Visit, type VisitDeps, type VisitedSegment, visitNode } from '../probe/visit.ts'
import type { Budget } from '../sample/budget.ts'
import type { ProbeFindings } from './probe-findings.ts'
import { qualityOf } from './score-book.ts'
import type { ReceiptWatch } from './unreceipted.ts'

export interface ProbeTarget {
  transcoder: Hex
  uri: string
}

export interface ProberInit {
  domain: Domain
  /** Streams for each node in a day. */
  perDay: number
  segments: number
  segmentSec: number
  maxHeight: number
  sourcesDir?: string
  scratchDir: string
}

export interface ProberDeps {
  clock: Clock
  /** Chain time, Unix seconds. */
  nowSec(): number
  /** Uniform in [0, 1), and private. */
  random(): number
  streamName(): string
  /** Who can be visited now; undefined while that is not known. */
  targets(): readonly ProbeTarget[] | undefined
  /** A client with one of our identities, drawn for each stream. */
  client(): LivepeerClient
  judge: Pick<Judge, 'judge'>
  findings: ProbeFindings
  /** Whose feeds we read: only their receipts can be missed. */
  isFollowed(transcoder: Hex): boolean
  receipts: Pick<ReceiptWatch, 'expect'>
  budget: Budget
  paused(): boolean
  logger: Logger
}

const DAY_MS = 86_400_000
/** Milliseconds until targets are asked for again where there are none. */
const IDLE_MS = 60_000

/** Buys from all nodes at times that nobody can foresee, until aborted. Whatever fails is told in a line, and the next one comes. */
export async function runProber(init: ProberInit, deps: ProberDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const targets = deps.targets() ?? []
    // As rain falls: the time until the next one says nothing about the one after it.
    const meanMs = DAY_MS / (init.perDay * targets.length)
    const waitMs = targets.length === 0 ? IDLE_MS : -Math.log(1 - deps.random()) * meanMs
    await sleep(Math.min(waitMs, DAY_MS), signal)
    const target = targets[Math.floor(deps.random() * targets.length)]
    if (!target || deps.paused()) continue
    await probeNode(target, init, deps, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      deps.logger.warn('A probe could not be made', { ...target, reason: messageOf(error) })
    })
  }
}

/** One stream for one node, and what follows from it. */
export async function probeNode(target: ProbeTarget, init: ProberInit, deps: ProberDeps, signal: AbortSignal): Promise<void> {
  const { transcoder, uri } = target
  const { segments: count, segmentSec } = init
  await withinBudget('probe', init, deps, async (paid) => {
    const { folder, atSec } = paid
    // The pace of the stream is waiting, as long as it takes at most.
    paid.idleSec = count * segmentSec
    const source = await newSource(join(folder, 'source'), count, init, deps, signal)
    const ladder = drawLadder(source.height, deps.random)
    const visit = await visitNode(
      { uri, ladder, source, folder: join(folder, 'stream'), manifestId: deps.streamName(), paceMs: segmentSec * 1000 },
      visitDepsOf(target, init, deps),
      signal,
    )
    paid.bytes = bytesOf(visit)
    await deps.findings.add({ kind: 'trip', trip: tripOf(visit, transcoder, atSec, segmentSec) })
    const verdicts = await judgeAndKeep(visit, target, atSec, deps, signal)
    const failed = verdicts.filter(({ outcome }) => outcome === 'fail').length
    const refused = refusalsOf([visit]).map(({ code }) => code)
    deps.logger.info('Probed', {
      ...{ transcoder, segments: visit.segments.length, renditions: verdicts.length, failed },
      ...(refused.length > 0 ? { refused: refused.join() } : {}),
    })
  })
}

/** What one purchase costs of the day's budget; whoever makes it fills it in. */
export interface Paid {
  /** Of its own; removed at the end. */
  readonly folder: string
  /** Chain time of its start. */
  readonly atSec: number
  bytes: number
  /** Seconds in which nothing was done but waiting. */
  idleSec: number
}

/** Does it where the budget of the day allows it, and counts what it took, however it ends. */
export async function withinBudget(
  name: string,
  { scratchDir }: Pick<ProberInit, 'scratchDir'>,
  { budget, clock, nowSec, streamName }: ProberDeps,
  work: (paid: Paid) => Promise<void>,
): Promise<void> {
  const atSec = Math.floor(nowSec())
  if (!budget.allows(atSec, 'sample', 0)) return
  const paid: Paid = { folder: join(scratchDir, `${name}-${streamName()}`), atSec, bytes: 0, idleSec: 0 }
  const startMs = clock.monotonicMs()
  try {
    await work(paid)
  } finally {
    const seconds = (clock.monotonicMs() - startMs) / 1000
    budget.spend(atSec, { seconds: Math.max(0, seconds - paid.idleSec), bytes: paid.bytes })
    await rm(paid.folder, { recursive: true, force: true })
  }
}

/** A stream that nobody has seen. */
export async function newSource(
  folder: string,
  count: number,
  { sourcesDir, segmentSec, maxHeight }: ProberInit,
  deps: Pick<ProberDeps, 'random'>,
  signal: AbortSignal,
): Promise<SourceStream> {
  return await makeSource({ folder, count, segmentSec, maxHeight, ...(sourcesDir ? { sourcesDir } : {}) }, deps.random, signal)
}

/** One of our identities, and the receipts that follow are waited for. */
export function visitDepsOf(target: ProbeTarget, init: ProberInit, deps: ProberDeps): VisitDeps {
  return {
    ...{ clock: deps.clock, client: deps.client(), random: deps.random },
    onSegment: (segment) => expectReceipt(segment, target, init, deps),
  }
}

export function bytesOf({ segments }: Visit): number {
  return segments.flatMap(({ delivered }) => delivered).reduce((sum, one) => sum + one.bytes, 0)
}

/** Judges all that came, and keeps each verdict as a sample. */
export async function judgeAndKeep(
  visit: Visit,
  { transcoder }: ProbeTarget,
  atSec: number,
  deps: ProberDeps,
  signal: AbortSignal,
): Promise<ProbeVerdict[]> {
  const onTrouble = (reason: string) => deps.logger.warn('A rendition of a probe could not be judged', { transcoder, reason })
  const verdicts = await judgeVisit(visit, { judge: deps.judge, onTrouble }, signal)
  for (const verdict of verdicts) await deps.findings.add({ kind: 'probe', found: foundOf(verdict, transcoder, atSec) })
  return verdicts
}

/**
 * A segment that came whole must show up in the node's feed: asked for as soon as it is here, since its windows are those of that moment and not of
 * the end of the stream. Without a signature there is no order, and nothing to expect.
 */
function expectReceipt(
  { segData, times }: VisitedSegment,
  { transcoder }: ProbeTarget,
  { domain }: ProberInit,
  deps: ProberDeps,
): void {
  if (!segData || !times || !deps.isFollowed(transcoder)) return
  try {
    const { orderHash } = livepeerOrder(domain, { segData, transcoder })
    deps.receipts.expect({ transcoder, orderHash, answeredSec: Math.floor(deps.nowSec()) })
  } catch {
    // Not signed.
  }
}

function tripOf(visit: Visit, transcoder: Hex, atSec: number, segmentSec: number) {
  const { segments, refusal } = visit
  const whole = segments.flatMap(({ times }) => times ?? [])
  const mean = (name: keyof (typeof whole)[number]) =>
    whole.length === 0 ? 0 : whole.reduce((sum, times) => sum + times[name], 0) / whole.length / 1000
  return {
    ...{ transcoder, atSec, segmentSec, sent: Math.max(segments.length, refusal ? 1 : 0), received: whole.length },
    ...{ roundTripSec: mean('totalMs'), uploadSec: mean('uploadMs'), downloadSec: mean('downloadMs') },
    ...{ transcodeSec: mean('answerMs'), errors: refusalsOf([visit]).map(({ code, count }) => ({ code, count })) },
  }
}

function foundOf(verdict: ProbeVerdict, transcoder: Hex, atSec: number) {
  const { outcome, faultClass, doubt } = verdict
  const quality = qualityOf(verdict)
  const why = outcome === 'pass' ? null : (faultClass ?? doubt ?? outcome)
  return { transcoder, atSec, outcome, why, ...(quality === undefined ? {} : { quality }) }
}
