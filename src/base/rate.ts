/** A quota: at most `burst` at once, and one more each `everyMs` milliseconds. */
export interface Quota {
  burst: number
  everyMs: number
}

export interface RateLimiter {
  /** Would one more be allowed now? Takes nothing. */
  allows(key: string): boolean
  /** Takes one; false (and nothing taken) where the quota is used up. */
  take(key: string): boolean
  /** Keys held; bounded by `maxKeys`. */
  size(): number
}

export interface RateLimiterInit extends Quota {
  /** Keys remembered at once; the oldest is forgotten first, which gives it a fresh quota. */
  maxKeys?: number
}

/**
 * Generic cell rate algorithm: one number a key, the theoretical arrival time (TAT) of the next request if all came evenly spaced. A request
 * is allowed while TAT runs ahead of the clock by no more than the whole burst. No timers, nothing to refill.
 */
export function createRateLimiter(init: RateLimiterInit, clock: { nowMs(): number }): RateLimiter {
  const { burst, everyMs, maxKeys = 10_000 } = init
  if (!(burst >= 1) || !(everyMs > 0)) throw new RangeError(`a quota needs a burst of 1 or more and a positive interval`)
  const arrivalMs = new Map<string, number>()

  function next(key: string): number | undefined {
    const nowMs = clock.nowMs()
    const tat = Math.max(arrivalMs.get(key) ?? nowMs, nowMs) + everyMs
    return tat - nowMs <= burst * everyMs ? tat : undefined
  }

  function makeRoom(): void {
    if (arrivalMs.size < maxKeys) return
    const nowMs = clock.nowMs()
    for (const [key, tat] of arrivalMs) if (tat <= nowMs) arrivalMs.delete(key)
    for (const key of arrivalMs.keys()) {
      if (arrivalMs.size < maxKeys) return
      arrivalMs.delete(key)
    }
  }

  return {
    allows: (key) => next(key) !== undefined,
    take(key) {
      const tat = next(key)
      if (tat === undefined) return false
      if (!arrivalMs.has(key)) makeRoom()
      arrivalMs.set(key, tat)
      return true
    },
    size: () => arrivalMs.size,
  }
}
