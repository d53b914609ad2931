import { configKeys } from '../config/keys.ts'
import type { Config } from '../config/schema.ts'
import { configValue } from '../config/show.ts'
import type { BudgetLimits } from '../sample/budget.ts'
import type { FeedSet } from './feed-set.ts'
import { limitsFor, type NetworkParams } from './network.ts'

/** What a new configuration did, by keys. */
export interface Reloaded {
  /** In force now. */
  changed: string[]
  /** Different from what was started with, and waiting for a restart. */
  needRestart: string[]
}

/** What reads its limits anew at each use, and what can be told. */
export interface Reloadable {
  params: NetworkParams
  budget: BudgetLimits
  spending: ReturnType<typeof limitsFor>
  feeds: FeedSet
  /** Throws before anything has changed where an address is none. */
  setBootstrap(addresses: readonly string[]): void
}

export function budgetOf({ budget }: Pick<Config, 'budget'>): BudgetLimits {
  return {
    secondsPerDay: budget.secondsPerDay ?? Number.POSITIVE_INFINITY,
    bytesPerDay: budget.bytesPerDay ?? Number.POSITIVE_INFINITY,
  }
}

/** Takes over what the schema marks as `reload`; all of it, or, where something is wrong, nothing. */
export function createReload(started: Config, parts: Reloadable): (next: Config) => Reloaded {
  let inForce = started
  return (next) => {
    const differs = (path: string, before: Config) =>
      JSON.stringify(configValue(before, path)) !== JSON.stringify(configValue(next, path))
    const keys = configKeys()
    const changed = keys.filter(({ path, reload }) => reload && differs(path, inForce))
    const needRestart = keys.filter(({ path, reload }) => !reload && differs(path, started))
    parts.setBootstrap(next.gossip.bootstrap)
    const spending = limitsFor(parts.params, next.limits)
    parts.spending.maxFeePerGas = spending.maxFeePerGas
    Object.assign(parts.spending.limits, spending.limits)
    Object.assign(parts.budget, budgetOf(next))
    parts.feeds.set(next.feeds)
    inForce = next
    return { changed: changed.map(({ path }) => path), needRestart: needRestart.map(({ path }) => path) }
  }
}
