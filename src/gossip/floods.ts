import { createRateLimiter } from '../base/rate.ts'
import type { RefusalCode } from './refusal.ts'

/**
 * Refusals that say something of who brought the message: an honest peer passes on only what it accepted itself, and its view of the chain is
 * ours but for a block or two. What is known or claimed already is not among them, since copies race, nor what our own state refuses.
 */
const TELLING: readonly RefusalCode[] = ['not-member', 'not-signer', 'quota', 'future', 'expired', 'window-time', 'version']

/** A peer whose view lags by a minute at ten times normal traffic stays below this; a flood is over it within a second. */
const QUOTA = { burst: 300, everyMs: 200 }

/** Junk that breaks no rule by itself costs its bringer nothing, so its amount must. */
export interface Floods {
  /** True where this peer brings more of it than any honest one could. */
  isFlood(peerId: string, code: RefusalCode): boolean
}

export function createFloods(clock: { nowMs(): number }): Floods {
  const limiter = createRateLimiter({ ...QUOTA, maxKeys: 1_024 }, clock)
  return { isFlood: (peerId, code) => TELLING.includes(code) && !limiter.take(peerId) }
}
