import { digestOf, equivocationIdOf, faultIdOf, renditionLeaf } from './digest.ts'
import type { Equivocation, PassThrough, SignedReceipt } from './evidence.ts'
import { merkleTree } from './merkle.ts'
import type { Domain, FaultClass, Hex, Rendition, TranscodeReceipt, WindowRoot } from './types.ts'

/** A fault that needs no vote: the orchestrator's own signatures prove it. */
export interface ObjectiveFault {
  faultClass: FaultClass
  faultId: Hex
  transcoder: Hex
  /** The receipt that the report names; the lower digest of two, the zero hash for two window roots. */
  receiptDigest: Hex
}

/** Fields whose difference makes two receipts for one order an equivocation; completedAt, round and fingerprintRoot are no fault. */
const EQUIVOCAL = ['renditionsRoot', 'profilesHash', 'sourceHash'] as const

/** Do two receipts contradict each other (O1)? Differences that honest retries produce are none. */
export function receiptsContradict(a: TranscodeReceipt, b: TranscodeReceipt): boolean {
  return a.orderHash === b.orderHash && a.transcoder === b.transcoder && EQUIVOCAL.some((field) => a[field] !== b[field])
}

/** O1 from two receipts, in the order of their digests; undefined where there is no contradiction. */
export function equivocationOf(
  domain: Domain,
  x: SignedReceipt,
  y: SignedReceipt,
): { fault: ObjectiveFault; evidence: Equivocation } | undefined {
  if (!receiptsContradict(x.receipt, y.receipt)) return undefined
  const [a, b] = [x, y].sort((p, q) => (digest(domain, p) < digest(domain, q) ? -1 : 1)) as [SignedReceipt, SignedReceipt]
  const { transcoder, orderHash } = a.receipt
  return {
    fault: { faultClass: 'O1', faultId: equivocationIdOf(transcoder, orderHash), transcoder, receiptDigest: digest(domain, a) },
    evidence: { kind: 'receipts', a, b },
  }
}

/** Do two signed roots of one window contradict each other (O1)? */
export function windowsContradict(a: WindowRoot, b: WindowRoot): boolean {
  return a.transcoder === b.transcoder && a.windowId === b.windowId && a.root !== b.root
}

/** O3: a rendition whose bytes are the source's. */
export function passThroughOf(
  domain: Domain,
  signed: SignedReceipt,
  renditions: readonly Rendition[],
): { fault: ObjectiveFault; evidence: PassThrough } | undefined {
  const position = renditions.findIndex((rendition) => rendition.contentHash === signed.receipt.sourceHash)
  const rendition = renditions[position]
  if (!rendition) return undefined
  const { transcoder } = signed.receipt
  const receiptDigest = digest(domain, signed)
  return {
    fault: { faultClass: 'O3', faultId: faultIdOf('O3', transcoder, receiptDigest), transcoder, receiptDigest },
    evidence: { signed, rendition, path: merkleTree(renditions.map(renditionLeaf)).proof(position) },
  }
}

function digest(domain: Domain, signed: SignedReceipt): Hex {
  return digestOf(domain, 'TranscodeReceipt', signed.receipt)
}
