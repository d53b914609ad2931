import { digestOf, equivocationIdOf, faultIdOf, frameLeaf, profileHashOf, renditionLeaf, reuseIdOf } from './digest.ts'
import type {
  Contradiction,
  Duplicate,
  Equivocation,
  FramePair,
  Metering,
  PassThrough,
  ProvenRendition,
  Reuse,
  SignedReceipt,
} from './evidence.ts'
import { merkleTree } from './merkle.ts'
import {
  type Domain,
  type FaultClass,
  type FrameFp,
  type Hex,
  type Profile,
  type Rendition,
  SOURCE_TRACK,
  type TranscodeReceipt,
  type WindowRoot,
} from './types.ts'

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
  const evidence = ordered(domain, { kind: 'receipts', a: x, b: y })
  const { transcoder, orderHash } = evidence.a.receipt
  const receiptDigest = digest(domain, evidence.a)
  return { fault: { faultClass: 'O1', faultId: equivocationIdOf(transcoder, orderHash), transcoder, receiptDigest }, evidence }
}

/** The one order that a proof of O1 has: the lower digest of two receipts first, the lower leaf of two leaves, the lower of two roots. */
export function ordered<E extends Equivocation>(domain: Domain, value: E): E {
  if (value.kind === 'receipts') {
    const { a, b } = value
    return digest(domain, a) <= digest(domain, b) ? value : { ...value, a: b, b: a }
  }
  if (value.kind === 'leaves') {
    const { a, pathA, b, pathB } = value
    return renditionLeaf(a) <= renditionLeaf(b) ? value : { ...value, a: b, pathA: pathB, b: a, pathB: pathA }
  }
  const { a, signatureA, b, signatureB } = value
  return a.root <= b.root ? value : { ...value, a: b, signatureA: signatureB, b: a, signatureB: signatureA }
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
  if (position < 0) return undefined
  return { fault: onReceipt(domain, 'O3', signed), evidence: { signed, ...proven(renditions, position) } }
}

/** A receipt of one node with all that its feed row publishes beside it. */
export interface Published {
  signed: SignedReceipt
  renditions: readonly Rendition[]
  /** What each rendition was made for, in their order. */
  profiles: readonly Profile[]
  fingerprints: readonly FrameFp[]
}

/** Bits that must differ before two frames count as different, and how many such frames a proof needs. */
export const FRAME_LINES = { bits: 20, reuseFrames: 4, contradictionFrames: 8, minSide: 64 } as const

/** Bits in which two frames differ, counting only those that noise turns in neither. */
export function strongDistance(a: FrameFp, b: FrameFp): number {
  let bits = (a.dhash ^ b.dhash) & a.strong & b.strong
  let count = 0
  for (; bits > 0n; bits &= bits - 1n) count++
  return count
}

/** O2: one content for two sources of one node whose own fingerprints differ visibly. */
export function reuseOf(domain: Domain, x: Published, y: Published): { fault: ObjectiveFault; evidence: Reuse } | undefined {
  const [p, q] = [x, y].sort((one, two) => (digest(domain, one.signed) < digest(domain, two.signed) ? -1 : 1)) as [
    Published,
    Published,
  ]
  const [a, b] = [p.signed.receipt, q.signed.receipt]
  if (a.transcoder !== b.transcoder || a.sourceHash === b.sourceHash) return undefined
  const ofB = new Map(q.fingerprints.flatMap((frame, i) => (frame.track === SOURCE_TRACK ? [[frame.frame, i] as const] : [])))
  const pairs = p.fingerprints.flatMap((frame, i) => {
    const j = frame.track === SOURCE_TRACK ? ofB.get(frame.frame) : undefined
    return j === undefined ? [] : [[i, j] as const]
  })
  const shared = sharedLeaf(p, q)
  if (!shared) return undefined
  const shown = pairs.filter(([i]) => (p.fingerprints[i]?.frame ?? shared.shown) < shared.shown)
  const frames = differing(p.fingerprints, q.fingerprints, shown, FRAME_LINES.reuseFrames)
  if (!frames) return undefined
  const [lower, higher] = [digest(domain, p.signed), digest(domain, q.signed)]
  return {
    fault: { faultClass: 'O2', faultId: reuseIdOf(a.transcoder, lower, higher), transcoder: a.transcoder, receiptDigest: lower },
    evidence: {
      a: { ...p.signed, ...proven(p.renditions, shared.i) },
      b: { ...q.signed, ...proven(q.renditions, shared.j) },
      ...{ frames, profile: shared.profile },
    },
  }
}

/**
 * The leaves of one content and one profile that keeps every frame of its source: two sources may differ in frames that a rate of its own
 * leaves out, and honest output is one all the same. Of several the one that shows most frames.
 */
function sharedLeaf(p: Published, q: Published): { i: number; j: number; profile: Profile; shown: number } | undefined {
  let best: { i: number; j: number; profile: Profile; shown: number } | undefined
  for (const [i, one] of p.renditions.entries()) {
    const profile = p.profiles[i]
    if (profile?.fpsNum !== 0 || !isLargeEnough(one) || profileHashOf(profile) !== one.profileHash) continue
    for (const [j, two] of q.renditions.entries()) {
      if (two.contentHash !== one.contentHash || two.profileHash !== one.profileHash || !isLargeEnough(two)) continue
      const shown = Math.min(one.frames, two.frames)
      if (!best || shown > best.shown) best = { i, j, profile, shown }
    }
  }
  return best
}

/** Too small a picture has no room for 64 bits that mean anything. */
export function isLargeEnough({ width, height }: Rendition): boolean {
  return width >= FRAME_LINES.minSide && height >= FRAME_LINES.minSide
}

/** Do two leaves say one content of two coded sizes (O4)? A size of zero changes inside the segment and says nothing. */
export function leavesDuplicate(a: Rendition, b: Rendition): boolean {
  const sizes = [a.width, a.height, b.width, b.height]
  return a.contentHash === b.contentHash && sizes.every((side) => side > 0) && (a.width !== b.width || a.height !== b.height)
}

/** O4: one content for two coded sizes. */
export function duplicateOf(
  domain: Domain,
  signed: SignedReceipt,
  renditions: readonly Rendition[],
): { fault: ObjectiveFault; evidence: Duplicate } | undefined {
  for (const [j, b] of renditions.entries()) {
    const i = renditions.findIndex((a) => a.index < b.index && leavesDuplicate(a, b))
    if (i >= 0)
      return {
        fault: onReceipt(domain, 'O4', signed),
        evidence: { signed, a: proven(renditions, i), b: proven(renditions, j) },
      }
  }
  return undefined
}

/** Does a leaf claim pixels that its own size and frames do not have (O5)? */
export function leafMisstates({ pixels, width, height, frames }: Rendition): boolean {
  return width > 0 && height > 0 && pixels !== BigInt(width) * BigInt(height) * BigInt(frames)
}

/** O5: pixels that are not width x height x frames of the leaf itself. */
export function meteringOf(
  domain: Domain,
  signed: SignedReceipt,
  renditions: readonly Rendition[],
): { fault: ObjectiveFault; evidence: Metering } | undefined {
  const position = renditions.findIndex(leafMisstates)
  if (position < 0) return undefined
  return { fault: onReceipt(domain, 'O5', signed), evidence: { signed, ...proven(renditions, position) } }
}

/** O6: by the node's own fingerprints a rendition does not show its source. */
export function contradictionOf(
  domain: Domain,
  { signed, fingerprints }: Published,
): { fault: ObjectiveFault; evidence: Contradiction } | undefined {
  const sources = new Map(fingerprints.flatMap((frame, i) => (frame.track === SOURCE_TRACK ? [[frame.ptsMs, i] as const] : [])))
  const tracks = new Set(fingerprints.map(({ track }) => track).filter((track) => track !== SOURCE_TRACK))
  for (const track of tracks) {
    const pairs = fingerprints.flatMap((frame, j) => {
      const i = frame.track === track ? sources.get(frame.ptsMs) : undefined
      return i === undefined ? [] : [[i, j] as const]
    })
    const frames = differing(fingerprints, fingerprints, pairs, FRAME_LINES.contradictionFrames)
    if (frames) return { fault: onReceipt(domain, 'O6', signed), evidence: { signed, frames } }
  }
  return undefined
}

/** The first `needed` pairs that differ visibly, with both frame numbers ascending; undefined where there are fewer. */
function differing(
  ofA: readonly FrameFp[],
  ofB: readonly FrameFp[],
  pairs: readonly (readonly [number, number])[],
  needed: number,
): FramePair[] | undefined {
  const at = ([i, j]: readonly [number, number]) => [ofA[i] as FrameFp, ofB[j] as FrameFp] as const
  const chosen: (readonly [number, number])[] = []
  let last: readonly [FrameFp, FrameFp] | undefined
  for (const pair of [...pairs].sort((p, q) => at(p)[0].frame - at(q)[0].frame)) {
    const [a, b] = at(pair)
    if (strongDistance(a, b) < FRAME_LINES.bits || (last && (a.frame <= last[0].frame || b.frame <= last[1].frame))) continue
    chosen.push(pair)
    last = [a, b]
    if (chosen.length === needed) break
  }
  if (chosen.length < needed) return undefined
  const treeA = merkleTree(ofA.map(frameLeaf))
  const treeB = ofB === ofA ? treeA : merkleTree(ofB.map(frameLeaf))
  return chosen.map((pair) => {
    const [a, b] = at(pair)
    return { a, pathA: treeA.proof(pair[0]), b, pathB: treeB.proof(pair[1]) }
  })
}

function proven(renditions: readonly Rendition[], position: number): ProvenRendition {
  return { rendition: renditions[position] as Rendition, path: merkleTree(renditions.map(renditionLeaf)).proof(position) }
}

function onReceipt(domain: Domain, faultClass: 'O3' | 'O4' | 'O5' | 'O6', signed: SignedReceipt): ObjectiveFault {
  const { transcoder } = signed.receipt
  const receiptDigest = digest(domain, signed)
  return { faultClass, faultId: faultIdOf(faultClass, transcoder, receiptDigest), transcoder, receiptDigest }
}

function digest(domain: Domain, signed: SignedReceipt): Hex {
  return digestOf(domain, 'TranscodeReceipt', signed.receipt)
}
