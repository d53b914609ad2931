import { abiHash } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { type DrawParams, fraction, trancheOf } from './draw.ts'

/**
 * Share of samples whose first answer another fisherman looks at again: a lazy one is caught after 14 answers on average. Also where there
 * are more answers: else whoever has lost trust in a member, and checks beside it, would keep everybody else from finding it out.
 */
export const AUDIT_SHARE = 0.07

/**
 * Is this sample looked at again? From a beacon that came after its answers were opened, so that nobody who answers knows; the same for
 * all.
 */
export function isAudited(laterBeacon: Hex, sampleId: Hex): boolean {
  return fraction(abiHash(['string', 'bytes32', 'bytes32'], ['audited', laterBeacon, sampleId])) < AUDIT_SHARE
}

/** A member's ticket for an audit: `laterBls` is its signature of the draw of the later window, so it was known to nobody before. */
export function auditTicketOf(laterBls: Hex, sampleId: Hex): number {
  return fraction(abiHash(['string', 'bytes', 'bytes32'], ['audit', laterBls, sampleId]))
}

/** The tranche in which a member audits, or undefined when it does not: nobody audits itself. */
export function auditTrancheOf(
  params: DrawParams,
  about: { members: number; answeredBy: Hex; auditor: Hex },
  ticket: number,
): number | undefined {
  return about.auditor === about.answeredBy ? undefined : trancheOf(params, about.members - 1, ticket)
}

/**
 * What an audit says of the answer that it looked at: the auditor computes that member's fingerprint over that member's frames. A
 * different outcome near a line is nobody's fault; a different fingerprint of the same draw is.
 */
export function auditResult(answer: { fingerprint: Hex }, replayed: { fingerprint: Hex }): 'agreed' | 'wrong-fingerprint' {
  return answer.fingerprint === replayed.fingerprint ? 'agreed' : 'wrong-fingerprint'
}
