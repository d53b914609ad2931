import { isFishermanError, messageOf } from '../base/errors.ts'
import type { Bench } from './bench.ts'

/** Runs work, and again later where our disk could not be written: what it keeps us from writing is neither lost nor said unwritten. */
export type Patience = (what: string, work: () => Promise<void>) => Promise<void>

/** Milliseconds before something that was held back is tried again. */
const HELD_BACK_MS = 3_000
/** Our disk cannot be written, or the log is not to be trusted, for now or for good. */
const HELD_BACK = ['log-write', 'guard-write', 'guard-open', 'not-acting']

function isHeldBack(error: unknown): boolean {
  return isFishermanError(error) && HELD_BACK.includes(error.code)
}

/** What fails for any other reason is thrown, at the first try; later ones end in the daemon's log. */
export function createPatience(bench: Pick<Bench, 'signal' | 'logger' | 'later'>): Patience {
  async function patiently(what: string, work: () => Promise<void>, isFirst = true): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (bench.signal.aborted || !isHeldBack(error)) throw error
      if (isFirst) bench.logger.warn('Kept back until our disk can be written', { what, reason: messageOf(error) })
      bench.later(HELD_BACK_MS, what, () => patiently(what, work, false))
    }
  }
  return (what, work) => patiently(what, work)
}
