import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Deployment } from '../../src/chain/types.ts'
import { followGossip } from '../../src/monitor/alerts/gossip.ts'
import { until } from '../node/net.ts'

const deployment = { chainId: 1n, anchor: `0x${'ab'.repeat(20)}` } as Deployment
const stop = new AbortController()
afterAll(() => stop.abort())

describe('the gossip of a monitor', () => {
  it('that nobody brings is told after a minute: it is not as if there were no false proofs', async () => {
    let laterMs = 0
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + laterMs }
    const ear = followGossip({ deployment, peers: ['/ip4/127.0.0.1/tcp/9'] }, { clock, signal: stop.signal })
    expect(ear.seen()).toEqual({ trouble: undefined })
    laterMs = 60_000
    expect(ear.seen()).toEqual({ trouble: 'none of 1 peers is connected' })
  })

  it('that cannot be begun is told at once, and tried again; without peers there is none', async () => {
    const ear = followGossip({ deployment, peers: ['nowhere'] }, { clock: systemClock, signal: stop.signal })
    await until(() => ear.seen()?.trouble !== undefined)
    expect(ear.seen()?.trouble).toMatch(/nowhere/)
    expect(followGossip({ deployment, peers: [] }, { clock: systemClock, signal: stop.signal }).seen()).toBeUndefined()
    stop.abort()
    await ear.ended
  })
})
