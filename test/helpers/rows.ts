import { digestOf, frameLeaf, profileHashOf, profilesHashOf, renditionLeaf, ZERO_HASH } from '../../proofs/digest.ts'
import { structToJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { livepeerOrder } from '../../proofs/segdata.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import type { FrameFp, TranscodeOrder, TranscodeReceipt } from '../../proofs/types.ts'
import { segData } from '../vectors/livepeer.ts'
import { addressOf, DOMAIN, hash, PROFILE, renditions, signStruct, wallet } from './fixtures.ts'

// Lines of a feed as an honest node writes them.

export const node = wallet(1)
export const gateway = wallet(2)
export const WINDOW = 25n

export type Row = Record<string, unknown>

/** One honest receipt line; `change` edits order or receipt before they are signed. */
export async function row(
  seq: number,
  change: { order?: Partial<TranscodeOrder>; receipt?: Partial<TranscodeReceipt>; fingerprints?: FrameFp[] } = {},
): Promise<Row> {
  const leaves = renditions(2, (i) => hash(1000 * seq + i))
  const profiles = [0, 1].map((i) => ({ ...PROFILE, bitrate: PROFILE.bitrate + i }))
  leaves.forEach((leaf, i) => {
    leaf.profileHash = profileHashOf(profiles[i] as typeof PROFILE)
  })
  const shared = {
    requester: addressOf(gateway),
    transcoder: addressOf(node),
    streamId: hash(2),
    seq: BigInt(seq),
    sourceHash: hash(30 + seq),
    profilesHash: profilesHashOf(profiles),
  }
  const order: TranscodeOrder = {
    ...shared,
    sourceBytes: 1000n,
    sourceFingerprintRoot: ZERO_HASH,
    sessionId: hash(4),
    nonce: hash(seq),
    issuedAt: 1n,
    expiresAt: 10_000n,
    ...change.order,
  }
  const receipt: TranscodeReceipt = {
    ...shared,
    orderHash: digestOf(DOMAIN, 'TranscodeOrder', order),
    renditionsRoot: merkleTree(leaves.map(renditionLeaf)).root,
    fingerprintRoot: merkleTree((change.fingerprints ?? []).map(frameLeaf)).root,
    completedAt: WINDOW * 4n + 1n,
    round: 3n,
    ...change.receipt,
  }
  return {
    cursor: String(seq),
    windowId: String(WINDOW),
    order: structToJson('TranscodeOrder', order),
    orderSig: await signStruct(gateway, 'TranscodeOrder', order),
    receipt: structToJson('TranscodeReceipt', receipt),
    sig: await signStruct(node, 'TranscodeReceipt', receipt),
    signer: addressOf(node),
    profiles: profiles.map((profile) => structToJson('Profile', profile)),
    renditions: leaves.map((leaf) => structToJson('Rendition', leaf)),
    ...(change.fingerprints ? { fingerprints: change.fingerprints.map((frame) => structToJson('FrameFp', frame)) } : {}),
  }
}

/** A line whose order is what an unmodified gateway signed. */
export async function livepeerLine(): Promise<Row> {
  const bytes = segData({ profiles: [0, 1].map((i) => ({ ...PROFILE, bitrate: PROFILE.bitrate + i, name: `rung ${i}` })) })
  const { order } = livepeerOrder(DOMAIN, { segData: bytes, transcoder: addressOf(node) })
  const { requester, streamId, seq, sourceHash, profilesHash } = order
  const shared = { requester, streamId, seq, sourceHash, profilesHash }
  const { order: _, orderSig: __, ...line } = await row(1, { order, receipt: shared })
  return { ...line, segData: bytesToHex(bytes) }
}
