import type { DrawProof } from '../../proofs/codec.ts'
import { abiHash } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { beaconSecOf, type DrawParams, drawMessage, fraction, trancheOf } from './draw.ts'

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

/** The window whose beacon draws the audit: the first one that comes after the answer had to be open, the same for all who heard its seal. */
export function auditWindowOf(params: DrawParams, deadlineSec: number): bigint {
  const { windowSeconds, beaconDelaySeconds } = params
  let windowId = BigInt(Math.max(0, Math.floor((deadlineSec - beaconDelaySeconds) / windowSeconds) - 1))
  while (beaconSecOf(params, windowId) <= deadlineSec) windowId++
  return windowId
}

/** What an audit is about, as everybody sees it. */
export interface Audited {
  transcoder: Hex
  sampleId: Hex
  /** Place of the sample, as in its own draw proofs. */
  index: number
  rendition: number
  answeredBy: Hex
  /** The later window, its beacon, and the members at that time. */
  windowId: bigint
  beacon: Hex
  members: number
}

/** The tranche that a stranger's audit proof stands for, or undefined when it proves nothing: a draw proof of the later window. */
export function checkAuditProof(
  params: DrawParams,
  about: Audited,
  auditor: Hex,
  proof: DrawProof,
  verifyBls: (message: Hex, signature: Hex) => boolean,
): number | undefined {
  const { transcoder, sampleId, index, rendition, windowId, beacon } = about
  if (proof.transcoder !== transcoder || proof.windowId !== windowId) return undefined
  if (proof.index !== index || proof.rendition !== rendition || !isAudited(beacon, sampleId)) return undefined
  const tranche = auditTrancheOf(params, { ...about, auditor }, auditTicketOf(proof.bls, sampleId))
  return tranche !== undefined && verifyBls(drawMessage({ transcoder, windowId, beacon }), proof.bls) ? tranche : undefined
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
