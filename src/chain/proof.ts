import { type Claim, checkEvidence } from '../../proofs/check.ts'
import { CodecError, decodeAbi, structFromTuple } from '../../proofs/codec.ts'
import { abiHash, digestOf, equivocationIdOf, faultIdOf, objectiveEvidenceHash, ZERO_HASH } from '../../proofs/digest.ts'
import { decodeEvidence } from '../../proofs/evidence.ts'
import { tupleOf } from '../../proofs/structs.ts'
import { type Domain, FAULT_CLASSES, type FaultClass, type Hex } from '../../proofs/types.ts'
import { convictData, revealData } from './build.ts'

// Pure: evidence -> calldata. The predicates are those of proofs/check.ts, which the contracts hold too; what is refused here would be
// refused there, and would have cost gas.

export type Proof =
  | {
      ok: true
      /** What the evidence proves, recomputed from it alone. */
      claim: Claim
      /** Round from which the statute runs: that of the newest receipt; undefined where the evidence names none. */
      round: bigint | undefined
      /** Who signed as the accused: itself, or a key that the chain must know as its delegate. */
      accusedSigners: Hex[]
      /** D classes: who voted, ascending; the chain knows their weight. */
      voters: Hex[]
    }
  /** One line; never a throw, since evidence may come from anybody. */
  | { ok: false; reason: string }

/**
 * Errors of the contracts that evidence alone cannot foresee: who is a delegate or a member, what time it is, what was used before. Every
 * other refusal of the FaultVerifier is foreseen by `buildProof`.
 */
export const CHAIN_ONLY_ERRORS: readonly string[] = [
  'NotSigner',
  'StatuteExpired',
  'WindowTooOld',
  'VoteExpired',
  'NotActiveMember',
  'NoQuorum',
]

/** Does this evidence prove a fault of this class, by its own content? */
export function buildProof(domain: Domain, faultClass: FaultClass, evidence: Hex): Proof {
  let about: About
  try {
    about = aboutOf(domain, faultClass, evidence)
  } catch (error) {
    if (error instanceof CodecError) return { ok: false, reason: error.message }
    throw error
  }
  const { round, ...claim } = about
  const result = checkEvidence(domain, claim, evidence)
  if (!result.valid) return { ok: false, reason: result.reason }
  return { ok: true, claim, round, accusedSigners: result.accusedSigners, voters: result.voters }
}

/** Calldata that brings an O class, behind a commitment with this salt. */
export function proveData(domain: Domain, faultClass: FaultClass, evidence: Hex, salt: Hex): Data {
  if (!faultClass.startsWith('O')) return { ok: false, reason: `class ${faultClass} is not revealed; it needs votes` }
  return withData(buildProof(domain, faultClass, evidence), revealData(faultClass, evidence, salt))
}

/** Calldata that brings the votes of a D class. */
export function convictionData(domain: Domain, faultClass: FaultClass, evidence: Hex): Data {
  if (!faultClass.startsWith('D')) return { ok: false, reason: `class ${faultClass} needs no votes; reveal its proof` }
  return withData(buildProof(domain, faultClass, evidence), convictData(faultClass, evidence))
}

export type Data = { ok: true; data: Hex; claim: Claim; round: bigint | undefined } | { ok: false; reason: string }

function withData(proof: Proof, data: Hex): Data {
  return proof.ok ? { ok: true, data, claim: proof.claim, round: proof.round } : proof
}

type About = Claim & { round: bigint | undefined }

/** What the evidence is about. Throws CodecError. */
function aboutOf(domain: Domain, faultClass: FaultClass, evidence: Hex): About {
  const about = faultClass === 'O1' ? equivocationOf(domain, evidence) : receiptsOf(domain, faultClass, evidence)
  const evidenceHash =
    faultClass === 'D1' || faultClass === 'D2' || faultClass === 'D3'
      ? decodeEvidence(faultClass, evidence).vote.evidenceHash
      : objectiveEvidenceHash(faultClass, evidence)
  return { faultClass: FAULT_CLASSES[faultClass], evidenceHash, ...about }
}

type Named = Pick<Claim, 'faultId' | 'transcoder' | 'receiptDigest'> & { round: bigint | undefined }

function equivocationOf(domain: Domain, evidence: Hex): Named {
  const value = decodeEvidence('O1', evidence)
  if (value.kind === 'windows') {
    const { transcoder, windowId } = value.a
    const faultId = equivocationIdOf(transcoder, `0x${windowId.toString(16).padStart(64, '0')}`)
    return { faultId, transcoder, receiptDigest: ZERO_HASH, round: undefined }
  }
  const { receipt } = value.kind === 'receipts' ? value.a : value.signed
  const receiptDigest = digestOf(domain, 'TranscodeReceipt', receipt)
  const round = value.kind === 'receipts' ? later(receipt.round, value.b.receipt.round) : receipt.round
  return {
    faultId: equivocationIdOf(receipt.transcoder, receipt.orderHash),
    transcoder: receipt.transcoder,
    receiptDigest,
    round,
  }
}

const RECEIPT = tupleOf('TranscodeReceipt')
/** How the evidence of reuse begins. */
const TWO_RECEIPTS = [RECEIPT, 'bytes', tupleOf('Rendition'), 'bytes32[]', RECEIPT]

/** Every other class begins with its receipt, whose digest names the fault; reuse (O2) has two, and both digests name it. */
function receiptsOf(domain: Domain, faultClass: Exclude<FaultClass, 'O1'>, evidence: Hex): Named {
  const bytes = Uint8Array.from(Buffer.from(evidence.slice(2), 'hex'))
  const values = decodeAbi(faultClass === 'O2' ? TWO_RECEIPTS : [RECEIPT], bytes)
  const [first, second] = faultClass === 'O2' ? [values[0], values[4]] : [values[0], values[0]]
  const [a, b] = [structFromTuple('TranscodeReceipt', first), structFromTuple('TranscodeReceipt', second)]
  const receiptDigest = digestOf(domain, 'TranscodeReceipt', a)
  const named = { transcoder: a.transcoder, receiptDigest, round: later(a.round, b.round) }
  if (faultClass !== 'O2') return { ...named, faultId: faultIdOf(faultClass, a.transcoder, receiptDigest) }
  const types = ['string', 'uint8', 'address', 'bytes32', 'bytes32']
  const both = [receiptDigest, digestOf(domain, 'TranscodeReceipt', b)]
  return { ...named, faultId: abiHash(types, ['faultId', FAULT_CLASSES.O2, a.transcoder, ...both]) }
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
