import type { FalseProof, WatchCounts, WatchedProof } from '../monitor/watch/types.ts'

const MINUTE = 60
const HOUR = 3_600
const DAY = 86_400

/** How long ago, in the one unit that people would use. */
export function ageOf(seconds: number): string {
  if (seconds < 0) return 'in the future'
  if (seconds < 2 * MINUTE) return `${Math.floor(seconds)} s ago`
  if (seconds < 2 * HOUR) return `${Math.floor(seconds / MINUTE)} min ago`
  return seconds < 2 * DAY ? `${Math.floor(seconds / HOUR)} h ago` : `${Math.floor(seconds / DAY)} d ago`
}

/** Enough of a hash to tell it from others and to find it again. */
export function short(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 10)}…`
}

/** One line a proof; the node whole, since that is what one looks up elsewhere. */
export function proofLine(proof: WatchedProof, nowMs: number): string {
  const { faultClass, transcoder, faultId, reporter, report, verified, reason, bundle } = proof
  const age = ageOf(nowMs / 1000 - proof.observedAt)
  const again = report > 1 ? ` (report ${report} of this fault)` : ''
  const standing = verified === 'yes' ? `verified: ${reason}` : `unconfirmed: ${reason}`
  const evidence = bundle ? `; bundle ${bundle.state}: ${bundle.reason}` : ''
  return `${faultClass}  ${transcoder}  fault ${short(faultId)}  by ${short(reporter)}  ${age.padEnd(10)}  ${standing}${evidence}${again}`
}

export function falseLine({ reason, claims }: FalseProof): string {
  const what = claims ? ` (claims ${claims.faultClass} of ${claims.transcoder}, by ${short(claims.reporter)})` : ''
  return `FALSE, no proof: ${reason}${what}`
}

const many = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`

/** The last line: what was seen in all. */
export function summaryLine(counts: WatchCounts): string {
  const { proofs, verified, unconfirmed, falseUntold, unknownClass, contradicted } = counts
  const parts = [
    proofs === 0 ? 'no new proofs' : `${many(proofs, 'proof')}: ${verified} verified, ${unconfirmed} unconfirmed`,
    ...(contradicted > 0 ? [`${many(contradicted, 'bundle')} contradict their proof`] : []),
    ...(counts.false > 0
      ? [`${counts.false} FALSE${falseUntold > 0 ? `, ${falseUntold} of them not told one by one` : ''}`]
      : []),
    ...(unknownClass > 0 ? [`${unknownClass} of a class unknown here`] : []),
  ]
  return parts.join('; ')
}
