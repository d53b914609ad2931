import { CodecError, type Statement } from './codec.ts'
import {
  digestOf,
  equivocationIdOf,
  faultIdOf,
  frameLeaf,
  objectiveEvidenceHash,
  profileHashOf,
  renditionLeaf,
  reuseIdOf,
  ZERO_HASH,
} from './digest.ts'
import {
  type Contradiction,
  type Conviction,
  type Duplicate,
  decodeEvidence,
  type Equivocation,
  type FramePair,
  type Metering,
  type PassThrough,
  type ProvenRendition,
  type Reuse,
  type SignedReceipt,
  signatureOfShare,
} from './evidence.ts'
import {
  FRAME_LINES,
  isLargeEnough,
  leafMisstates,
  leavesDuplicate,
  receiptsContradict,
  strongDistance,
  windowsContradict,
} from './faults.ts'
import { merkleRoot } from './merkle.ts'
import { recoverAddress, signerOf } from './signature.ts'
import {
  type Domain,
  type FaultClass,
  type FraudReport,
  faultClassName,
  type Hex,
  SOURCE_TRACK,
  type TranscodeReceipt,
} from './types.ts'

/** Result of a check: the signers that the chain must still vouch for, or the first thing that is wrong. */
export type CheckResult =
  | {
      valid: true /** Who signed as the accused node: itself, or a key it must have delegated to. */
      accusedSigners: Hex[] /** D classes: who voted, ascending. */
      voters: Hex[]
    }
  | { valid: false; reason: string }

type Signers = Pick<Extract<CheckResult, { valid: true }>, 'accusedSigners' | 'voters'>

class Invalid extends Error {}

function must(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Invalid(reason)
}

/**
 * Checks a fraud proof alone, without chain, key or network: signatures, Merkle paths, ids and the predicate of its class. What only a
 * chain can say (is this key the node's delegate, do these voters hold two thirds) is returned for the caller to look up.
 */
export function checkFraudProof(domain: Domain, statement: Statement<'fraud-proof'>): CheckResult {
  const report = statement.body
  return checked(() => {
    must(statement.signer === report.reporter, 'the reporter did not sign the report')
    must(signerOf(domain, 'FraudReport', report, statement.signature) === report.reporter, "the signature is not the reporter's")
    return evidenceSigners(domain, report, statement.extra)
  })
}

/** What a report says about its evidence. */
export type Claim = Pick<FraudReport, 'faultClass' | 'faultId' | 'transcoder' | 'receiptDigest' | 'evidenceHash'>

/** Checks evidence without a report around it: does it prove this fault? */
export function checkEvidence(domain: Domain, claim: Claim, evidence: Hex): CheckResult {
  return checked(() => evidenceSigners(domain, claim, evidence))
}

function checked(work: () => Signers): CheckResult {
  try {
    return { valid: true, ...work() }
  } catch (error) {
    if (error instanceof Invalid || error instanceof CodecError) return { valid: false, reason: error.message }
    throw error
  }
}

function evidenceSigners(domain: Domain, report: Claim, evidence: Hex): Signers {
  const faultClass = faultClassName(report.faultClass)
  // Evidence is not signed: without this, whoever relays a report could put another proof of the same fault into it.
  const named = (signers: Signers, objective: FaultClass): Signers => {
    must(report.evidenceHash === objectiveEvidenceHash(objective, evidence), 'the report names other evidence')
    return signers
  }
  if (faultClass === 'O1') return named(checkEquivocation(domain, report, decodeEvidence('O1', evidence)), 'O1')
  if (faultClass === 'O2') return named(checkReuse(domain, report, decodeEvidence('O2', evidence)), 'O2')
  if (faultClass === 'O3') return named(checkPassThrough(domain, report, decodeEvidence('O3', evidence)), 'O3')
  if (faultClass === 'O4') return named(checkDuplicate(domain, report, decodeEvidence('O4', evidence)), 'O4')
  if (faultClass === 'O5') return named(checkMetering(domain, report, decodeEvidence('O5', evidence)), 'O5')
  if (faultClass === 'O6') return named(checkContradiction(domain, report, decodeEvidence('O6', evidence)), 'O6')
  if (faultClass === 'D1' || faultClass === 'D2' || faultClass === 'D3')
    return checkConviction(domain, report, faultClass, decodeEvidence(faultClass, evidence))
  throw new Invalid(`fault class ${report.faultClass} is not checked by this version`)
}

function checkEquivocation(domain: Domain, report: Claim, evidence: Equivocation): Signers {
  if (evidence.kind === 'receipts') {
    const [a, b] = [evidence.a.receipt, evidence.b.receipt]
    must(receiptsContradict(a, b), 'the two receipts do not contradict each other')
    const [first, second] = [digestOf(domain, 'TranscodeReceipt', a), digestOf(domain, 'TranscodeReceipt', b)]
    must(first < second, 'the receipts are not in the order of their digests')
    must(report.receiptDigest === first, 'the report names another receipt')
    checkReport(report, a.transcoder, equivocationIdOf(a.transcoder, a.orderHash))
    return { accusedSigners: [signer(first, evidence.a.signature), signer(second, evidence.b.signature)], voters: [] }
  }
  if (evidence.kind === 'windows') {
    const { a, b } = evidence
    must(windowsContradict(a, b), 'the two windows do not contradict each other')
    must(a.root < b.root, 'the windows are not in the order of their roots')
    must(report.receiptDigest === ZERO_HASH, 'the report names another receipt than none')
    checkReport(report, a.transcoder, equivocationIdOf(a.transcoder, `0x${a.windowId.toString(16).padStart(64, '0')}`))
    const digests = [digestOf(domain, 'WindowRoot', a), digestOf(domain, 'WindowRoot', b)] as const
    return { accusedSigners: [signer(digests[0], evidence.signatureA), signer(digests[1], evidence.signatureB)], voters: [] }
  }
  const { signed, a, b } = evidence
  must(a.index === b.index && renditionLeaf(a) !== renditionLeaf(b), 'the two leaves do not contradict each other')
  must(renditionLeaf(a) < renditionLeaf(b), 'the two leaves are not in the order of their hashes')
  must(merkleRoot(renditionLeaf(a), evidence.pathA) === signed.receipt.renditionsRoot, 'the first leaf is not under the root')
  must(merkleRoot(renditionLeaf(b), evidence.pathB) === signed.receipt.renditionsRoot, 'the second leaf is not under the root')
  const digest = digestOf(domain, 'TranscodeReceipt', signed.receipt)
  must(report.receiptDigest === digest, 'the report names another receipt')
  checkReport(report, signed.receipt.transcoder, equivocationIdOf(signed.receipt.transcoder, signed.receipt.orderHash))
  return { accusedSigners: [signer(digest, signed.signature)], voters: [] }
}

function checkReuse(domain: Domain, report: Claim, { a, b, frames, profile }: Reuse): Signers {
  must(a.receipt.transcoder === b.receipt.transcoder, 'the two receipts are of different nodes')
  must(a.receipt.sourceHash !== b.receipt.sourceHash, 'the two sources are the same')
  must(a.rendition.contentHash === b.rendition.contentHash, 'the two renditions are not the same')
  must(isLargeEnough(a.rendition) && isLargeEnough(b.rendition), 'a rendition is too small to tell')
  const profileHash = profileHashOf(profile)
  must(a.rendition.profileHash === profileHash && b.rendition.profileHash === profileHash, 'a rendition is of another profile')
  must(profile.fpsNum === 0, 'the profile has a rate of its own, which leaves source frames out')
  const [lower, higher] = [digestOf(domain, 'TranscodeReceipt', a.receipt), digestOf(domain, 'TranscodeReceipt', b.receipt)]
  must(lower < higher, 'the receipts are not in the order of their digests')
  checkLeaf(a.receipt, a, 'the first leaf')
  checkLeaf(b.receipt, b, 'the second leaf')
  const isSource = (pair: FramePair) =>
    pair.a.track === SOURCE_TRACK && pair.b.track === SOURCE_TRACK && pair.a.frame === pair.b.frame
  must(frames.every(isSource), 'a pair is not of one frame of both sources')
  const shown = Math.min(a.rendition.frames, b.rendition.frames)
  must(
    frames.every((pair) => pair.a.frame < shown),
    'a pair is of a frame that a rendition does not have',
  )
  checkFrames(frames, FRAME_LINES.reuseFrames, [a.receipt.fingerprintRoot, b.receipt.fingerprintRoot])
  must(report.receiptDigest === lower, 'the report names another receipt')
  checkReport(report, a.receipt.transcoder, reuseIdOf(a.receipt.transcoder, lower, higher))
  return { accusedSigners: [signer(lower, a.signature), signer(higher, b.signature)], voters: [] }
}

function checkPassThrough(domain: Domain, report: Claim, { signed, ...leaf }: PassThrough): Signers {
  must(leaf.rendition.contentHash === signed.receipt.sourceHash, 'the rendition is not the source')
  checkLeaf(signed.receipt, leaf, 'the leaf')
  return checkReceipt(domain, report, 'O3', signed)
}

function checkDuplicate(domain: Domain, report: Claim, { signed, a, b }: Duplicate): Signers {
  must(leavesDuplicate(a.rendition, b.rendition), 'the two leaves are not one content of two sizes')
  must(a.rendition.index < b.rendition.index, 'the leaves are not in the order of their indexes')
  checkLeaf(signed.receipt, a, 'the first leaf')
  checkLeaf(signed.receipt, b, 'the second leaf')
  return checkReceipt(domain, report, 'O4', signed)
}

function checkMetering(domain: Domain, report: Claim, { signed, ...leaf }: Metering): Signers {
  must(leafMisstates(leaf.rendition), 'the pixels are those of its size and frames, or its size changes')
  checkLeaf(signed.receipt, leaf, 'the leaf')
  return checkReceipt(domain, report, 'O5', signed)
}

function checkContradiction(domain: Domain, report: Claim, { signed, frames }: Contradiction): Signers {
  const track = frames[0]?.b.track
  must(
    frames.every(({ a, b }) => a.track === SOURCE_TRACK && b.track === track && b.track !== SOURCE_TRACK),
    'the pairs are not of the source and one rendition',
  )
  must(
    frames.every(({ a, b }) => a.ptsMs === b.ptsMs),
    'a pair is not of one time',
  )
  const root = signed.receipt.fingerprintRoot
  checkFrames(frames, FRAME_LINES.contradictionFrames, [root, root])
  return checkReceipt(domain, report, 'O6', signed)
}

/** Enough pairs, ascending, each visibly different and committed to. */
function checkFrames(frames: readonly FramePair[], needed: number, [rootA, rootB]: readonly [Hex, Hex]): void {
  must(frames.length >= needed, `fewer than ${needed} pairs of frames`)
  frames.forEach((pair, i) => {
    const before = frames[i - 1]
    const ascends = !before || (before.a.frame < pair.a.frame && before.b.frame < pair.b.frame)
    must(ascends, 'the frames are not distinct and ascending')
    must(strongDistance(pair.a, pair.b) >= FRAME_LINES.bits, 'a pair of frames does not differ enough')
    must(merkleRoot(frameLeaf(pair.a), pair.pathA) === rootA, 'a first frame is not under its root')
    must(merkleRoot(frameLeaf(pair.b), pair.pathB) === rootB, 'a second frame is not under its root')
  })
}

function checkLeaf(receipt: TranscodeReceipt, { rendition, path }: ProvenRendition, what: string): void {
  must(merkleRoot(renditionLeaf(rendition), path) === receipt.renditionsRoot, `${what} is not under the root`)
}

/** The end of every class that stands on one receipt. */
function checkReceipt(domain: Domain, report: Claim, faultClass: 'O3' | 'O4' | 'O5' | 'O6', signed: SignedReceipt): Signers {
  const digest = digestOf(domain, 'TranscodeReceipt', signed.receipt)
  must(report.receiptDigest === digest, 'the report names another receipt')
  checkReport(report, signed.receipt.transcoder, faultIdOf(faultClass, signed.receipt.transcoder, digest))
  return { accusedSigners: [signer(digest, signed.signature)], voters: [] }
}

function checkConviction(
  domain: Domain,
  report: Claim,
  faultClass: Extract<FaultClass, 'D1' | 'D2' | 'D3'>,
  evidence: Conviction,
): Signers {
  const { signed, vote, shares } = evidence
  const digest = digestOf(domain, 'TranscodeReceipt', signed.receipt)
  const faultId = faultIdOf(faultClass, signed.receipt.transcoder, digest)
  must(report.receiptDigest === digest && vote.receiptDigest === digest, 'the vote or the report names another receipt')
  must(report.evidenceHash === vote.evidenceHash, 'the report names other evidence than the vote')
  must(vote.faultId === faultId && vote.faultClass === report.faultClass, 'the vote is about another fault')
  must(vote.transcoder === signed.receipt.transcoder, 'the vote names another node')
  must(vote.workCommit === ZERO_HASH, 'the shared vote has a work commitment')
  must(vote.verdictVersion > 0, 'the vote has no verdict version')
  must(BigInt(vote.finder) !== 0n, 'the vote names no finder')
  checkReport(report, signed.receipt.transcoder, faultId)
  const voters = shares.map((share) => {
    must(share.workCommit !== ZERO_HASH, 'a vote has no work commitment')
    return signer(digestOf(domain, 'ConvictionVote', { ...vote, workCommit: share.workCommit }), signatureOfShare(share))
  })
  must(voters.length >= 3, 'fewer than three votes')
  must(
    voters.every((voter, i) => i === 0 || (voters[i - 1] as Hex) < voter),
    'voters are not distinct and ascending',
  )
  return { accusedSigners: [signer(digest, signed.signature)], voters }
}

function checkReport(report: Claim, transcoder: Hex, faultId: Hex): void {
  must(report.transcoder === transcoder, 'the report names another node')
  must(report.faultId === faultId, 'the fault id is not the one of this evidence')
}

function signer(digest: Hex, signature: Hex): Hex {
  const address = recoverAddress(digest, signature)
  must(address !== undefined, 'a signature of the evidence does not recover')
  return address
}
