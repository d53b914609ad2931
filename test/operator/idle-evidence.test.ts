import { afterAll, beforeAll, expect, it } from 'vitest'
import { evidenceAt } from '../../src/operator/idle-evidence.ts'
import { hash } from '../helpers/fixtures.ts'
import { NODE, OTHER, openSite } from '../observe/site.ts'

let site: Awaited<ReturnType<typeof openSite>>
beforeAll(async () => {
  site = await openSite()
})
afterAll(() => site?.stop())

it('a fault that the chain convicted counts, whatever we noted of it afterwards', async () => {
  const steps = [
    { faultId: hash(1), faultClass: 'O3', transcoder: NODE, states: ['found', 'convicted', 'reported'] },
    { faultId: hash(2), faultClass: 'O1', transcoder: NODE, states: ['found', 'convicted', 'settled', 'lost'] },
    // Nothing was taken for these: no conviction, or one of a wrong picture.
    { faultId: hash(3), faultClass: 'O3', transcoder: OTHER, states: ['found', 'lost'] },
    { faultId: hash(4), faultClass: 'D2', transcoder: OTHER, states: ['found', 'open', 'convicted', 'reported'] },
  ]
  for (const { states, ...about } of steps) for (const state of states) await site.log.append('case', { ...about, state })
  const rows = await evidenceAt({ url: site.url, headers: {} }, AbortSignal.timeout(20_000))
  expect(rows.map(({ address, faults }) => [address, faults])).toEqual([[NODE, 2]])
})
