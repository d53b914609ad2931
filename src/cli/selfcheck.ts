import { OUTCOMES } from '../../proofs/types.ts'
import { outcomeName, reasonLine } from '../judge.ts'
import type { SelfCheck, SelfVerdict } from '../operator/selfcheck.ts'
import { selfCheckAt } from '../operator/selfcheck-at.ts'
import { complain, usage } from './complain.ts'
import { toJson } from './json.ts'
import type { SelfCheckOptions } from './selfcheck.options.ts'
import { stepLine } from './step-line.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman selfcheck`: 0 nothing to complain of, 1 failed or accused, 2 our own error, 3 doubts only, or nothing was looked at. */
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

export function exitCodeOf({ broken, faults, receipts, verdicts = [] }: SelfCheck): number {
  const has = (outcome: SelfVerdict['outcome']) => verdicts.some((verdict) => verdict.outcome === outcome)
  if (broken.length > 0 || faults.length > 0 || has('fail') || has('withheld')) return 1
  return receipts === 0 || has('inconclusive') ? 3 : 0
}

export function selfCheckLines(found: SelfCheck): string[] {
  const { transcoder, windows, receipts, broken, faults, verdicts } = found
  const lines = [`${transcoder}: ${windows} windows with ${receipts} receipts`]
  for (const reason of broken) lines.push(`feed      BROKEN: ${reason}; what nobody can check counts as withheld`)
  if (broken.length === 0 && windows > 0) lines.push('feed      each window is signed and holds what its root says')
  for (const { faultClass, receiptDigest } of faults)
    lines.push(`fault     ${faultClass} of receipt ${receiptDigest}: its own signatures prove it, and it takes stake at once`)
  if (faults.length === 0 && receipts > 0) lines.push('faults    none that signatures prove (O1 to O6)')
  if (receipts === 0) return broken.length === 0 ? [...lines, ...nothingLines(found)] : lines
  if (!verdicts) return [...lines, 'pictures  not looked at: name a key that may ask for bytes (--key, --password-file)']
  if (verdicts.length === 0) return lines
  const counts = OUTCOMES.map((outcome) => [verdicts.filter((one) => one.outcome === outcome).length, outcome] as const)
  const told = counts.filter(([count]) => count > 0).map(([count, outcome]) => `${count} ${outcome}`)
  lines.push(`pictures  ${verdicts.length} renditions: ${told.join(', ')}; the slowest blob took ${found.slowestBlobMs} ms`)
  for (const verdict of verdicts) if (verdict.outcome !== 'pass') lines.push(...verdictLines(verdict))
  return lines
}

/** No receipt is no praise: a feed that is read with other windows shows none either. */
function nothingLines({ windows, windowSeconds }: SelfCheck): string[] {
  const why = windows === 0 ? 'the feed lists no window of the last minutes' : 'its windows hold no receipt'
  return [
    `nothing   was looked at: ${why}. Perhaps the node had no work with an order, or its newest window`,
    `          is not closed yet; or it has windows of another length: these were read as windows of ${windowSeconds} s (--network)`,
  ]
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
