import { describe, expect, it } from 'vitest'
import { SILENT } from '../../src/base/log.ts'
import { createRpc } from '../../src/chain/rpc.ts'
import type { CaseView, Deployment } from '../../src/chain/types.ts'
import { openAlertBook } from '../../src/monitor/alerts/book.ts'
import { lookAround } from '../../src/monitor/alerts/look.ts'
import { judge, type Memory, NO_MEMORY, THRESHOLDS } from '../../src/monitor/alerts/rules.ts'
import type { Observation } from '../../src/monitor/alerts/types.ts'
import { hash } from '../helpers/fixtures.ts'

// Who sees nothing says neither that a trouble is over nor, when it sees again, that it began.

const NODE = `0x${'ab'.repeat(20)}` as const
const URL = 'http://127.0.0.1:7936'
const HEAD = { blockNumber: 9n, tx: hash(3), receiptDigest: hash(2), transcoder: NODE, faultClass: 'D2' as const }
const one = (change: Partial<CaseView> = {}): CaseView => ({
  ...HEAD,
  faultId: hash(1),
  state: 'open',
  expiresAtSec: 300,
  ...change,
})
const seen = (change: Partial<Observation> = {}): Observation => ({
  ...{ nowSec: 100, headAgeSec: 1, trouble: undefined, cases: [], alarms: [], paused: false },
  ...{ parameters: { openBond: '25' }, daemons: [], balances: [], falseProofs: [] },
  ...change,
})
/** What every blind look at the chain brings, as `lookAround` says. */
const BLIND = { trouble: 'no endpoint answers', paused: undefined, parameters: {} }

/** Round after round; what a person is told in each. */
function monitor() {
  const book = openAlertBook({ scope: '1:0xa', forwards: false }, { log: SILENT })
  let nowMs = 0
  return (change: Partial<Observation>) => {
    nowMs += 15_000
    return book.take(judge(seen(change), book.memory(), THRESHOLDS), nowMs).map(({ state, alert }) => `${state} ${alert.id}`)
  }
}

describe('a monitor that does not see the chain', () => {
  it('says nothing of a pause, of little gas and of idle cases, and tells their end when it sees that they are over', () => {
    const round = monitor()
    const nowSec = 300 + THRESHOLDS.idleSec
    const poor = { balances: [{ address: NODE, wei: 1n }] }
    const trouble = { nowSec, cases: [one()], paused: true, ...poor }
    const told = ['case-idle', 'funds-low', 'paused'].map((kind) => expect.stringMatching(`^raised ${kind}`))
    expect(
      round(trouble)
        .filter((line) => line.startsWith('raised'))
        .toSorted(),
    ).toEqual(told)
    expect(round({ ...trouble, ...BLIND, balances: [{ address: NODE, wei: undefined }] })).toEqual(['raised chain-trouble'])
    expect(round(trouble)).toEqual(['over chain-trouble'])
    const over = round({ nowSec, cases: [one({ state: 'expired' })], balances: [{ address: NODE, wei: 10n ** 18n }] })
    expect(over.toSorted()).toEqual([`over case-idle:${hash(1)}`, `over funds-low:${NODE}`, 'over paused'])
  })

  it('keeps an old head while it cannot look at all, and tells its end from what it sees', () => {
    const round = monitor()
    expect(round({ headAgeSec: 999 })).toEqual(['raised chain-stale'])
    expect(round({ ...BLIND, headAgeSec: 999 })).toEqual(['raised chain-trouble'])
    expect(round({ headAgeSec: 999 })).toEqual(['over chain-trouble'])
    expect(round({})).toEqual(['over chain-stale'])
  })

  it('does not take what no endpoint answers for "not paused" and for "no coins"', async () => {
    const deployment = Object.fromEntries(
      ['verifier', 'rounds', 'registry', 'deposit'].map((name) => [name, NODE]),
    ) as unknown as Deployment
    const rpc = createRpc({ rpcUrls: ['http://127.0.0.1:9'], chainId: 1n, timeoutMs: 2_000 }, { log: SILENT })
    const chain = { nowSec: () => 1, headAgeSec: () => 1, trouble: () => undefined, cases: () => [], alarms: () => [] }
    const look = { deployment, daemons: [], accounts: [NODE] }
    const looked = await lookAround(look, { chain, rpc, falseProofs: () => [] }, new AbortController().signal)
    rpc.close()
    expect(looked).toMatchObject({ paused: undefined, parameters: {}, balances: [{ address: NODE, wei: undefined }] })
    expect(looked.trouble).toMatch(/127\.0\.0\.1:9/)
  })
})

describe('a monitor that does not see a daemon', () => {
  const stuck = { url: URL, state: 'not-ready', says: 'no bond', checked: 5, receipts: 20 } as const
  const later = THRESHOLDS.stuckSec + 101

  it('takes it for down, and not for ready or for one that judges again', () => {
    const round = monitor()
    round({ daemons: [{ ...stuck, receipts: 10 }] })
    expect(round({ nowSec: later, daemons: [stuck] })).toEqual([`raised daemon-stuck:${URL}`])
    const down = { url: URL, state: 'down', says: 'refused' } as const
    expect(round({ nowSec: later, daemons: [down] })).toEqual([`raised daemon-down:${URL}`])
    expect(round({ nowSec: later, daemons: [stuck] })).toEqual([`over daemon-down:${URL}`])
    const well = round({ nowSec: later, daemons: [{ url: URL, state: 'ready', checked: 6, receipts: 20 }] })
    expect(well.toSorted()).toEqual([`over daemon-not-ready:${URL}`, `over daemon-stuck:${URL}`])
  })

  it('does not count from a look that told no counts', () => {
    const round = monitor()
    expect(round({ nowSec: 0, daemons: [{ url: URL, state: 'ready', refused: 401 }] })).toEqual([`raised daemon-refused:${URL}`])
    const first = { url: URL, state: 'ready', checked: 0, receipts: 400 } as const
    expect(round({ nowSec: later, daemons: [first] })).toEqual([`over daemon-refused:${URL}`])
    expect(round({ nowSec: 2 * later, daemons: [{ ...first, receipts: 500 }] })).toEqual([`raised daemon-stuck:${URL}`])
  })

  it('says of one that is named no more that it is not watched, not that it is well', () => {
    const book = openAlertBook({ scope: '1:0xa', forwards: false }, { log: SILENT })
    const take = (change: Partial<Observation>) => book.take(judge(seen(change), book.memory(), THRESHOLDS), 1)
    take({ daemons: [{ url: URL, state: 'down', says: 'refused' }] })
    const [notice] = take({})
    expect(notice).toMatchObject({ state: 'over', alert: { says: `not watched any more: ${URL} does not answer: refused` } })
  })

  it('tells that nobody brings gossip, and when somebody does again', () => {
    const round = monitor()
    expect(round({ gossip: { trouble: undefined } })).toEqual([])
    expect(round({ gossip: { trouble: 'none of 2 peers is connected' } })).toEqual(['raised gossip-trouble'])
    expect(round({ gossip: { trouble: undefined } })).toEqual(['over gossip-trouble'])
  })
})

describe('what happened while nobody looked', () => {
  const told = (change: Partial<Observation>, before: Memory) =>
    judge(seen(change), before, THRESHOLDS).news.map(({ id }) => id.split(':').slice(0, 2).join(':'))
  const looked = judge(seen(), NO_MEMORY, THRESHOLDS).memory

  it('is told where it was more than one step, also of the first case of a network', () => {
    expect(told({ cases: [one({ state: 'convicted' })] }, looked)).toEqual([`case-convicted:${hash(1)}`])
    expect(told({ cases: [one({ state: 'answered' })] }, looked)).toEqual([`case-new:${hash(1)}`])
    const open = judge(seen({ cases: [one()] }), looked, THRESHOLDS).memory
    expect(told({ cases: [one({ state: 'settled' })] }, open)).toEqual([`case-convicted:${hash(1)}`])
    const convicted = judge(seen({ cases: [one({ state: 'convicted' })] }), open, THRESHOLDS).memory
    expect(told({ cases: [one({ state: 'settled' })] }, convicted)).toEqual([])
    expect(told({ cases: [one({ state: 'settled' })] }, NO_MEMORY)).toEqual([])
  })

  it('is told of a parameter as often as it changes, and not of one that is not told for a while', () => {
    const round = monitor()
    const at = (nowSec: number, openBond: string) => round({ nowSec, parameters: { openBond, minBond: '1' } }).length
    expect([at(1, '25'), at(2, '30'), at(3, '25'), at(4, '30'), at(5, '30')]).toEqual([0, 1, 1, 1, 0])
    expect(round({ nowSec: 6, parameters: { openBond: '30' } })).toEqual([])
    expect(at(7, '30')).toBe(0)
  })
})
