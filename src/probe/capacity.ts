import { join } from 'node:path'
import type { NamedProfile } from '../../proofs/segdata.ts'
import { refusalsOf } from './report.ts'
import type { SourceStream } from './sources.ts'
import { type Visit, type VisitDeps, visitNode } from './visit.ts'

/** What a node did with many streams at once. */
export interface Capacity {
  /** Streams that were sent at the same moment. */
  asked: number
  /** Streams all of whose segments came back whole within what they last. */
  inTime: number
  /** Streams that came back whole, in time or not. */
  whole: number
  /** Output pixels a second over the whole burst, as the node counts them. */
  pixelsPerSec: number
  refusals: { code: string; count: number }[]
  visits: Visit[]
  /** For each visit: did it come whole, and within what it lasts? */
  isInTime: boolean[]
}

export interface CapacityInit {
  uri: string
  ladder: readonly NamedProfile[]
  /** One for each stream: a node that answers one from another is found out by its pictures. */
  sources: readonly SourceStream[]
  folder: string
  /** Names of streams, one for each. */
  manifestIds: readonly string[]
}

/** Sends all streams at the same moment. Each is judged afterwards as any other: speed that comes of garbage is no capacity. */
export async function burst(init: CapacityInit, deps: VisitDeps, signal: AbortSignal): Promise<Capacity> {
  const { uri, ladder, sources, manifestIds } = init
  const startMs = deps.clock.monotonicMs()
  const visits = await Promise.all(
    sources.map((source, i) => {
      const folder = join(init.folder, `stream-${i}`)
      return visitNode({ uri, ladder, source, folder, manifestId: manifestIds[i] ?? `${i}`, paceMs: 0 }, deps, signal)
    }),
  )
  const seconds = (deps.clock.monotonicMs() - startMs) / 1000
  const isWhole = ({ segments }: Visit, i: number) =>
    segments.length === sources[i]?.segments.length && segments.every(({ times }) => times)
  const isQuick = ({ segments }: Visit) => segments.every(({ times, source }) => times && times.totalMs <= source.durationMs)
  const isInTime = visits.map((visit, i) => isWhole(visit, i) && isQuick(visit))
  const pixels = visits.flatMap(({ segments }) => segments).reduce((sum, one) => sum + Number(one.pixels), 0)
  return {
    ...{ asked: sources.length, whole: visits.filter(isWhole).length, inTime: isInTime.filter(Boolean).length, visits, isInTime },
    pixelsPerSec: seconds > 0 ? pixels / seconds : 0,
    refusals: refusalsOf(visits).map(({ code, count }) => ({ code, count })),
  }
}
