import type { StatementKind } from '../../proofs/codec.ts'
import { FishermanError } from '../base/errors.ts'
import type { Road } from './validate.ts'

/** What the router is told: `ignore` drops the message, `reject` also costs the peer that brought it. */
export type RefusalAction = 'ignore' | 'reject'

/** Every way out of validation; a bounded set, used as counter names. */
export type RefusalCode =
  // reject: honest software can never send this
  | 'too-large'
  | 'not-canonical'
  | 'bad-field'
  | 'bad-signature'
  | 'bad-proof'
  // ignore for good
  | 'known'
  | 'claimed'
  | 'version'
  | 'unknown-class'
  | 'window-time'
  | 'expired'
  // ignore for now: true later, or for others already
  | 'future'
  | 'view-not-ready'
  | 'not-member'
  | 'not-signer'
  | 'quota'
  | 'queue-full'
  // ours
  | 'internal'

/** A refused statement, for those who must tell it. */
export interface Refused {
  kind: StatementKind
  bytes: Uint8Array
  from: Road
  action: RefusalAction
  code: RefusalCode
  reason: string
}

/** Refusals that may end by themselves: the pull offers the statement again. */
const PASSING: readonly RefusalCode[] = [
  'future',
  'view-not-ready',
  'not-member',
  'not-signer',
  'quota',
  'queue-full',
  'internal',
]

/** A rule's typed exit. Only `outcome.ts` turns it into an answer for the router. */
export class Refusal extends FishermanError {
  override readonly code: RefusalCode
  readonly action: RefusalAction

  constructor(action: RefusalAction, code: RefusalCode, message: string, cause?: unknown) {
    super({ code, message, blame: action === 'reject' ? 'theirs' : 'unknown', ...(cause === undefined ? {} : { cause }) })
    this.code = code
    this.action = action
  }

  /** Worth another try later? */
  get passing(): boolean {
    return PASSING.includes(this.code)
  }
}

/** Fails with an `ignore` unless the condition holds. */
export function ignoreUnless(condition: boolean, code: RefusalCode, message: string): asserts condition {
  if (!condition) throw new Refusal('ignore', code, message)
}

/** Fails with a `reject` unless the condition holds. */
export function rejectUnless(condition: boolean, code: RefusalCode, message: string): asserts condition {
  if (!condition) throw new Refusal('reject', code, message)
}
