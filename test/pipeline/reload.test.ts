import { describe, expect, it } from 'vitest'
import { SILENT } from '../../src/base/log.ts'
import { type Config, configSchema } from '../../src/config/schema.ts'
import { createFeedSet } from '../../src/pipeline/feed-set.ts'
import { limitsFor, networkParams } from '../../src/pipeline/network.ts'
import { budgetOf, createReload } from '../../src/pipeline/reload.ts'
import { createBudget } from '../../src/sample/budget.ts'

const configOf = (more: object = {}): Config =>
  configSchema.parse({ dataDir: '/d', rpc: ['http://a'], deployment: '/e', ...more })
const feed = (n: number) => ({ transcoder: `0x${String(n).repeat(40)}`, url: `http://feed${n}` })

function parts(config: Config) {
  const stopping = new AbortController()
  const followed: string[] = []
  const params = networkParams('local')
  const feeds = createFeedSet({
    ...{ logger: SILENT, signal: stopping.signal },
    follow: (one, signal) =>
      new Promise((resolve) => {
        followed.push(`+${one.url}`)
        signal.addEventListener('abort', () => {
          followed.push(`-${one.url}`)
          resolve()
        })
      }),
  })
  feeds.set(config.feeds)
  const bootstrap: string[][] = []
  return {
    ...{ params, feeds, followed, stopping, bootstrap, budget: budgetOf(config), spending: limitsFor(params, config.limits) },
    setBootstrap: (addresses: readonly string[]) => void bootstrap.push([...addresses]),
  }
}

describe('a new configuration while it runs', () => {
  it('changes what the budget and the chain client read, without new ones', () => {
    const config = configOf({ budget: { secondsPerDay: 100 }, limits: { bond: 5, maxFeeGwei: 3 } })
    const all = parts(config)
    const budget = createBudget(all.budget)
    const { limits } = all.spending
    expect(budget.allows(0, 'sample', 1)).toBe(true)
    budget.spend(0, { seconds: 50, bytes: 0 })
    const reload = createReload(config, all)
    const tight = configOf({ budget: { secondsPerDay: 10 }, limits: { bond: 1, maxFeeGwei: 2 } })
    expect(reload(tight)).toEqual({ changed: ['limits.maxFeeGwei', 'limits.bond', 'budget.secondsPerDay'], needRestart: [] })
    expect(budget.allows(0, 'sample', 1)).toBe(false)
    expect([limits.bond, all.spending.maxFeePerGas]).toEqual([10n ** 18n, 2_000_000_000n])
    // What is left out is the network's again.
    reload(configOf())
    expect([limits.bond, budget.allows(0, 'sample', 1)]).toEqual([10n ** 24n, true])
  })

  it('starts feeds that are new, ends those that are gone, and leaves the others alone', async () => {
    const config = configOf({ feeds: [feed(1), feed(2)] })
    const all = parts(config)
    createReload(config, all)(configOf({ feeds: [feed(2), feed(3), feed(3)] }))
    expect(all.followed).toEqual(['+http://feed1', '+http://feed2', '-http://feed1', '+http://feed3'])
    all.stopping.abort()
    await all.feeds.ended()
    expect(all.followed.slice(4).sort()).toEqual(['-http://feed2', '-http://feed3'])
  })

  it('names what waits for a restart each time, and what changed once', () => {
    const config = configOf()
    const reload = createReload(config, parts(config))
    const next = configOf({ mode: 'observe', maxWaiting: 7, log: { level: 'warn' } })
    expect(reload(next)).toEqual({ changed: ['log.level'], needRestart: ['maxWaiting'] })
    expect(reload(next)).toEqual({ changed: [], needRestart: ['maxWaiting'] })
    expect(reload(config)).toEqual({ changed: ['log.level'], needRestart: [] })
  })

  it('changes nothing where the addresses are wrong', () => {
    const config = configOf({ feeds: [feed(1)] })
    const all = parts(config)
    const setBootstrap = () => {
      throw new Error('no multiaddr')
    }
    const reload = createReload(config, { ...all, setBootstrap })
    expect(() => reload(configOf({ limits: { bond: 1 }, feeds: [feed(2)] }))).toThrow('no multiaddr')
    expect([all.followed, all.spending.limits.bond]).toEqual([['+http://feed1'], 10n ** 24n])
  })
})
