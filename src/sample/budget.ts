/** What the operator lets checks cost in a day of chain time. */
export interface BudgetLimits {
  secondsPerDay: number
  bytesPerDay: number
}

export interface Cost {
  /** Seconds that the judge was busy. */
  seconds: number
  /** Bytes of media that were asked for. */
  bytes: number
}

/** Accounts of one fisherman. It silences only its owner: others may draw and answer as they like. */
export interface Budget {
  /**
   * Is there something left for a check that will fetch so many bytes? The last fifth of each day is for replays: a case must not fail because everyday
   * samples came first. What runs already is not known yet, so a day ends at most a few checks beyond its seconds.
   */
  allows(atSec: number, kind: 'sample' | 'replay', bytes: number): boolean
  spend(atSec: number, cost: Cost): void
  /** Spent in the day of this moment. */
  spent(atSec: number): Cost
}

const DAY_SECONDS = 86_400
const SAMPLE_SHARE = 0.8

export function createBudget(limits: BudgetLimits): Budget {
  let day = Number.NEGATIVE_INFINITY
  let sum: Cost = { seconds: 0, bytes: 0 }
  const spent = (atSec: number): Cost => (Math.floor(atSec / DAY_SECONDS) === day ? sum : { seconds: 0, bytes: 0 })
  return {
    spent,
    allows(atSec, kind, bytes) {
      const { seconds, bytes: before } = spent(atSec)
      const share = kind === 'sample' ? SAMPLE_SHARE : 1
      return seconds < share * limits.secondsPerDay && before + bytes <= share * limits.bytesPerDay
    },
    spend(atSec, cost) {
      const at = Math.floor(atSec / DAY_SECONDS)
      // A cost of an earlier day, read from the log late, is not today's.
      if (at < day) return
      const { seconds, bytes } = spent(atSec)
      day = at
      sum = { seconds: seconds + cost.seconds, bytes: bytes + cost.bytes }
    },
  }
}
