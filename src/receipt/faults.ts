import { equivocationIdOf, ZERO_HASH } from '../../proofs/digest.ts'
import { encodeEquivocation, encodePassThrough } from '../../proofs/evidence.ts'
import { equivocationOf, type ObjectiveFault, passThroughOf, windowsContradict } from '../../proofs/faults.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import type { SegmentReceipt, SignedWindow } from './row.ts'

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
  /** Looks at one window's root, from the feed or from another fisherman who was shown a different one. */
  lookAtWindow(window: SignedWindow): FoundFault[]
}

/** Orders remembered; at 14 rounds of statute and 100 nodes an older order is out of reach anyway. */
const REMEMBERED = 200_000

/** Finds equivocation (O1) and pass-through (O3) in the receipts as they come in; each fault is reported once. */
export function createFaultFinder(domain: Domain): FaultFinder {
  const byOrder = new Map<Hex, SegmentReceipt>()
  const windows = new Map<string, SignedWindow>()
  const reported = new Set<Hex>()
  const fresh = (found: FoundFault[]) =>
    found.filter(({ fault }) => {
      if (reported.has(fault.faultId)) return false
      reported.add(fault.faultId)
      return true
    })
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
      return fresh(found)
    },
    lookAtWindow(next) {
      const { transcoder, windowId } = next.window
      const key = `${transcoder}/${windowId}`
      const before = windows.get(key)
      windows.set(key, before ?? next)
      if (windows.size > REMEMBERED) windows.delete(windows.keys().next().value as string)
      if (!before || !windowsContradict(before.window, next.window)) return []
      const faultId = equivocationIdOf(transcoder, `0x${windowId.toString(16).padStart(64, '0')}`)
      const evidence = encodeEquivocation({
        kind: 'windows',
        a: before.window,
        signatureA: before.signature,
        b: next.window,
        signatureB: next.signature,
      })
      return fresh([{ fault: { faultClass: 'O1', faultId, transcoder, receiptDigest: ZERO_HASH }, evidence, receipts: [] }])
    },
  }
}
