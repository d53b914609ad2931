/**
 * Our own opinion of one member, for draws only: whose seal lets us sleep. Never for convictions, which count registered weight, since
 * an opinion that others do not share convicts nobody they can check.
 */
export interface Trust {
  /** Grows with work that we replayed and found true; a fault cuts it to two thirds. */
  value: number
  /** Faults since its value was last full. */
  faults: number
}

/** Only what its own signatures, or our own replay, show. */
export type TrustFault =
  /** It opened the fingerprint of somebody else. */
  | 'copied'
  /** Our replay of its frames gave another fingerprint. */
  | 'wrong-fingerprint'
  /** It sealed and did not open by its deadline. */
  | 'never-opened'
  /** It failed what our replay passed. */
  | 'framing'

export const FULL_TRUST = 10
/** A newcomer is believed: drawn members are bonded, and a newcomer that lies is out after three faults. */
export const NEW_TRUST: Trust = { value: 3, faults: 0 }
const CUT = 2 / 3
const MOST_FAULTS = 3

export function faulted(trust: Trust): Trust {
  return { value: trust.value * CUT, faults: trust.faults + 1 }
}

/** An agreed replay. Faults are forgotten when the value is full: a machine that crashed twice in a year is no liar. */
export function agreed(trust: Trust): Trust {
  if (!isTrusted(trust)) return trust
  const value = Math.min(FULL_TRUST, trust.value + 1)
  return { value, faults: value === FULL_TRUST ? 0 : trust.faults }
}

/** Out after three faults, and for good. */
export function isTrusted(trust: Trust): boolean {
  return trust.faults < MOST_FAULTS
}
