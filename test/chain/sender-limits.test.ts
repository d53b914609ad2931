import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { memoryIntents } from '../../src/chain/intents.ts'
import { type Limits, refusalByLimits, usageOf, weiOf } from '../../src/chain/limits.ts'
import { tokens } from '../../src/chain/presets.ts'
import { createSpending } from '../../src/chain/spending.ts'
import type { CaseView, Intent } from '../../src/chain/types.ts'
import { limitsFor, networkParams } from '../../src/pipeline/network.ts'
import { hash } from '../helpers/fixtures.ts'
import { silent } from './world.ts'

const me: Hex = `0x${'11'.repeat(20)}`
const NOW = 1_800_000_000_000
const HOUR = 3_600_000
const limits: Limits = { gasPerDay: 1000n, bond: tokens(50), slashesPerDay: 2 }
let number = 0

function intent(change: Partial<Intent> = {}): Intent {
  const faultId = hash(++number)
  return {
    ...{ id: `${faultId}:reveal`, faultId, action: 'reveal', state: 'mined', to: me, data: '0x', nonce: 1, atMs: NOW - HOUR },
    variants: [{ hash: hash(1), raw: '0x', gasLimit: 10n, maxFeePerGas: 30n, maxPriorityFeePerGas: 1n }],
    spent: 100n,
    ...change,
  }
}
const underWay = (change: Partial<Intent> = {}): Intent => {
  const { spent: _, ...rest } = intent({ state: 'signed', ...change })
  return rest
}
const openCase = (change: Partial<CaseView> = {}): CaseView => ({
  ...{ faultId: hash(++number), faultClass: 'D2', transcoder: me, receiptDigest: hash(2), state: 'open', opener: me },
  ...{ bond: tokens(25), tx: hash(3), blockNumber: 1n },
  ...change,
})
const usage = (intents: Intent[], cases: CaseView[] = []) => usageOf(intents, cases, me, NOW)

describe('what was spent and staked', () => {
  it('is what mined ones cost, and the most that those under way may cost', () => {
    expect(usage([intent(), intent({ state: 'refused', spent: 40n }), underWay()]).gasWei).toBe(100n + 40n + 300n)
    expect(usage([underWay({ variants: [], state: 'intended' })]).gasWei).toBe(0n)
  })

  it('counts whatever can still be mined, however old it is: its gas, and what it takes', () => {
    expect(usage([underWay({ atMs: NOW - 25 * HOUR }), underWay({ atMs: NOW - 500 * HOUR })])).toMatchObject({
      ...{ gasWei: 600n, slashes: 2 },
    })
  })

  it('counts gas on the day that it was burned, however long the transaction had waited', () => {
    expect(usage([intent({ atMs: NOW - 40 * HOUR, spentAtMs: NOW - HOUR })]).gasWei).toBe(100n)
    expect(usage([intent({ atMs: NOW - 60 * HOUR, spentAtMs: NOW - 25 * HOUR })]).gasWei).toBe(0n)
  })

  it('asks of new work that all in front of it can pay the fee of now, and of nothing else', () => {
    const intents = [underWay(), underWay({ atMs: NOW - 30 * HOUR }), intent()]
    expect(usageOf(intents, [], me, NOW, 50n).gasWei).toBe(500n + 500n + 100n)
    expect(usageOf(intents, [], me, NOW, 20n).gasWei).toBe(700n)
  })

  it('leaves out what is older than a day, and keeps what earlier tries of the same work cost', () => {
    expect(usage([intent({ atMs: NOW - 25 * HOUR })])).toEqual({ gasWei: 0n, bond: 0n, slashes: 0 })
    const past = [
      { atMs: NOW - 2 * HOUR, wei: 7n },
      { atMs: NOW - 30 * HOUR, wei: 9n },
    ]
    expect(usage([intent({ past })]).gasWei).toBe(107n)
  })

  it('counts bonds of our open cases, and of those that are on their way, each once', () => {
    const opening = underWay({ action: 'open', bond: tokens(25) })
    expect(usage([opening]).bond).toBe(tokens(25))
    expect(usage([opening], [openCase({ faultId: opening.faultId })]).bond).toBe(tokens(25))
    const others = [
      openCase({ opener: `0x${'22'.repeat(20)}` }),
      openCase({ state: 'expired' }),
      openCase({ state: 'convicted' }),
    ]
    expect(usage([], others).bond).toBe(0n)
    expect(usage([], [openCase({ state: 'answered' })]).bond).toBe(tokens(25))
    expect(usage([intent({ action: 'open', bond: tokens(25), state: 'refused' })]).bond).toBe(0n)
  })

  it('counts proofs that took stake or may yet, and no other work', () => {
    const all = [intent(), underWay({ action: 'convict' }), intent({ state: 'refused' }), intent({ action: 'commit' })]
    expect(usage(all).slashes).toBe(2)
  })

  it('never shrinks by more history', () => {
    const one = fc.record({ state: fc.constantFrom('signed', 'mined', 'refused'), ago: fc.nat(48), wei: fc.nat(500) })
    const made = fc.array(one, { maxLength: 8 })
    fc.assert(
      fc.property(made, made, (a, b) => {
        const intents = [...a, ...b].map(({ state, ago, wei }) =>
          intent({ state: state as Intent['state'], atMs: NOW - ago * HOUR, spent: BigInt(wei) }),
        )
        const [less, more] = [usage(intents.slice(0, a.length)), usage(intents)]
        expect(more.gasWei >= less.gasWei && more.bond >= less.bond && more.slashes >= less.slashes).toBe(true)
      }),
    )
  })
})

describe('twenty commits that are stuck', () => {
  // What the public preset allows: 0.05 coins a day, 10 gwei; each is admitted at 0.14 gwei.
  const [GAS, GWEI] = [650_000n, 1_000_000_000n]
  const store = memoryIntents()
  const said: Record<string, unknown>[] = []
  const log = { ...silent, warn: (_: string, fields?: object) => void said.push({ ...fields }) }
  const spending = createSpending(
    { gasPerDay: weiOf(0.05), bond: 0n, slashesPerDay: 20 },
    { intents: store, log, clock: systemClock },
  )
  const offer = (maxFeePerGas: bigint) => ({ gasLimit: GAS, maxFeePerGas, maxPriorityFeePerGas: 1n })
  const stuck = Array.from({ length: 20 }, () => {
    const variants = [{ hash: hash(1), raw: '0x' as const, ...offer((14n * GWEI) / 100n) }]
    return underWay({ action: 'commit', atMs: Date.now(), variants })
  })

  it('are raised as far as the money of a day goes, and then told of once each', async () => {
    for (const one of stuck) await store.record(one, { signal: new AbortController().signal })
    for (let rounds = 0; rounds < 40; rounds++)
      for (const { id } of stuck) {
        const one = (await store.load(id))!
        const last = one.variants.at(-1)!
        const next = offer((last.maxFeePerGas * 115n) / 100n + 1n)
        if (next.maxFeePerGas > 10n * GWEI || spending.holdsBack(one, next, me)) continue
        await store.record(
          { ...one, variants: [...one.variants, { ...last, ...next }] },
          { signal: new AbortController().signal },
        )
      }
    const most = usageOf(store.all(), [], me, Date.now()).gasWei
    expect(most).toBeLessThanOrEqual(weiOf(0.05))
    expect(most).toBeGreaterThan(weiOf(0.04))
    expect(said.map(({ faultId }) => faultId).sort()).toEqual(stuck.map(({ faultId }) => faultId).sort())
    expect(said[0]).toMatchObject({
      action: 'commit',
      nonce: 1,
      reason: expect.stringMatching(/limits\.gasPerDay \(0\.05\); wait/),
    })
  })
})

describe('limits', () => {
  const none = { gasWei: 0n, bond: 0n, slashes: 0 }
  it.each([
    ['gas up to the cap', { ...none, gasWei: 900n }, { action: 'settle', gasWei: 100n }, undefined],
    ['gas above it', { ...none, gasWei: 900n }, { action: 'settle', gasWei: 101n }, /limits\.gasPerDay/],
    ['bonds up to the cap', { ...none, bond: tokens(25) }, { action: 'open', gasWei: 1n, bond: tokens(25) }, undefined],
    ['bonds above it', { ...none, bond: tokens(26) }, { action: 'open', gasWei: 1n, bond: tokens(25) }, /51 tokens.*\(50\)/],
    ['work without a bond beside full ones', { ...none, bond: tokens(99) }, { action: 'reveal', gasWei: 1n }, undefined],
    ['the last slash of a day', { ...none, slashes: 1 }, { action: 'reveal', gasWei: 1n }, undefined],
    ['one more', { ...none, slashes: 2 }, { action: 'convict', gasWei: 1n }, /limits\.slashesPerDay is 2/],
    ['a commitment beside all slashes', { ...none, slashes: 2 }, { action: 'commit', gasWei: 1n }, undefined],
  ] as const)('say of %s', (_, used, plan, reason) => {
    const said = refusalByLimits(limits, used, plan)
    if (reason === undefined) expect(said).toBeUndefined()
    else expect(said).toMatch(reason)
  })

  it('follow the network where the operator says nothing', () => {
    const given = limitsFor(networkParams('arbitrum-one'), { bond: 25 })
    expect(given.limits).toEqual({ gasPerDay: weiOf(0.05), bond: tokens(25), slashesPerDay: 20 })
    expect(given.maxFeePerGas).toBe(10_000_000_000n)
    expect(limitsFor(networkParams('local'), { slashesPerDay: 0 }).limits.slashesPerDay).toBe(0)
  })

  it('are read as people write amounts', () => {
    expect([0.05, 1, 0.000000001, 250, 1e9].map(weiOf)).toEqual([5n * 10n ** 16n, 10n ** 18n, 10n ** 9n, tokens(250), 10n ** 27n])
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => weiOf(bad)).toThrow(/no amount/)
  })
})
