import type { Wallet } from 'ethers'
import { digestOf, frameLeaf, profileHashOf } from '../../proofs/digest.ts'
import {
  type Contradiction,
  type Duplicate,
  encodeContradiction,
  encodeDuplicate,
  encodeMetering,
  encodeReuse,
  type Metering,
  type Reuse,
} from '../../proofs/evidence.ts'
import { contradictionOf, duplicateOf, meteringOf, type Published, reuseOf } from '../../proofs/faults.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { FrameFp, Profile, Rendition, TranscodeReceipt } from '../../proofs/types.ts'
import { PROFILE } from '../helpers/fixtures.ts'
import { receiptOver, rendition, unique, type World } from './world.ts'

/** Fingerprints of a source and its ladder; `bits` differ between them and the frames of another `look`. */
export function frames(look: bigint, tracks = [0xffff, 0, 1], count = 8, strong = 2n ** 64n - 1n): FrameFp[] {
  return tracks.flatMap((track) =>
    Array.from({ length: count }, (_, i) => ({ track, frame: i * 7, ptsMs: i * 233, dhash: look ^ BigInt(i), strong })),
  )
}

/** 32 bits apart. */
export const LOOKS = [0x00000000ffffffffn, 0x0000ffff0000ffffn] as const

/** A leaf of a coded size whose pixels are right. */
export function leaf(index: number, width: number, height: number, change: Partial<Rendition> = {}): Rendition {
  return rendition(index, { width, height, frames: 60, pixels: BigInt(width * height * 60), ...change })
}

/** A signed receipt with what its row would publish. */
export async function published(
  world: World,
  by: Wallet,
  leaves: Rendition[],
  fingerprints: FrameFp[] = [],
  change: Partial<TranscodeReceipt> = {},
  profiles: Profile[] = [],
): Promise<Published> {
  const fingerprintRoot = merkleTree(fingerprints.map(frameLeaf)).root
  const { signed } = await receiptOver(by, world.domain, leaves, { fingerprintRoot, ...change })
  return { signed, renditions: leaves, profiles, fingerprints }
}

interface Made<T> {
  value: T
  evidence: `0x${string}`
  faultId: `0x${string}`
}

function must<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('no fault found')
  return found
}

/** O2: the same bytes for two sources that look different. */
export async function reuse(world: World, by: Wallet, change: Partial<TranscodeReceipt> = {}): Promise<Made<Reuse>> {
  const same = { contentHash: unique('content'), profileHash: profileHashOf(PROFILE) }
  const leaves = () => [leaf(0, 426, 240), leaf(1, 640, 360, same), leaf(2, 1280, 720)]
  const make = (look: bigint) => published(world, by, leaves(), frames(look), change, [PROFILE, PROFILE, PROFILE])
  const { fault, evidence } = must(reuseOf(world.domain, await make(LOOKS[0]), await make(LOOKS[1])))
  return { value: evidence, evidence: encodeReuse(evidence), faultId: fault.faultId }
}

/** O4: the same bytes in two sizes. */
export async function duplicate(world: World, by: Wallet): Promise<Made<Duplicate>> {
  const contentHash = unique('content')
  const leaves = [leaf(0, 426, 240), leaf(1, 640, 360, { contentHash }), leaf(2, 1280, 720, { contentHash })]
  const { signed } = await published(world, by, leaves)
  const { fault, evidence } = must(duplicateOf(world.domain, signed, leaves))
  return { value: evidence, evidence: encodeDuplicate(evidence), faultId: fault.faultId }
}

/** O5: twice the pixels that it made. */
export async function metering(world: World, by: Wallet): Promise<Made<Metering>> {
  const leaves = [leaf(0, 426, 240), leaf(1, 640, 360, { pixels: 640n * 360n * 120n })]
  const { signed } = await published(world, by, leaves)
  const { fault, evidence } = must(meteringOf(world.domain, signed, leaves))
  return { value: evidence, evidence: encodeMetering(evidence), faultId: fault.faultId }
}

/** O6: by its own fingerprints, rendition 0 shows something else than the source. */
export async function contradiction(world: World, by: Wallet): Promise<Made<Contradiction>> {
  const fingerprints = [...frames(LOOKS[0], [0xffff]), ...frames(LOOKS[1], [0]), ...frames(LOOKS[0], [1])]
  const { fault, evidence } = must(
    contradictionOf(world.domain, await published(world, by, [leaf(0, 426, 240), leaf(1, 640, 360)], fingerprints)),
  )
  return { value: evidence, evidence: encodeContradiction(evidence), faultId: fault.faultId }
}

export const receiptDigest = (world: World, { receipt }: { receipt: TranscodeReceipt }) =>
  digestOf(world.domain, 'TranscodeReceipt', receipt)
