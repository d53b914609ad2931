import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { type Limits, refusalByLimits, usageOf, weiOf } from '../../src/chain/limits.ts'
import { tokens } from '../../src/chain/presets.ts'
import type { CaseView, Intent } from '../../src/chain/types.ts'
import { limitsFor, networkParams } from '../../src/pipeline/network.ts'
import { hash } from '../helpers/fixtures.ts'

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
