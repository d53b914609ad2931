import { keccak256 } from 'ethers'
import { encodeStatement } from '../../proofs/codec.ts'
import {
  digestOf,
  faultIdOf,
  objectiveEvidenceHash,
  profileHashOf,
  profilesHashOf,
  renditionLeaf,
  sampleIdOf,
  windowLeaf,
  ZERO_HASH,
} from '../../proofs/digest.ts'
import { encodePassThrough, type PassThrough } from '../../proofs/evidence.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { FraudReport, Hex, Profile, Rendition, TranscodeOrder, TranscodeReceipt, WindowRoot } from '../../proofs/types.ts'
import { addressOf, hash, PROFILE } from '../helpers/fixtures.ts'
import { DOMAIN, fisherman, gateway, json, node, sign, toHex } from './common.ts'

/** Stands for media: what is hashed is easy to type. */
export const BYTES = { source: Buffer.from('source'), rendition: Buffer.from('rendition 0') }
const contentHash = (bytes: Uint8Array) => keccak256(bytes) as Hex

const PROFILES: Profile[] = [PROFILE, { ...PROFILE, width: 640, height: 360, bitrate: 800_000 }]
const LEAVES: Rendition[] = PROFILES.map((profile, index) => {
  const bytes = index === 0 ? BYTES.rendition : BYTES.source
  return {
    ...{ index, profileHash: profileHashOf(profile), contentHash: contentHash(bytes), byteLength: BigInt(bytes.length) },
    pixels: BigInt(profile.width * profile.height * 60),
    ...{ width: profile.width, height: profile.height, frames: 60, durationMs: 2000 },
  }
})

/** One segment from its order to a window; the second rendition is the source, returned as it came. */
export async function work() {
  const shared = {
    ...{ transcoder: addressOf(node), requester: addressOf(gateway), streamId: hash(5), seq: 7n },
    ...{ sourceHash: contentHash(BYTES.source), profilesHash: profilesHashOf(PROFILES) },
  }
  const order: TranscodeOrder = {
    ...shared,
    ...{ sourceBytes: BigInt(BYTES.source.length), sourceFingerprintRoot: ZERO_HASH, sessionId: hash(6), nonce: hash(8) },
    ...{ issuedAt: 1_799_999_990n, expiresAt: 1_800_000_060n },
  }
  const tree = merkleTree(LEAVES.map(renditionLeaf))
  const receipt: TranscodeReceipt = {
    ...{ ...shared, orderHash: digestOf(DOMAIN, 'TranscodeOrder', order), renditionsRoot: tree.root, fingerprintRoot: ZERO_HASH },
    ...{ completedAt: 1_800_000_000n, round: 1n },
  }
  const digest = digestOf(DOMAIN, 'TranscodeReceipt', receipt)
  const digests = [digest, hash(1), hash(2)].sort()
  const windowTree = merkleTree(digests.map((item, i) => windowLeaf(i, item)))
  const window: WindowRoot = {
    ...{ transcoder: shared.transcoder, windowId: 30_000_000n, root: windowTree.root, count: digests.length },
    closedAt: 1_800_000_060n,
  }
  const index = digests.indexOf(digest)
  return {
    ...{ profiles: PROFILES, leaves: LEAVES, order, receipt, digest, digests, window, index },
    paths: LEAVES.map((_, i) => tree.proof(i)),
    windowPath: windowTree.proof(index),
    orderSignature: await sign(gateway, 'TranscodeOrder', order),
    signature: await sign(node, 'TranscodeReceipt', receipt),
    windowSignature: await sign(node, 'WindowRoot', window),
  }
}

/** O3 of the example, as its parts. */
export async function passThrough(): Promise<PassThrough> {
  const { receipt, signature, leaves, paths } = await work()
  return { signed: { receipt, signature }, rendition: leaves[1] as Rendition, path: paths[1] as Hex[] }
}

/** The example of the specification, step by step. */
export async function example(): Promise<unknown> {
  const made = await work()
  const { receipt, digest, order, window } = made
  const evidence = encodePassThrough(await passThrough())
  const report: FraudReport = {
    ...{ faultId: faultIdOf('O3', receipt.transcoder, digest), faultClass: 3, transcoder: receipt.transcoder },
    ...{ reporter: addressOf(fisherman), receiptDigest: digest, evidenceHash: objectiveEvidenceHash('O3', evidence) },
    ...{ observedAt: 1_800_000_100n, expiresAt: 1_801_000_000n },
  }
  const signature = await sign(fisherman, 'FraudReport', report)
  return {
    about: 'The worked example of README.md. The node is private key 1, the fisherman 2, the gateway 6.',
    media: { source: BYTES.source.toString(), 'rendition 0': BYTES.rendition.toString(), 'rendition 1': BYTES.source.toString() },
    profiles: made.profiles.map((profile) => ({ value: json('Profile', profile), profileHash: profileHashOf(profile) })),
    profilesHash: receipt.profilesHash,
    order: { value: json('TranscodeOrder', order), digest: receipt.orderHash, signature: made.orderSignature },
    renditions: made.leaves.map((leaf, i) => ({
      value: json('Rendition', leaf),
      leaf: renditionLeaf(leaf),
      path: made.paths[i],
    })),
    renditionsRoot: receipt.renditionsRoot,
    receipt: { value: json('TranscodeReceipt', receipt), digest, signature: made.signature, signer: receipt.transcoder },
    window: {
      ...{ value: json('WindowRoot', window), digests: made.digests, index: made.index, leaf: windowLeaf(made.index, digest) },
      ...{ path: made.windowPath, digest: digestOf(DOMAIN, 'WindowRoot', window), signature: made.windowSignature },
    },
    sampleId: sampleIdOf(digest, 1, window.windowId),
    faultId: report.faultId,
    evidence,
    evidenceHash: report.evidenceHash,
    report: { value: json('FraudReport', report), digest: digestOf(DOMAIN, 'FraudReport', report), signature },
    statement: toHex(encodeStatement({ kind: 'fraud-proof', body: report, signer: report.reporter, extra: evidence, signature })),
  }
}
