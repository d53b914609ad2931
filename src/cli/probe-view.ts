import { outcomeName, reasonLine } from '../judge.ts'
import type { ProbeVerdict } from '../probe/judging.ts'
import type { ProbedNode } from '../probe/probe.ts'
import { outcomesOf, type Spread } from '../probe/report.ts'
import type { VisitedSegment } from '../probe/visit.ts'

/** Reasons of one verdict that are shown; those that weigh most come first. */
const MOST_REASONS = 4

const ms = (value: number) => `${Math.round(value)} ms`

/** One segment as it comes back. */
export function segmentLine(uri: string, { seq, times, delivered, refusal }: VisitedSegment): string {
  const name = `${uri}  segment ${seq}`
  if (refusal || !times) return `${name}  nothing: ${refusal?.message ?? 'it did not come'}`
  const bytes = delivered.reduce((sum, one) => sum + one.bytes, 0)
  const parts = `sent in ${ms(times.uploadMs)}, answered in ${ms(times.answerMs)}, fetched in ${ms(times.downloadMs)}`
  return `${name}  ${delivered.length} renditions, ${Math.ceil(bytes / 1024)} KiB: ${parts}`
}

/** What we make of one node, in lines. */
export function nodeLines(node: ProbedNode, region: string | undefined): string[] {
  const { uri, address, key, version, price, sent, received, video, size, ladder } = node
  const who = address ?? 'no address'
  const lines = ['', `${uri}  ${who}${version ? `, go-livepeer ${version}` : ''}${region ? `, seen from ${region}` : ''}`]
  if (key && address && key !== address) lines.push(`key       it signs with ${key}, which is not the address that it names`)
  lines.push(`source    ${video ?? 'generated'} as ${size}; ordered ${ladder.join(', ')}`)
  lines.push(`price     ${price && price.wei > 0n ? `${price.wei} wei for ${price.pixels} pixels` : 'nothing'}`)
  lines.push(`segments  ${received} of ${sent} came whole`)
  for (const { code, count, message } of node.refusals) lines.push(`refused   ${count} x ${code}: ${message}`)
  if (node.total && node.answer) {
    lines.push(`time      ${spread(node.total)} a segment with all renditions; the node's part ${spread(node.answer)}`)
    const { realtime = 0, pixelsPerSec = 0 } = node
    const keeps = realtime <= 1 ? 'keeps up with a live stream' : 'is too slow for a live stream'
    lines.push(`speed     ${realtime.toFixed(2)} of real time, ${keeps}; ${megapixels(pixelsPerSec)}`)
  }
  lines.push(...capacityLines(node))
  const told = outcomesOf([node]).map(([outcome, count]) => `${count} ${outcome}`)
  lines.push(`pictures  ${told.length > 0 ? told.join(', ') : 'none to look at'}`)
  for (const verdict of node.verdicts) lines.push(...verdictLines(verdict))
  for (const trouble of node.troubles) lines.push(`not judged, a fault of ours  ${trouble}`)
  return lines
}

function capacityLines({ capacity }: ProbedNode): string[] {
  if (!capacity) return []
  const { asked, inTime, whole, pixelsPerSec, refusals, verdicts } = capacity
  const bad = verdicts.filter(({ outcome }) => outcome === 'fail')
  const refused = refusals.map(({ code, count }) => `${count} x ${code}`).join(', ')
  return [
    `capacity  ${inTime} of ${asked} streams at once in time, ${whole} whole${refused && ` (${refused})`}; ${megapixels(pixelsPerSec)}`,
    ...(bad.length > 0 ? [`          but ${bad.length} of ${verdicts.length} renditions failed: that is no capacity`] : []),
    ...bad.flatMap(verdictLines),
  ]
}

function verdictLines({ seq, rung, outcome, faultClass, reasons, doubt }: ProbeVerdict): string[] {
  if (outcome === 'pass') return []
  return [
    `  ${outcomeName(outcome, faultClass)}  segment ${seq}, ${rung}`,
    ...reasons.slice(0, MOST_REASONS).map((reason) => `    - ${reasonLine(reason)}`),
    ...(reasons.length > MOST_REASONS ? [`    - and ${reasons.length - MOST_REASONS} more; --json has all`] : []),
    ...(doubt ? [`    - ${doubt}`] : []),
  ]
}

function spread({ median, p95, most }: Spread): string {
  return `${ms(median)} (95 %: ${ms(p95)}, most ${ms(most)})`
}

function megapixels(perSec: number): string {
  return `${(perSec / 1e6).toFixed(1)} megapixels a second`
}
