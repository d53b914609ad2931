import { type AnyStatement, decodeDrawProof, type Statement } from '../../proofs/codec.ts'
import { faultIdOf } from '../../proofs/digest.ts'
import { type ConvictionVote, DISMISSALS, faultClassName, type Hex, LIMITS, OUTCOMES } from '../../proofs/types.ts'
import { ignoreUnless, Refusal, rejectUnless } from './refusal.ts'
import { addressesOf, keyOf } from './seen.ts'
import type { ValidationContext } from './validate.ts'

/** What a statement takes up in the seen-cache once it is accepted. */
export interface Claim {
  /** Marks it: called synchronously after validation, when the statement has its place in the queue. */
  mark(): void
  /** Takes the mark back where the statement could not be delivered after all. */
  unmark(): void
}

/**
 * Seconds by which two honest nodes' chain clocks may differ: one L1 slot (12 s), since the clock is the newest head's, and 3 s for the head to
 * travel. Never more than one window, so that short local windows are not blurred. Always used in the sender's favour, and a
 * refusal that it could explain is an `ignore`.
 */
const MAX_SKEW_SECONDS = 15n
/** A seal opens after its tranche closes, within minutes; an hour is absurd. */
const MAX_SEAL_SECONDS = 3_600n
/** Fraud proofs kept of one fault: one proves it; a few more let late relayers in; beyond that it is a flood of re-signed copies. */
const MAX_PROOFS_PER_FAULT = 16
/** Fault classes that `proofs/check.ts` can judge; a later class is for later versions, not a lie. */
const CHECKED_CLASSES: readonly string[] = ['O1', 'O2', 'O3', 'O4', 'O5', 'O6', 'D1', 'D2', 'D3']
const VOTED_CLASSES = ['D1', 'D2', 'D3'] as const
/** `faultClass` of votes that end a case without a conviction. */
const DISMISSING: readonly number[] = Object.values(DISMISSALS)
/**
 * Windows for which a second statement on one subject is refused: an hour of a public network. By then all tranches are over and every seal is
 * open, so that nothing follows from another one; and what is on disk comes in no more in any case.
 */
const CLAIM_WINDOWS = 60
/** Bytes of kinds in keys, so that subjects of two kinds are never taken for one another. */
const KINDS = { sealed: '01', answer: '02', vote: '03' } as const

/** The rules of one kind, before any signature is looked at. */
export function claimOf(ctx: ValidationContext, statement: AnyStatement): Claim {
  if (statement.kind === 'window') return windowClaim(ctx, statement)
  if (statement.kind === 'sealed') return sealedClaim(ctx, statement)
  if (statement.kind === 'answer') return answerClaim(ctx, statement)
  if (statement.kind === 'vote') return voteClaim(ctx, statement)
  if (statement.kind === 'head') return headClaim(ctx, statement)
  return proofClaim(ctx, statement)
}

function windowClaim(ctx: ValidationContext, { body, signer }: Statement<'window'>): Claim {
  const [nowSec, length] = [now(ctx), BigInt(ctx.windowSeconds)]
  const openedAt = body.windowId * length

  // [IGNORE] A window closes after it opened. Its length is configuration and not part of the topic's digest, so this is no reject.
  ignoreUnless(openedAt <= body.closedAt, 'window-time', 'the window closed before it opened')

  // [IGNORE] Not more than one window in the future: the clock of the feed may run ahead a little.
  ignoreUnless(body.closedAt <= nowSec + length + skew(ctx), 'future', 'the window lies in the future')

  // [IGNORE] Older than the statute: nothing can follow from it any more.
  ignoreUnless(openedAt + length + statute(ctx) + skew(ctx) >= nowSec, 'expired', 'the window is older than the statute')

  // [IGNORE] Two different roots of one window are kept, because two prove an equivocation.
  const key = keyOf(body.transcoder, hexOf(body.windowId))
  const root = keyOf(body.root, hexOf(BigInt(body.count)))
  const kept = ctx.seen.windows.get(key) ?? []
  ignoreUnless(!kept.includes(root) && kept.length < 2, 'claimed', 'the window is known')

  // [IGNORE] The node is known and the key may sign for it.
  ignoreUnless(ctx.view.isSignerOf(body.transcoder, signer), 'not-signer', 'the key does not sign for this node')

  const roots = () => ctx.seen.windows.get(key) ?? []
  const keep = (changed: readonly string[]) => ctx.seen.windows.set(key, changed, ctx.nowSec() + claimed(ctx))
  return {
    mark: () => keep([...roots(), root]),
    unmark: () => keep(roots().filter((other) => other !== root)),
  }
}

function sealedClaim(ctx: ValidationContext, { body, signer, extra }: Statement<'sealed'>): Claim {
  // [REJECT] The draw proof, where there is one, is well-formed. Its BLS signature is checked outside of the router.
  rejectUnless(extra === '0x' || isDrawProof(extra), 'bad-field', 'the draw proof is malformed')

  // [IGNORE] The deadline is not absurd.
  ignoreUnless(body.deadline <= now(ctx) + MAX_SEAL_SECONDS + skew(ctx), 'future', 'the deadline is more than an hour away')

  // [IGNORE] Older than the statute. A deadline that merely passed is no reason: the pull brings seals whose answers are already open.
  ignoreUnless(body.deadline + statute(ctx) >= now(ctx), 'expired', 'the seal is older than the statute')

  // From its deadline on, or from now where that is over.
  const untilSec = Math.max(Number(body.deadline), ctx.nowSec()) + claimed(ctx)
  const claim = single(ctx, keyOf(KINDS.sealed, body.sampleId, signer), untilSec)
  assertMember(ctx, signer)
  return claim
}

function answerClaim(ctx: ValidationContext, { body, signer }: Statement<'answer'>): Claim {
  // [IGNORE] Another verdict version: a log may hold answers from before an upgrade, so the peer that serves them is honest.
  ignoreUnless(body.verdictVersion === ctx.verdictVersion, 'version', 'the answer is of another verdict version')

  // [REJECT] The outcome and the rendition are among those that exist.
  rejectUnless(body.outcome < OUTCOMES.length, 'bad-field', 'the outcome does not exist')
  rejectUnless(body.rendition < LIMITS.renditions, 'bad-field', 'the rendition does not exist')

  const claim = single(ctx, keyOf(KINDS.answer, body.sampleId, signer), ctx.nowSec() + claimed(ctx))
  assertMember(ctx, signer)
  return claim
}

function voteClaim(ctx: ValidationContext, { body, signer }: Statement<'vote'>): Claim {
  // [IGNORE] Another verdict version, as for answers.
  ignoreUnless(body.verdictVersion === ctx.verdictVersion, 'version', 'the vote is of another verdict version')

  // [REJECT] Only D classes are voted on, to convict or to dismiss; the rendition exists.
  const isDismissal = DISMISSING.includes(body.faultClass)
  const isVoted = isDismissal || VOTED_CLASSES.some((name) => name === faultClassName(body.faultClass))
  rejectUnless(isVoted, 'bad-field', 'this class is not voted on')
  rejectUnless(body.rendition < LIMITS.renditions, 'bad-field', 'the rendition does not exist')

  // [REJECT] A dismissal names the fault by its id alone: it must be one that this receipt of this node can be accused of.
  rejectUnless(!isDismissal || namesOwnFault(body), 'bad-field', 'the fault is not one of this receipt')

  // [IGNORE] The deadline has passed, or lies beyond the statute.
  ignoreUnless(body.deadline + skew(ctx) >= now(ctx), 'expired', 'the deadline of the vote has passed')
  ignoreUnless(body.deadline <= now(ctx) + statute(ctx), 'future', 'the deadline of the vote lies beyond the statute')

  // One of all that can be said of a fault by these inputs: who voted to convict cannot be heard with a dismissal, nor the other way
  // round. A case about other inputs may follow one that was dismissed.
  const claim = single(ctx, keyOf(KINDS.vote, body.faultId, body.evidenceHash, signer), Number(body.deadline + skew(ctx)))
  assertMember(ctx, signer)
  return claim
}

function namesOwnFault({ faultId, transcoder, receiptDigest }: ConvictionVote): boolean {
  return VOTED_CLASSES.some((name) => faultIdOf(name, transcoder, receiptDigest) === faultId)
}

function headClaim(ctx: ValidationContext, { body, signer }: Statement<'head'>): Claim {
  // [REJECT] A head is its owner's own.
  rejectUnless(body.fisherman === signer, 'bad-field', "the head is not of the signer's log")

  // [IGNORE] It was signed in the future.
  ignoreUnless(body.signedAt <= now(ctx) + skew(ctx), 'future', 'the head was signed in the future')

  // [IGNORE] A newer head is known. By time and not by size: a shorter log that was signed later is a history rolled back, which its
  // owner and its keepers must hear of.
  const known = ctx.seen.heads.get(signer) ?? -1n
  ignoreUnless(body.signedAt > known, 'claimed', 'a newer head is known')

  assertMember(ctx, signer)
  return {
    mark: () => ctx.seen.heads.set(signer, body.signedAt),
    unmark: () => (known < 0n ? ctx.seen.heads.delete(signer) : ctx.seen.heads.set(signer, known)),
  }
}

function proofClaim(ctx: ValidationContext, { body, signer }: Statement<'fraud-proof'>): Claim {
  // [IGNORE] A class that this version cannot judge; the topic is shared by all versions.
  ignoreUnless(
    CHECKED_CLASSES.includes(faultClassName(body.faultClass) ?? ''),
    'unknown-class',
    'this fault class is unknown here',
  )

  // [IGNORE] The proof has expired.
  ignoreUnless(body.expiresAt + skew(ctx) >= now(ctx), 'expired', 'the proof has expired')

  // [IGNORE] The fault is proven often enough. Anyone may report, member or not, so signers alone do not bound this.
  const [fault, reporter] = [keyOf(body.faultId), keyOf(signer)]
  const reporters = () => addressesOf(ctx.seen.faults.get(fault) ?? '')
  ignoreUnless(reporters().length < MAX_PROOFS_PER_FAULT, 'claimed', 'the fault is proven often enough')

  // [IGNORE] One report of a fault by one signer, until the last of all reports of it is void.
  ignoreUnless(!reporters().includes(reporter), 'claimed', 'the signer has spoken on this')

  const keep = (changed: readonly string[]) => ctx.seen.faults.set(fault, changed.join(''), Number(body.expiresAt + skew(ctx)))
  return {
    mark: () => keep([...reporters(), reporter]),
    unmark() {
      const others = reporters().filter((other) => other !== reporter)
      if (others.length > 0) keep(others)
      else ctx.seen.faults.delete(fault)
    },
  }
}

/** [IGNORE] One statement a (subject, signer), until the earlier one is void. */
function single(ctx: ValidationContext, key: string, untilSec: number): Claim {
  ignoreUnless(ctx.seen.claims.get(key) === undefined, 'claimed', 'the signer has spoken on this')
  return { mark: () => ctx.seen.claims.set(key, true, untilSec), unmark: () => ctx.seen.claims.delete(key) }
}

/** [IGNORE] The signer is a registered fisherman, as far as our view of the chain goes. */
function assertMember(ctx: ValidationContext, signer: Hex): void {
  if (!ctx.view.isMember(signer)) throw new Refusal('ignore', 'not-member', 'the signer is no registered fisherman')
}

function isDrawProof(extra: Hex): boolean {
  try {
    decodeDrawProof(extra)
    return true
  } catch {
    return false
  }
}

function now(ctx: ValidationContext): bigint {
  return BigInt(Math.floor(ctx.nowSec()))
}

function skew(ctx: ValidationContext): bigint {
  const window = BigInt(ctx.windowSeconds)
  return window < MAX_SKEW_SECONDS ? window : MAX_SKEW_SECONDS
}

/** Seconds of `CLAIM_WINDOWS`. */
function claimed(ctx: ValidationContext): number {
  return CLAIM_WINDOWS * ctx.windowSeconds
}

function hexOf(number: bigint): string {
  return number.toString(16).padStart(16, '0')
}

function statute(ctx: ValidationContext): bigint {
  return BigInt(ctx.statuteSeconds)
}
