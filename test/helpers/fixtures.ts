import { Wallet } from 'ethers'
import { digestOf, profileHashOf, profilesHashOf, renditionLeaf, typedDomain, ZERO_HASH } from '../../proofs/digest.ts'
import type { SignedReceipt } from '../../proofs/evidence.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Domain, Hex, Profile, Rendition, StructName, Structs, TranscodeReceipt } from '../../proofs/types.ts'

export const DOMAIN: Domain = { chainId: 31337n, anchor: `0x${'a1'.repeat(20)}` }

/** Wallet number n; the same key in every run. */
export function wallet(n: number): Wallet {
  return new Wallet(`0x${(n + 1).toString(16).padStart(64, '0')}`)
}

export function addressOf(who: Wallet): Hex {
  return who.address.toLowerCase() as Hex
}

export function hash(n: number): Hex {
  return `0x${n.toString(16).padStart(64, '0')}`
}

export async function signStruct<N extends StructName>(who: Wallet, name: N, value: Structs[N], domain = DOMAIN): Promise<Hex> {
  const types = { [name]: STRUCTS[name].map((field) => ({ ...field })) }
  return (await who.signTypedData(typedDomain(domain), types, value as unknown as Record<string, unknown>)) as Hex
}

export const PROFILE: Profile = {
  width: 426,
  height: 240,
  bitrate: 300_000,
  fpsNum: 0,
  fpsDen: 1,
  codec: 0,
  h264Profile: 0,
  gopMs: 0,
  container: 0,
  quality: 0,
}

export function renditions(count: number, contentOf = (i: number): Hex => hash(1000 + i)): Rendition[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    profileHash: profileHashOf({ ...PROFILE, bitrate: PROFILE.bitrate + index }),
    contentHash: contentOf(index),
    byteLength: 50_000n,
    pixels: 426n * 240n * 60n,
    width: 426,
    height: 240,
    frames: 60,
    durationMs: 2000,
  }))
}

export function receiptOf(who: Wallet, leaves: readonly Rendition[], changes: Partial<TranscodeReceipt> = {}): TranscodeReceipt {
  return {
    orderHash: hash(1),
    transcoder: addressOf(who),
    requester: addressOf(wallet(99)),
    streamId: hash(2),
    seq: 1n,
    sourceHash: hash(3),
    profilesHash: profilesHashOf([PROFILE]),
    renditionsRoot: merkleTree(leaves.map(renditionLeaf)).root,
    fingerprintRoot: ZERO_HASH,
    completedAt: 1_000n,
    round: 1n,
    ...changes,
  }
}

export async function signedReceipt(who: Wallet, receipt: TranscodeReceipt, domain = DOMAIN): Promise<SignedReceipt> {
  return { receipt, signature: await signStruct(who, 'TranscodeReceipt', receipt, domain) }
}

export function receiptDigest(receipt: TranscodeReceipt, domain = DOMAIN): Hex {
  return digestOf(domain, 'TranscodeReceipt', receipt)
}
