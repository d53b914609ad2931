import { OUTCOMES, type Outcome } from '../../proofs/types.ts'
import type { ProbeVerdict } from './judging.ts'
import type { Refusal, Visit } from './visit.ts'

/** Milliseconds over all segments that came whole. */
export interface Spread {
  median: number
  p95: number
  most: number
}

export interface CountedRefusal extends Refusal {
  count: number
}

export interface NodeReport {
  uri: string
  address: Visit['address']
  key: Visit['key']
  version: string
  /** Wei for a pixel, as the node writes it. */
  price: { wei: bigint; pixels: bigint } | undefined
  /** Segments that were sent, and that came back whole. */
  sent: number
  received: number
  refusals: CountedRefusal[]
  total: Spread | undefined
  answer: Spread | undefined
  /** Round trip as a part of what a segment lasts: below 1 a live stream keeps up. The median. */
  realtime: number | undefined
  /** Pixels of renditions a second of the node's work; as the node counts them. */
  pixelsPerSec: number | undefined
  outcomes: Record<Exclude<Outcome, 'withheld'>, number>
}

/** Sums a visit up; pure. */
export function reportOf(visit: Visit, verdicts: readonly ProbeVerdict[]): NodeReport {
  const { uri, address, key, version, price, segments } = visit
  const whole = segments.flatMap(({ times, source, pixels }) =>
    times ? [{ ...times, durationMs: source.durationMs, pixels }] : [],
  )
  const workMs = whole.reduce((sum, { answerMs }) => sum + answerMs, 0)
  const pixels = whole.reduce((sum, one) => sum + Number(one.pixels), 0)
  const outcomes = { pass: 0, fail: 0, inconclusive: 0 }
  for (const { outcome } of verdicts) outcomes[outcome]++
  return {
    ...{ uri, address, key, version, price: price && { wei: price.pricePerUnit, pixels: price.pixelsPerUnit } },
    ...{ sent: segments.length, received: whole.length, refusals: refusalsOf([visit]), outcomes },
    total: spreadOf(whole.map(({ totalMs }) => totalMs)),
    answer: spreadOf(whole.map(({ answerMs }) => answerMs)),
    realtime: spreadOf(whole.map(({ totalMs, durationMs }) => totalMs / durationMs))?.median,
    pixelsPerSec: workMs > 0 ? (pixels / workMs) * 1000 : undefined,
  }
}

/** What went wrong in visits, by code, in the order of the first of each; of each the last one's message. */
export function refusalsOf(visits: readonly Visit[]): CountedRefusal[] {
  const found = new Map<string, CountedRefusal>()
  for (const { refusal, segments } of visits)
    for (const one of [refusal, ...segments.map((segment) => segment.refusal)])
      if (one) found.set(one.code, { ...one, count: (found.get(one.code)?.count ?? 0) + 1 })
  return [...found.values()]
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number
  return { median: at(0.5), p95: at(0.95), most: at(1) }
}

/** The outcomes of reports together, in the usual order. */
export function outcomesOf(reports: readonly NodeReport[]): [Outcome, number][] {
  return OUTCOMES.flatMap((outcome): [Outcome, number][] => {
    const count = outcome === 'withheld' ? 0 : reports.reduce((sum, { outcomes }) => sum + outcomes[outcome], 0)
    return count > 0 ? [[outcome, count]] : []
  })
}
