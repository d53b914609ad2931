import { equivocationIdOf, reuseIdOf, ZERO_HASH } from '../../proofs/digest.ts'
import {
  encodeContradiction,
  encodeDuplicate,
  encodeEquivocation,
  encodeMetering,
  encodePassThrough,
  encodeReuse,
} from '../../proofs/evidence.ts'
import {
  contradictionOf,
  duplicateOf,
  equivocationOf,
  meteringOf,
  type ObjectiveFault,
  ordered,
  type Published,
  passThroughOf,
  reuseOf,
  windowsContradict,
} from '../../proofs/faults.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import type { SegmentReceipt, SignedWindow } from './row.ts'

/** A fault that the node's own signatures prove, with the evidence as contracts take it. */
export interface FoundFault {
  fault: ObjectiveFault
  evidence: Hex
  /** The receipts that the evidence is made of. */
  receipts: Pick<SegmentReceipt, 'digest'>[]
}

export interface FaultFinderInit {
  /** Windows after which no case can need a receipt any more; all are kept where none is given. */
  keepWindows?: number
  /** Fingerprints remembered at most, of all receipts together. */
  keepFingerprints?: number
}

export interface FaultFinder {
  /** Looks at one new receipt beside all remembered ones. */
  look(receipt: SegmentReceipt): FoundFault[]
  /** Looks at one window's root, from the feed or from another fisherman who was shown a different one. */
  lookAtWindow(window: SignedWindow): FoundFault[]
}

/** Orders remembered; at 14 rounds of statute and 100 nodes an older order is out of reach anyway. */
const REMEMBERED = 200_000

/** Contents remembered with the fingerprints of their sources, for reuse (O2). */
const REMEMBERED_CONTENTS = 2_500
/** Fingerprints remembered with them, some 80 MB: what those contents have in ladders of ten with 2,048 each, so that honest feeds do not reach it. */
const REMEMBERED_FINGERPRINTS = 512_000
/** Receipts remembered of one content, and compared with one receipt: black pictures are alike in many honest streams. */
const RECEIPTS_OF_CONTENT = 4

/** Finds what the node's own signatures prove (O1 to O6) in the receipts as they come in; each fault is reported once. */
export function createFaultFinder(
  domain: Domain,
  { keepWindows = Number.MAX_SAFE_INTEGER, keepFingerprints = REMEMBERED_FINGERPRINTS }: FaultFinderInit = {},
): FaultFinder {
  let newest = 0n
  const byOrder = new Map<Hex, Pick<SegmentReceipt, 'digest' | 'windowId' | 'receipt' | 'signature'>>()
  const byContent = new Map<string, SegmentReceipt[]>()
  /** Each receipt in `byContent` with the contents that it is there for, the oldest first. */
  const held = new Map<SegmentReceipt, string[]>()
  let fingerprintsHeld = 0
  const windows = new Map<string, SignedWindow>()
  const reported = new Set<Hex>()
  const isOver = (windowId: bigint) => windowId < newest - BigInt(keepWindows)
  const fresh = (found: FoundFault[]) =>
    found.filter(({ fault }) => {
      if (reported.has(fault.faultId)) return false
      reported.add(fault.faultId)
      if (reported.size > REMEMBERED) reported.delete(reported.values().next().value as Hex)
      return true
    })

  /**
   * O2: earlier receipts of the same node with one of these contents, each compared once and a few in all: a node chooses what its rungs share. The
   * first fault is enough, and one that was reported is not proven again: its evidence is trees over all fingerprints of both.
   */
  function reused(receipt: SegmentReceipt): FoundFault[] {
    if (!receipt.fingerprints?.length) return []
    const { transcoder, sourceHash } = receipt.receipt
    const contents = [...new Set(receipt.renditions.map(({ contentHash }) => `${transcoder}/${contentHash}`))]
    const earlier = new Set(contents.flatMap((key) => byContent.get(key) ?? []))
    // The same source again is a retry, and takes no other's place.
    const others = [...earlier].filter((before) => before.receipt.sourceHash !== sourceHash)
    remember(receipt, contents)
    for (const before of others.slice(0, RECEIPTS_OF_CONTENT)) {
      const [lower, higher] = [before.digest, receipt.digest].sort() as [Hex, Hex]
      if (reported.has(reuseIdOf(transcoder, lower, higher))) return []
      const o2 = reuseOf(domain, published(before), published(receipt))
      if (o2) return [{ fault: o2.fault, evidence: encodeReuse(o2.evidence), receipts: [before, receipt] }]
    }
    return []
  }

  function remember(receipt: SegmentReceipt, contents: readonly string[]): void {
    const isRoom = (known: readonly SegmentReceipt[]) =>
      known.length < RECEIPTS_OF_CONTENT && known.every(({ digest }) => digest !== receipt.digest)
    const keys = contents.filter((key) => isRoom(byContent.get(key) ?? []))
    if (keys.length === 0) return
    for (const key of keys) byContent.set(key, [...(byContent.get(key) ?? []), receipt])
    held.set(receipt, keys)
    fingerprintsHeld += receipt.fingerprints?.length ?? 0
    for (const [oldest, itsKeys] of held) {
      if (byContent.size <= REMEMBERED_CONTENTS && fingerprintsHeld <= keepFingerprints) break
      held.delete(oldest)
      fingerprintsHeld -= oldest.fingerprints?.length ?? 0
      for (const key of itsKeys) {
        const rest = byContent.get(key)?.filter((one) => one !== oldest) ?? []
        if (rest.length > 0) byContent.set(key, rest)
        else byContent.delete(key)
      }
    }
  }

  return {
    look(receipt) {
      // By our own feeds alone: a window that a member brings may say any number.
      if (receipt.windowId > newest) newest = receipt.windowId
      const found: FoundFault[] = []
      const signed = { receipt: receipt.receipt, signature: receipt.signature }
      const before = byOrder.get(receipt.receipt.orderHash)
      if (before && before.digest !== receipt.digest) {
        const o1 = equivocationOf(domain, { receipt: before.receipt, signature: before.signature }, signed)
        if (o1) found.push({ fault: o1.fault, evidence: encodeEquivocation(o1.evidence), receipts: [before, receipt] })
      } else {
        // Without what makes a row large: two receipts for one order are all that is looked for.
        const { digest, windowId, signature } = receipt
        byOrder.set(receipt.receipt.orderHash, { digest, windowId, receipt: receipt.receipt, signature })
        for (const [orderHash, known] of byOrder) {
          if (byOrder.size <= REMEMBERED && !isOver(known.windowId)) break
          byOrder.delete(orderHash)
        }
      }
      return fresh([...found, ...alone(domain, receipt), ...reused(receipt)])
    },
    lookAtWindow(next) {
      const { transcoder, windowId } = next.window
      const key = `${transcoder}/${windowId}`
      const before = windows.get(key)
      windows.set(key, before ?? next)
      for (const [other, known] of windows) {
        if (windows.size <= REMEMBERED && !isOver(known.window.windowId)) break
        windows.delete(other)
      }
      if (!before || !windowsContradict(before.window, next.window)) return []
      const faultId = equivocationIdOf(transcoder, `0x${windowId.toString(16).padStart(64, '0')}`)
      const a = { a: before.window, signatureA: before.signature }
      const b = { b: next.window, signatureB: next.signature }
      const evidence = encodeEquivocation(ordered(domain, { kind: 'windows', ...a, ...b }))
      return fresh([{ fault: { faultClass: 'O1', faultId, transcoder, receiptDigest: ZERO_HASH }, evidence, receipts: [] }])
    },
  }
}

/** O3 to O6: what one row shows by itself. */
function alone(domain: Domain, receipt: SegmentReceipt): FoundFault[] {
  const { signed, renditions } = published(receipt)
  const found: FoundFault[] = []
  const add = (fault: ObjectiveFault, evidence: Hex) => void found.push({ fault, evidence, receipts: [receipt] })
  const o3 = passThroughOf(domain, signed, renditions)
  if (o3) add(o3.fault, encodePassThrough(o3.evidence))
  const o4 = duplicateOf(domain, signed, renditions)
  if (o4) add(o4.fault, encodeDuplicate(o4.evidence))
  const o5 = meteringOf(domain, signed, renditions)
  if (o5) add(o5.fault, encodeMetering(o5.evidence))
  const o6 = contradictionOf(domain, published(receipt))
  if (o6) add(o6.fault, encodeContradiction(o6.evidence))
  return found
}

function published({ receipt, signature, renditions, profiles, fingerprints }: SegmentReceipt): Published {
  return { signed: { receipt, signature }, renditions, profiles, fingerprints: fingerprints ?? [] }
}
