/** How long one trial went on, and whether it ended with what was waited for. */
export interface Trial {
  days: number
  ended: boolean
}

/**
 * The time by which this share of trials has ended, or undefined when too many went on to the end of the simulation. Kaplan-Meier: a trial
 * that was cut off counts for as long as it was seen, so that the last days of a simulation make nobody look faster.
 */
export function quantile(trials: readonly Trial[], share: number): number | undefined {
  const sorted = [...trials].sort((a, b) => a.days - b.days || Number(b.ended) - Number(a.ended))
  let alive = 1
  let atRisk = sorted.length
  for (const { days, ended } of sorted) {
    if (ended) alive *= 1 - 1 / atRisk
    atRisk--
    if (alive <= 1 - share + 1e-12) return days
  }
  return undefined
}

/**
 * Has at least this share ended by then? True and false are what was measured; undefined where more went on than promised, but so few that luck
 * does it in one of twenty simulations.
 */
export function endedBy(trials: readonly Trial[], share: number, days: number): boolean | undefined {
  const found = quantile(trials, share)
  if (found !== undefined && found <= days) return true
  const longer = trials.filter((trial) => trial.days > days).length
  const seen = trials.filter((trial) => trial.ended || trial.days > days).length
  return longer > 0 && 1 - atMost(longer - 1, seen * (1 - share)) < 0.05 ? false : undefined
}

/** 95 % bounds of a rate of events: exact for a Poisson count; with none it is the rule of three. */
export function rateBounds(events: number, exposure: number): { low: number; high: number } {
  const solve = (tail: (mean: number) => number, target: number) => {
    let [low, high] = [0, 10 + 4 * events]
    for (let i = 0; i < 100; i++) {
      const middle = (low + high) / 2
      if (tail(middle) > target) low = middle
      else high = middle
    }
    return low
  }
  if (events === 0) return { low: 0, high: -Math.log(0.05) / exposure }
  return {
    low: solve((mean) => -(1 - atMost(events - 1, mean)), -0.025) / exposure,
    high: solve((mean) => atMost(events, mean), 0.025) / exposure,
  }
}

/** Chance of at most `count` events where `mean` are expected. */
function atMost(count: number, mean: number): number {
  let term = Math.exp(-mean)
  let sum = term
  for (let i = 1; i <= count; i++) {
    term *= mean / i
    sum += term
  }
  return sum
}
