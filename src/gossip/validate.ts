import { keccak_256 } from '@noble/hashes/sha3.js'
import { checkFraudProof } from '../../proofs/check.ts'
import { type AnyStatement, decodeStatement, maxBytesOf, STATEMENT_STRUCTS, type StatementKind } from '../../proofs/codec.ts'
import { bytesToHex, type RecoverKey, signerOf } from '../../proofs/signature.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import type { Quotas } from './quotas.ts'
import { ignoreUnless, Refusal, rejectUnless } from './refusal.ts'
import { type Claim, claimOf } from './rules.ts'
import type { Seen } from './seen.ts'

/** What the room must know of the chain. Every answer is a look-up in memory: validation may not wait. */
export interface ChainView {
  /** Is this address a registered fisherman now? */
  isMember(address: Hex): boolean
  /** May this key sign for this node? True for a known node's own address; false for an unknown node. */
  isSignerOf(transcoder: Hex, signer: Hex): boolean
  /** False while there is no view of the chain: then nothing is judged. */
  ready(): boolean
}

/** By gossip, or from a peer's log. The rules are the same, only the quota differs. */
export type Road = 'gossip' | 'pull'

export interface ValidationContext {
  domain: Domain
  verdictVersion: number
  /** Seconds of one feed window. */
  windowSeconds: number
  /** Seconds after which a window or a deadline is too old to matter: the contracts' statute. */
  statuteSeconds: number
  /** Unix seconds of chain time. */
  nowSec(): number
  view: ChainView
  seen: Seen
  quotas: Quotas
  /** A fast way to recover signers; by default the one of `proofs/`. */
  recoverKey?: RecoverKey
}

export interface ValidStatement {
  statement: AnyStatement
  /** keccak256 of the payload. */
  id: Hex
  claim: Claim
}

/** Name of a payload in the log and in the seen-cache. */
export function idOf(bytes: Uint8Array): Hex {
  return bytesToHex(keccak_256(bytes))
}

/** Votes that make three the least that can convict (DESIGN 6.6). */
const MIN_VOTERS = 3

/**
 * One statement's way through the rules, cheapest first: size, look-ups, structure, time, claims, view, quota, and only then a signature
 * (about 0.3 ms). Synchronous, so that nothing can happen between the look at the seen-cache and the caller's mark in it; a thrown
 * `Refusal` is the only way out but success. No media, no BLS, no network here (DESIGN section 8).
 */
export function validateStatement(
  ctx: ValidationContext,
  kind: StatementKind,
  bytes: Uint8Array,
  road: Road,
  id: Hex = idOf(bytes),
): ValidStatement {
  // [REJECT] The payload is longer than any statement may be.
  rejectUnless(bytes.length <= maxBytesOf(kind), 'too-large', 'the statement is too long')

  // [IGNORE] The very same bytes were accepted before.
  ignoreUnless(ctx.seen.ids.get(id) === undefined, 'known', 'the statement is known')

  // [IGNORE] Without a view of the chain nobody can be judged.
  ignoreUnless(ctx.view.ready(), 'view-not-ready', 'there is no view of the chain yet')

  // [REJECT] The payload is the canonical encoding of a statement of this kind.
  const statement = decode(kind, bytes)

  // The kind's own rules: fields, time, earlier claims, the signer's standing.
  const claim = claimOf(ctx, statement)

  // [IGNORE] The signer is over its quota. Looked at before the signature, taken after it: a forger must not use up another's quota.
  ignoreUnless(ctx.quotas.allows(road, kind, statement.signer), 'quota', 'the signer is over its quota')

  // [REJECT] The signature is the claimed signer's, under our domain.
  const recovered = signerOf(ctx.domain, STATEMENT_STRUCTS[kind], statement.body, statement.signature, ctx.recoverKey)
  rejectUnless(recovered === statement.signer, 'bad-signature', 'the signature is not of the claimed signer')
  ignoreUnless(ctx.quotas.take(road, kind, statement.signer), 'quota', 'the signer is over its quota')

  if (statement.kind === 'fraud-proof') assertProof(ctx, statement)
  return { statement, id, claim }
}

function decode(kind: StatementKind, bytes: Uint8Array): AnyStatement {
  try {
    return decodeStatement(kind, bytes)
  } catch (error) {
    throw new Refusal('reject', 'not-canonical', 'the payload is not a statement of its kind', error)
  }
}

function assertProof(ctx: ValidationContext, statement: Extract<AnyStatement, { kind: 'fraud-proof' }>): void {
  // [REJECT] The evidence proves the stated fault: signatures, Merkle paths, ids and the predicate of the class.
  const check = checkFraudProof(ctx.domain, statement)
  if (!check.valid) throw new Refusal('reject', 'bad-proof', check.reason)

  // [IGNORE] The keys that signed as the accused are the accused's: anybody can sign receipts in another's name with a key of his own.
  const { transcoder } = statement.body
  for (const signer of check.accusedSigners)
    ignoreUnless(ctx.view.isSignerOf(transcoder, signer), 'not-signer', 'a key in the evidence is not of the accused node')

  // [IGNORE] At least three of the voters are members now; their weight is counted by the court and by the contract.
  if (check.voters.length > 0) {
    const members = check.voters.filter((voter) => ctx.view.isMember(voter))
    ignoreUnless(members.length >= MIN_VOTERS, 'not-member', 'fewer than three of the voters are members')
  }
}
