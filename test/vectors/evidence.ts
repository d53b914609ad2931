import { encodeStatement, maxBytesOf } from '../../proofs/codec.ts'
import {
  digestOf,
  equivocationIdOf,
  evidenceHashOf,
  faultIdOf,
  frameLeaf,
  objectiveEvidenceHash,
  renditionLeaf,
  workCommitOf,
  ZERO_HASH,
} from '../../proofs/digest.ts'
import {
  type Conviction,
  type Equivocation,
  EVIDENCE_TYPES,
  encodeContradiction,
  encodeConviction,
  encodeDuplicate,
  encodeEquivocation,
  encodeMetering,
  encodePassThrough,
  encodeReuse,
  type PassThrough,
  shareOf,
} from '../../proofs/evidence.ts'
import {
  contradictionOf,
  duplicateOf,
  equivocationOf,
  meteringOf,
  type ObjectiveFault,
  ordered,
  reuseOf,
} from '../../proofs/faults.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import {
  type ConvictionVote,
  FAULT_CLASSES,
  type FaultClass,
  type FrameFp,
  type FraudReport,
  type Hex,
  type Rendition,
  type WindowRoot,
} from '../../proofs/types.ts'
import { addressOf, hash, PROFILE, receiptOf, renditions, signedReceipt } from '../helpers/fixtures.ts'
import { DOMAIN, delegate, fisherman, json, members, node, sign, stranger, toHex } from './common.ts'
import { passThrough } from './example.ts'

/** Evidence of a class, what a report says about it, and who signed it. */
export interface Proof {
  name: string
  faultClass: FaultClass
  claim: Pick<FraudReport, 'faultClass' | 'faultId' | 'transcoder' | 'receiptDigest' | 'evidenceHash'>
  types: readonly string[]
  /** O1: types of the body. */
  bodyTypes?: readonly string[]
  evidence: Hex
  accusedSigners: Hex[]
  voters: Hex[]
  /** What the contract says where only the chain can: the error's name. */
  contract: string
}

const him = addressOf(node)
export const receiptWith = (content: number, changes = {}, who = node) =>
  signedReceipt(
    who,
    receiptOf(
      node,
      renditions(2, (i) => hash(content + i)),
      changes,
    ),
    DOMAIN,
  )

/** Claim about evidence of an O class. */
export function claimOf(faultClass: FaultClass, faultId: Hex, receiptDigest: Hex, evidence: Hex): Proof['claim'] {
  const evidenceHash = objectiveEvidenceHash(faultClass, evidence)
  return { faultClass: FAULT_CLASSES[faultClass], faultId, transcoder: him, receiptDigest, evidenceHash }
}

function equivocation(name: string, value: Equivocation, about: Hex, receiptDigest: Hex, signers: Hex[], contract = 'ok'): Proof {
  const evidence = encodeEquivocation(value)
  return {
    ...{ name, faultClass: 'O1', claim: claimOf('O1', equivocationIdOf(him, about), receiptDigest, evidence) },
    ...{ types: EVIDENCE_TYPES.equivocation, bodyTypes: EVIDENCE_TYPES[value.kind], evidence },
    ...{ accusedSigners: signers, voters: [], contract },
  }
}

/** Two receipts for one order, lower digest first; the second may be signed by another key. */
export async function twoReceipts(second = node): Promise<Extract<Equivocation, { kind: 'receipts' }>> {
  const found = equivocationOf(DOMAIN, await receiptWith(1000), await receiptWith(5000, {}, second))
  if (found?.evidence.kind !== 'receipts') throw new Error('no equivocation')
  return found.evidence
}

export async function twoLeaves(): Promise<Extract<Equivocation, { kind: 'leaves' }>> {
  const leaves = [...renditions(2), ...renditions(2, (i) => hash(8000 + i)).slice(1)]
  const tree = merkleTree(leaves.map(renditionLeaf))
  const signed = await signedReceipt(node, receiptOf(node, leaves), DOMAIN)
  const [a, b] = [leaves[1], leaves[2]] as [(typeof leaves)[0], (typeof leaves)[0]]
  return ordered(DOMAIN, { kind: 'leaves', signed, a, pathA: tree.proof(1), b, pathB: tree.proof(2) })
}

export async function twoWindows(changes: Partial<WindowRoot> = {}): Promise<Extract<Equivocation, { kind: 'windows' }>> {
  const a: WindowRoot = { transcoder: him, windowId: 30_000_000n, root: hash(1), count: 3, closedAt: 1_800_000_060n }
  const b = { ...a, root: hash(2), ...changes }
  const [signatureA, signatureB] = [await sign(node, 'WindowRoot', a), await sign(node, 'WindowRoot', b)]
  return { kind: 'windows', a, signatureA, b, signatureB }
}

export async function conviction(
  faultClass: 'D1' | 'D2' | 'D3',
  changes: Partial<ConvictionVote> = {},
  voters = members,
): Promise<Conviction> {
  const { signed, rendition } = await passThrough()
  const receiptDigest = digestOf(DOMAIN, 'TranscodeReceipt', signed.receipt)
  const about = { receiptDigest, rendition: 0, verdictVersion: 2 }
  const vote: ConvictionVote = {
    ...{ ...about, faultId: faultIdOf(faultClass, him, receiptDigest), faultClass: FAULT_CLASSES[faultClass], transcoder: him },
    evidenceHash: evidenceHashOf({
      ...{ ...about, sourceHash: signed.receipt.sourceHash, contentHash: hash(4), profileHash: rendition.profileHash },
    }),
    ...{ workCommit: ZERO_HASH, finder: addressOf(fisherman), deadline: 4_000_000_000n },
    ...changes,
  }
  const shares = voters.map(async (member, i) => {
    const workCommit = workCommitOf(addressOf(member), hash(100 + i))
    return shareOf(workCommit, await sign(member, 'ConvictionVote', { ...vote, workCommit }))
  })
  return { signed, vote, shares: await Promise.all(shares) }
}

export function convictionProof(faultClass: 'D1' | 'D2' | 'D3', value: Conviction, voters = members): Proof {
  const { faultId, receiptDigest, evidenceHash } = value.vote
  return {
    ...{ name: `${faultClass}: votes of three`, faultClass, evidence: encodeConviction(value), types: EVIDENCE_TYPES.conviction },
    claim: { faultClass: FAULT_CLASSES[faultClass], faultId, transcoder: him, receiptDigest, evidenceHash },
    ...{ accusedSigners: [him], voters: voters.map(addressOf), contract: 'ok' },
  }
}

function passThroughProof(value: PassThrough): Proof {
  const evidence = encodePassThrough(value)
  const digest = digestOf(DOMAIN, 'TranscodeReceipt', value.signed.receipt)
  return {
    ...{ name: 'O3: a rendition that is the source', faultClass: 'O3', types: EVIDENCE_TYPES.passThrough, evidence },
    ...{ claim: claimOf('O3', faultIdOf('O3', him, digest), digest, evidence) },
    ...{ accusedSigners: [him], voters: [], contract: 'ok' },
  }
}

/** A ladder of three sizes with the right pixels. */
export function ladder(changes: Partial<Rendition>[] = []): Rendition[] {
  return [
    [426, 240],
    [640, 360],
    [1280, 720],
  ].map(([width = 0, height = 0], i) => ({
    ...(renditions(3)[i] as Rendition),
    ...{ width, height, pixels: BigInt(width * height * 60), ...changes[i] },
  }))
}

/** Eight frames of a source and of rendition 0; `looks` are 32 bits apart, or none. */
export function prints(source: bigint, made: bigint): FrameFp[] {
  const track = (number: number, look: bigint) =>
    Array.from({ length: 8 }, (_, i) => ({
      ...{ track: number, frame: 7 * i, ptsMs: 233 * i, dhash: look + BigInt(i), strong: 0xffffffffffffffffn },
    }))
  return [...track(0xffff, source), ...track(0, made)]
}

/** Two looks, 32 bits apart. */
export const LOOKS = [0x00000000ffffff00n, 0x0000ffffff000000n] as const

/** The profile that `renditions` says of a leaf. */
export const profileOf = (index: number) => ({ ...PROFILE, bitrate: PROFILE.bitrate + index })

export async function publishedWith(leaves: Rendition[], fingerprints: FrameFp[], changes: object = {}) {
  const fingerprintRoot = merkleTree(fingerprints.map(frameLeaf)).root
  const signed = await signedReceipt(node, receiptOf(node, leaves, { fingerprintRoot, ...changes }), DOMAIN)
  return { signed, renditions: leaves, profiles: leaves.map((_, i) => profileOf(i)), fingerprints }
}

export function found<T>(made: T | undefined): T {
  if (made === undefined) throw new Error('no fault')
  return made
}

export async function reuse() {
  const make = (source: number, look: bigint) =>
    publishedWith(ladder(), prints(look, look), { sourceHash: hash(source), orderHash: hash(source) })
  return found(reuseOf(DOMAIN, await make(31, LOOKS[0]), await make(32, LOOKS[1])))
}

export async function duplicate() {
  const leaves = ladder([{}, { contentHash: hash(7) }, { contentHash: hash(7) }])
  const { signed } = await publishedWith(leaves, [])
  return found(duplicateOf(DOMAIN, signed, leaves))
}

export async function metering() {
  const leaves = ladder([{}, { pixels: 1n }])
  const { signed } = await publishedWith(leaves, [])
  return found(meteringOf(DOMAIN, signed, leaves))
}

export async function contradiction() {
  return found(contradictionOf(DOMAIN, await publishedWith(ladder(), prints(...LOOKS))))
}

function objectiveProof(
  name: string,
  { faultClass, faultId, receiptDigest }: ObjectiveFault,
  types: readonly string[],
  evidence: Hex,
): Proof {
  const signers = faultClass === 'O2' ? [him, him] : [him]
  return {
    ...{ name, faultClass, claim: claimOf(faultClass, faultId, receiptDigest, evidence), types, evidence },
    ...{ accusedSigners: signers, voters: [], contract: 'ok' },
  }
}

async function newProofs(): Promise<Proof[]> {
  const [o2, o4, o5, o6] = await Promise.all([reuse(), duplicate(), metering(), contradiction()])
  const { reuse: ofO2, duplicate: ofO4, metering: ofO5, contradiction: ofO6 } = EVIDENCE_TYPES
  return [
    objectiveProof('O2: one content for two sources', o2.fault, ofO2, encodeReuse(o2.evidence)),
    objectiveProof('O4: one content of two sizes', o4.fault, ofO4, encodeDuplicate(o4.evidence)),
    objectiveProof('O5: pixels that were not there', o5.fault, ofO5, encodeMetering(o5.evidence)),
    objectiveProof('O6: fingerprints that contradict each other', o6.fault, ofO6, encodeContradiction(o6.evidence)),
  ]
}

/** A proof of every kind that this version checks. */
export async function goodProofs(): Promise<Proof[]> {
  const [receipts, delegated, leaves, windows] = await Promise.all([
    twoReceipts(),
    twoReceipts(delegate),
    twoLeaves(),
    twoWindows(),
  ])
  const digest = (value: { receipt: (typeof leaves)['signed']['receipt'] }) => digestOf(DOMAIN, 'TranscodeReceipt', value.receipt)
  const crowd = [...members.slice(1), stranger].sort((p, q) => (addressOf(p) < addressOf(q) ? -1 : 1))
  // Digests decide the order, so the delegate's receipt may be the first or the second.
  const byDelegate = delegated.a.signature === receipts.a.signature ? [him, addressOf(delegate)] : [addressOf(delegate), him]
  return [
    equivocation('O1: two receipts for one order', receipts, hash(1), digest(receipts.a), [him, him]),
    equivocation(
      'O1: two receipts, one by a key that the chain must vouch for',
      delegated,
      hash(1),
      digest(delegated.a),
      byDelegate,
      'NotSigner',
    ),
    equivocation('O1: two leaves of one index under one root', leaves, leaves.signed.receipt.orderHash, digest(leaves.signed), [
      him,
    ]),
    equivocation('O1: two roots for one window', windows, `0x${windows.a.windowId.toString(16).padStart(64, '0')}`, ZERO_HASH, [
      him,
      him,
    ]),
    passThroughProof(await passThrough()),
    ...(await newProofs()),
    ...(await Promise.all((['D1', 'D2', 'D3'] as const).map(async (name) => convictionProof(name, await conviction(name))))),
    {
      ...convictionProof('D2', await conviction('D2', {}, crowd), crowd),
      ...{ name: 'D2: votes of three, one of them no member', contract: 'NotActiveMember' },
    },
  ]
}

/** The report of a proof, as it is gossiped. */
export async function reportOf(proof: Pick<Proof, 'claim' | 'evidence'>, changes: Partial<FraudReport> = {}, by = fisherman) {
  const body: FraudReport = {
    ...{ ...proof.claim, reporter: addressOf(fisherman), observedAt: 1_800_000_100n, expiresAt: 1_801_000_000n },
    ...changes,
  }
  const signature = await sign(by, 'FraudReport', body)
  return { kind: 'fraud-proof' as const, body, signer: addressOf(by), extra: proof.evidence, signature }
}

export async function evidence(): Promise<unknown> {
  const proofs = (await goodProofs()).map(async (proof) => {
    const statement = await reportOf(proof)
    const bytes = encodeStatement(statement)
    // Pairs of frames do not fit.
    return {
      ...proof,
      report: json('FraudReport', statement.body),
      statement: bytes.length > maxBytesOf('fraud-proof') ? null : toHex(bytes),
    }
  })
  return {
    about:
      'Evidence of every class that this version checks. statement: a report of it by private key 2, null where it is too long for one. contract: what FaultVerifier says where no key is delegated and keys 3, 4, 5 are all the members.',
    proofs: await Promise.all(proofs),
  }
}
