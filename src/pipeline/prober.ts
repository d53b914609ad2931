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
import { makeSource } from '../probe/sources.ts'
import { type Visit, type VisitedSegment, visitNode } from '../probe/visit.ts'
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
  const atSec = Math.floor(deps.nowSec())
  if (!deps.budget.allows(atSec, 'sample', 0)) return
  const folder = join(init.scratchDir, `probe-${deps.streamName()}`)
  const startMs = deps.clock.monotonicMs()
  let bytes = 0
  try {
    const { sourcesDir, segments: count, segmentSec, maxHeight } = init
    const wanted = { folder: join(folder, 'source'), count, segmentSec, maxHeight, ...(sourcesDir ? { sourcesDir } : {}) }
    const source = await makeSource(wanted, deps.random, signal)
    const ladder = drawLadder(source.height, deps.random)
    const visit = await visitNode(
      { uri, ladder, source, folder: join(folder, 'stream'), manifestId: deps.streamName(), paceMs: segmentSec * 1000 },
      {
        ...{ clock: deps.clock, client: deps.client(), random: deps.random },
        onSegment: (segment) => expectReceipt(segment, target, init, deps),
      },
      signal,
    )
    bytes = visit.segments.flatMap(({ delivered }) => delivered).reduce((sum, one) => sum + one.bytes, 0)
    await deps.findings.add({ kind: 'trip', trip: tripOf(visit, transcoder, atSec, segmentSec) })
    const onTrouble = (reason: string) => deps.logger.warn('A rendition of a probe could not be judged', { transcoder, reason })
    const verdicts = await judgeVisit(visit, { judge: deps.judge, onTrouble }, signal)
    for (const verdict of verdicts) await deps.findings.add({ kind: 'probe', found: foundOf(verdict, transcoder, atSec) })
    const failed = verdicts.filter(({ outcome }) => outcome === 'fail').length
    const refused = refusalsOf([visit]).map(({ code }) => code)
    deps.logger.info('Probed', {
      ...{ transcoder, segments: visit.segments.length, renditions: verdicts.length, failed },
      ...(refused.length > 0 ? { refused: refused.join() } : {}),
    })
  } finally {
    const seconds = (deps.clock.monotonicMs() - startMs) / 1000
    deps.budget.spend(atSec, { seconds: seconds - Math.min(seconds, init.segments * init.segmentSec), bytes })
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * A segment that came whole must show up in the node's feed: asked for as soon as it is here, since its windows are those of that moment and not of
 * the end of the stream. Without a signature there is no order, and nothing to expect.
 */
export function expectReceipt(
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

export function foundOf(verdict: ProbeVerdict, transcoder: Hex, atSec: number) {
  const { outcome, faultClass, doubt } = verdict
  const quality = qualityOf(verdict)
  const why = outcome === 'pass' ? null : (faultClass ?? doubt ?? outcome)
  return { transcoder, atSec, outcome, why, ...(quality === undefined ? {} : { quality }) }
}
