import type { Outcome } from '../../proofs/types.ts'

/** What one member has said about a sample so far. */
export interface SealState {
  /** Chain time until which it promised to open. Unix seconds. */
  deadlineSec: number
  /** Undefined while it is sealed. */
  outcome: Outcome | undefined
  /** Is it out of our trust? Then its word covers nothing for us. */
  isTrusted: boolean
}

/**
 * Does this seal let later tranches sleep? Missing bytes are believed only when several say so, and a seal that is not opened in time was
 * never an answer: both wake the others.
 */
export function coverBy(seal: SealState, nowSec: number, graceSeconds: number): 'opened' | 'sealed' | undefined {
  if (!seal.isTrusted || seal.outcome === 'withheld') return undefined
  if (seal.outcome) return 'opened'
  return nowSec > seal.deadlineSec + graceSeconds ? undefined : 'sealed'
}
