import { FishermanError } from '../base/errors.ts'

/** Why a donation is not taken; a word for counters. */
export type RefusalCode =
  | 'token'
  | 'rate'
  | 'busy'
  | 'full'
  | 'event'
  | 'form'
  | 'size'
  | 'replayed'
  | 'time'
  | 'lying-hash'
  | 'broken-off'

/** An answer to a donor: its status, and after how many seconds another try makes sense. */
export function refusal(status: number, code: RefusalCode, message: string, retryAfterSec?: number): FishermanError {
  const details = { status, ...(retryAfterSec === undefined ? {} : { retryAfterSec }) }
  return new FishermanError({ code: `donation-${code}`, message, blame: status >= 500 ? 'ours' : 'theirs', details })
}
