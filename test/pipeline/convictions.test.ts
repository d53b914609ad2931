import { describe, expect, it } from 'vitest'
import type { ActionResult, CaseView } from '../../src/chain/types.ts'
import type { Act } from '../../src/pipeline/actions.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createConvictions } from '../../src/pipeline/convictions.ts'
import { networkParams } from '../../src/pipeline/network.ts'
import type { Standing } from '../../src/pipeline/standing.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const me = addressOf(wallet(1))
const convicted: CaseView = {
  ...{ faultId: hash(1), faultClass: 'D2', transcoder: addressOf(wallet(2)), receiptDigest: hash(2), state: 'convicted' },
  ...{ opener: me, finder: me, releaseAtSec: 90, blockNumber: 1n },
} as unknown as CaseView

/** Pays out the same conviction again and again, as heads come; the chain answers as the test says. */
async function settling(result: ActionResult | undefined, times: number): Promise<number> {
  let tried = 0
  const act = Object.assign(
    async () => {
      tried++
      return result
    },
    { again() {} },
  ) as unknown as Act
  const bench = {
    ...{ identity: {}, address: me, params: networkParams('local'), signal: new AbortController().signal },
    chain: { nowSec: () => 100, round: async () => 1n, alarms: () => [], levelOf: () => 'included' },
    logger: { warn() {} },
  } as unknown as Bench
  const convictions = createConvictions(bench, { act, standing: {} as Standing })
  for (let i = 0; i < times; i++) await convictions.conclude(convicted)
  return tried
}

describe('the pay-out of a conviction', () => {
  it('is tried once where the oracle overturned it, and never again', async () => {
    expect(await settling({ status: 'refused', reason: 'IsOverturned(0x01)', error: 'IsOverturned' }, 5)).toBe(1)
  })

  it.each<[string, ActionResult | undefined]>([
    ['the contracts are paused', { status: 'refused', reason: 'paused', error: 'EnforcedPause' }],
    ['a cap of ours keeps it back', { status: 'refused', reason: 'the gas of a day is used up' }],
    ['the RPC failed', undefined],
  ])('is tried again where %s', async (_, result) => {
    expect(await settling(result, 5)).toBe(5)
  })
})
