import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { programPath } from '../config/paths.ts'
import { createJudge, type Judge } from '../judge.ts'
import { createLivepeerClient } from '../livepeer/client.ts'
import { addressRule } from '../livepeer/reach.ts'
import { burst, type Capacity } from './capacity.ts'
import { privateRandom, streamName } from './chance.ts'
import { judgeVisit, type ProbeVerdict } from './judging.ts'
import { drawLadder, ladderOf } from './ladders.ts'
import { type NodeReport, reportOf } from './report.ts'
import { makeSource, type SourceStream } from './sources.ts'
import { type VisitDeps, type VisitedSegment, visitNode } from './visit.ts'
import { openWallet, type WalletRequest } from './wallet.ts'

export interface ProbeRequest {
  /** Service URIs, as https://host:8935. */
  nodes: readonly string[]
  sourcesDir?: string
  segments: number
  segmentSec: number
  /** Lines of the source at most. */
  maxHeight: number
  /** Names of rungs; drawn anew for each node where none are given. */
  rungs?: readonly string[]
  /** Streams at once; 0 sends no burst. */
  capacity: number
  /** Also addresses that are not public. */
  allowPrivate: boolean
  /** Gets a contact sheet of each rendition that failed. */
  sheetsDir?: string
  /** Who pays; without it only nodes that want nothing are used, and nothing is signed. */
  wallet?: WalletRequest
}

export interface ProbedNode extends NodeReport {
  /** Video that its stream was cut from; undefined where it was generated. */
  video: string | undefined
  size: string
  ladder: readonly string[]
  verdicts: ProbeVerdict[]
  capacity?: Omit<Capacity, 'visits' | 'isInTime'> & { verdicts: ProbeVerdict[] }
  /** What kept a rendition from being judged; faults of ours. */
  troubles: string[]
}

export interface ProbeEvents {
  onStep?(step: string): void
  onSegment?(uri: string, segment: VisitedSegment): void
}

/** Segments of a stream in a burst: enough that a node cannot answer from what it was doing anyway. */
const BURST_SEGMENTS = 2

/** Buys transcodes of nodes as any gateway does, one node after the other, and judges what comes. */
export async function runProbe(request: ProbeRequest, events: ProbeEvents, signal: AbortSignal): Promise<ProbedNode[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'fisherman-probe-'))
  const wallet = request.wallet && (await openWallet(request.wallet, signal))
  try {
    const client = createLivepeerClient({ mayConnect: addressRule(request), ...(wallet ?? {}) }, { clock: systemClock })
    // Of its own, so that the judge's limits are those of a daemon; nothing else runs here.
    const judge = createJudge({ scratchDir: join(scratch, 'judge'), searchPath: programPath(), maxJobs: 1 })
    const probed: ProbedNode[] = []
    for (const [i, uri] of request.nodes.entries()) {
      const folder = join(scratch, `node-${i}`)
      const deps = { clock: systemClock, client, random: privateRandom }
      probed.push(await probeOne(uri, request, { folder, deps, judge, events }, signal))
      await rm(folder, { recursive: true, force: true })
    }
    return probed
  } finally {
    await wallet?.close()
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
}

interface Tools {
  folder: string
  deps: VisitDeps
  judge: Judge
  events: ProbeEvents
}

async function probeOne(uri: string, request: ProbeRequest, tools: Tools, signal: AbortSignal): Promise<ProbedNode> {
  const { folder, events } = tools
  events.onStep?.(`${uri}: making a source`)
  const source = await sourceOf(request, join(folder, 'source'), request.segments, signal)
  const ladder = request.rungs ? ladderOf(request.rungs) : drawLadder(source.height, privateRandom)
  events.onStep?.(`${uri}: sending ${source.segments.length} segments`)
  const paceMs = request.segmentSec * 1000
  const visit = await visitNode(
    { uri, ladder, source, folder: join(folder, 'stream'), manifestId: streamName(), paceMs },
    { ...tools.deps, onSegment: (segment) => events.onSegment?.(uri, segment) },
    signal,
  )
  const troubles: string[] = []
  const judging = {
    judge: withSheets(tools.judge, request.sheetsDir, uri),
    onTrouble: (reason: string) => void troubles.push(reason),
  }
  if (visit.segments.length > 0) events.onStep?.(`${uri}: judging what came`)
  const verdicts = await judgeVisit(visit, judging, signal)
  const probed: ProbedNode = {
    ...reportOf(visit, verdicts),
    ...{ video: source.video, size: `${source.width}x${source.height}p${Math.round(source.fps)}`, verdicts, troubles },
    ladder: ladder.map(({ name }) => name),
  }
  if (request.capacity === 0 || visit.refusal) return probed
  events.onStep?.(`${uri}: making ${request.capacity} streams`)
  const sources: SourceStream[] = []
  for (let i = 0; i < request.capacity; i++)
    sources.push(await sourceOf(request, join(folder, `burst-${i}`), BURST_SEGMENTS, signal))
  events.onStep?.(`${uri}: ${request.capacity} streams at once`)
  const manifestIds = sources.map(streamName)
  const {
    visits,
    isInTime: _,
    ...found
  } = await burst({ uri, ladder, sources, folder: join(folder, 'bursts'), manifestIds }, tools.deps, signal)
  events.onStep?.(`${uri}: judging what came`)
  const judged: ProbeVerdict[] = []
  for (const one of visits) judged.push(...(await judgeVisit(one, judging, signal)))
  return { ...probed, capacity: { ...found, verdicts: judged } }
}

async function sourceOf(request: ProbeRequest, folder: string, count: number, signal: AbortSignal): Promise<SourceStream> {
  const { sourcesDir, segmentSec, maxHeight } = request
  return await makeSource({ ...(sourcesDir ? { sourcesDir } : {}), folder, count, segmentSec, maxHeight }, privateRandom, signal)
}

/** Draws a contact sheet of what failed its proof, for whoever wants to look. */
function withSheets(judge: Judge, folder: string | undefined, uri: string): Pick<Judge, 'judge'> {
  if (folder === undefined) return judge
  let count = 0
  return {
    async judge(request, options) {
      const result = await judge.judge(request, options)
      if (request.depth === 'prove' && result.verdict === 'fail') {
        await mkdir(folder, { recursive: true })
        const name = `${uri.replace(/^https?:\/\//, '').replace(/[^a-zA-Z0-9.-]/g, '_')}-${++count}.png`
        await judge.writeSheet(request, result, join(folder, name), options)
      }
      return result
    },
  }
}
