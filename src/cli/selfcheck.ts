import { OUTCOMES } from '../../proofs/types.ts'
import { outcomeName, reasonLine } from '../judge.ts'
import type { SelfCheck, SelfVerdict } from '../operator/selfcheck.ts'
import { selfCheckAt } from '../operator/selfcheck-at.ts'
import { complain, usage } from './complain.ts'
import { toJson } from './json.ts'
import type { SelfCheckOptions } from './selfcheck.options.ts'
import { stepLine } from './step-line.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman selfcheck`: 0 nothing to complain of, 1 failed or accused, 2 our own error, 3 doubts only. */
export async function selfCheckCommand(url: string, options: SelfCheckOptions): Promise<number> {
  const signal = untilSignal()
  try {
    if (!/^https?:\/\/\S+$/.test(url)) throw usage(`'${url}' is no address of a feed: http://… or https://…`)
    if (!/^\d{1,4}$/.test(options.receipts)) throw usage(`--receipts '${options.receipts}': must be a number from 0 to 9999`)
    const line = stepLine(options)
    const request = { ...options, url, receipts: Number(options.receipts) }
    const found = await selfCheckAt(request, { onStep: line.show }, signal).finally(line.clear)
    if (options.json) console.log(toJson(found))
    else for (const line of selfCheckLines(found)) console.log(line)
    return exitCodeOf(found)
  } catch (error) {
    if (signal.aborted) return 130
    complain('selfcheck', error)
    return 2
  }
}

export function exitCodeOf({ broken, faults, verdicts = [] }: SelfCheck): number {
  const has = (outcome: SelfVerdict['outcome']) => verdicts.some((verdict) => verdict.outcome === outcome)
  if (broken.length > 0 || faults.length > 0 || has('fail') || has('withheld')) return 1
  return has('inconclusive') ? 3 : 0
}

export function selfCheckLines(found: SelfCheck): string[] {
  const { transcoder, windows, receipts, broken, faults, verdicts } = found
  const lines = [`${transcoder}: ${windows} windows with ${receipts} receipts`]
  if (windows === 0 && broken.length === 0)
    lines.push('          the feed lists no window of the last minutes: there is nothing to look at yet')
  for (const reason of broken) lines.push(`feed      BROKEN: ${reason}; what nobody can check counts as withheld`)
  if (broken.length === 0 && windows > 0) lines.push('feed      each window is signed and holds what its root says')
  for (const { faultClass, receiptDigest } of faults)
    lines.push(`fault     ${faultClass} of receipt ${receiptDigest}: its own signatures prove it, and it takes stake at once`)
  if (faults.length === 0 && receipts > 0) lines.push('faults    none that signatures prove (O1 to O6)')
  if (!verdicts) return [...lines, 'pictures  not looked at: name a key that may ask for bytes (--key, --password-file)']
  if (verdicts.length === 0) return lines
  const counts = OUTCOMES.map((outcome) => [verdicts.filter((one) => one.outcome === outcome).length, outcome] as const)
  const told = counts.filter(([count]) => count > 0).map(([count, outcome]) => `${count} ${outcome}`)
  lines.push(`pictures  ${verdicts.length} renditions: ${told.join(', ')}; the slowest blob took ${found.slowestBlobMs} ms`)
  for (const verdict of verdicts) if (verdict.outcome !== 'pass') lines.push(...verdictLines(verdict))
  return lines
}

function verdictLines({
  outcome,
  faultClass,
  receiptDigest,
  seq,
  rendition,
  width,
  height,
  reasons,
  missing,
}: SelfVerdict): string[] {
  return [
    `  ${outcomeName(outcome, faultClass)}  segment ${seq}, rendition ${rendition} (${width}x${height}), receipt ${receiptDigest}`,
    ...reasons.map((reason) => `    - ${reasonLine(reason)}`),
    ...(missing ? [`    - ${missing}`] : []),
  ]
}
