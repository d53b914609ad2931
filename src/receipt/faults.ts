import { encodeEquivocation, encodePassThrough } from '../../proofs/evidence.ts'
import { equivocationOf, type ObjectiveFault, passThroughOf } from '../../proofs/faults.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import type { SegmentReceipt } from './row.ts'

/** A fault that the node's own signatures prove, with the evidence as contracts take it. */
export interface FoundFault {
  fault: ObjectiveFault
  evidence: Hex
  /** The receipts that the evidence is made of. */
  receipts: SegmentReceipt[]
}

export interface FaultFinder {
  /** Looks at one new receipt beside all remembered ones. */
  look(receipt: SegmentReceipt): FoundFault[]
}

/** Orders remembered; at 14 rounds of statute and 100 nodes an older order is out of reach anyway. */
const REMEMBERED = 200_000

/** Finds equivocation (O1) and pass-through (O3) in the receipts as they come in; each fault is reported once. */
export function createFaultFinder(domain: Domain): FaultFinder {
  const byOrder = new Map<Hex, SegmentReceipt>()
  const reported = new Set<Hex>()
  return {
    look(receipt) {
      const found: FoundFault[] = []
      const signed = { receipt: receipt.receipt, signature: receipt.signature }
      const before = byOrder.get(receipt.receipt.orderHash)
      if (before && before.digest !== receipt.digest) {
        const o1 = equivocationOf(domain, { receipt: before.receipt, signature: before.signature }, signed)
        if (o1) found.push({ fault: o1.fault, evidence: encodeEquivocation(o1.evidence), receipts: [before, receipt] })
      } else {
        byOrder.set(receipt.receipt.orderHash, receipt)
        if (byOrder.size > REMEMBERED) byOrder.delete(byOrder.keys().next().value as Hex)
      }
      const o3 = passThroughOf(domain, signed, receipt.renditions)
      if (o3) found.push({ fault: o3.fault, evidence: encodePassThrough(o3.evidence), receipts: [receipt] })
      return found.filter(({ fault }) => {
        if (reported.has(fault.faultId)) return false
        reported.add(fault.faultId)
        return true
      })
    },
  }
}
