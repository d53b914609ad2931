import { setMaxListeners } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { EventRow } from '../../proofs/dataset.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type RoundEventsInit, readRoundEvents } from '../../src/chain/idle-events.ts'
import { createRpc } from '../../src/chain/rpc.ts'
import { deriveIdle } from '../../src/idle/idle.ts'
import { createLivepeerDoubles, type LivepeerDoubles, node } from './doubles.ts'
import { createWorld, signal, silent, type World } from './world.ts'

let world: World
let livepeer: LivepeerDoubles
vi.setConfig({ testTimeout: 30_000 })
setMaxListeners(0, signal)
const folder = mkdtempSync(join(tmpdir(), 'fisherman-idle-events-'))

async function read(more: Partial<RoundEventsInit> = {}, progress?: (from: bigint) => void) {
  const rpc = createRpc({ rpcUrls: [world.anvil.rpcUrl], chainId: world.deployment.chainId }, { log: silent })
  try {
    return await readRoundEvents(
      { deployment: livepeer.deployment, rounds: 90, roundSec: 3600, ...more },
      { rpc, clock: systemClock, ...(progress ? { onProgress: ({ from }) => progress(from) } : {}) },
      signal,
    )
  } finally {
    rpc.close()
  }
}
/** Final here is what has 64 blocks on top. */
const settle = () => world.provider.send('anvil_mine', ['0x50'])
const kinds = (rows: readonly EventRow[]) => rows.map(({ kind }) => kind)

beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  livepeer = await createLivepeerDoubles(world)
})
afterAll(async () => {
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('events of whole rounds', () => {
  it('are refused in words where there is no Livepeer, and where no round is over', async () => {
    await expect(read({ deployment: world.deployment })).rejects.toMatchObject({ code: 'idle-no-livepeer' })
    await livepeer.call('newRound')
    await settle()
    await expect(read()).rejects.toMatchObject({ code: 'idle-no-round' })
  })

  it('come from the beginning of a round to the beginning of another, final ones only', async () => {
    await livepeer.call('add', [node(1), 500n, 100n, 3n, 'https://one.example:8935'])
    await livepeer.call('reward', [node(1)])
    await livepeer.call('redeemFrom', [node(9), node(2), 7n])
    await livepeer.call('bondTo', [node(9), node(1), 11n])
    await livepeer.call('setServiceURI', [node(1), 'https://two\u0007.example'])
    await livepeer.call('enterAndLeave', [node(1)])
    await livepeer.call('unbond', [node(1), 10n])
    await livepeer.call('newRound')
    await livepeer.call('reward', [node(1)])
    await settle()
    const found = await read()
    expect(kinds(found.events)).toEqual([
      ...['new-round', 'reward', 'ticket', 'bond', 'service-uri', 'transcoder-update', 'activated', 'deactivated', 'unbond'],
    ])
    expect(found).toMatchObject({ round: 2n, rounds: 1 })
    expect(found.from.number).toBe(found.events[0]?.block)
    expect(found.to.number).toBeGreaterThan(found.events.at(-1)!.block - 1n)
    expect(found.events).toContainEqual(
      expect.objectContaining({ kind: 'ticket', sender: node(9), recipient: node(2), faceValue: 7n }),
    )
    expect(found.events).toContainEqual(expect.objectContaining({ kind: 'service-uri', uri: 'https://two.example' }))
    expect(found.state).toEqual([
      { address: node(1), ownBond: 90n, totalStake: 511n, inPool: 1, serviceUri: 'https://two.example' },
      { address: node(2), ownBond: 0n, totalStake: 0n, inPool: 0, serviceUri: '' },
    ])
    // A round that has begun and is not final yet changes nothing.
    await livepeer.call('newRound')
    expect((await read()).events).toEqual(found.events)
  })

  it('are kept on disk and read once; the sums are those of the contracts', async () => {
    const spanFile = join(folder, 'idle.ndjson')
    const before = await read({ spanFile })
    expect(existsSync(spanFile)).toBe(true)
    for (let i = 0; i < 3; i++) {
      await livepeer.call('reward', [node(1)])
      await livepeer.call('newRound')
    }
    await settle()
    const begins: bigint[] = []
    const after = await read({ spanFile }, (from) => begins.push(from))
    expect(begins[0]).toBeGreaterThan(before.to.number)
    expect(after.events.slice(0, before.events.length)).toEqual(before.events)
    expect(after.rounds).toBe(5)
    const one = deriveIdle({ ...after, evidence: [] }).find(({ address }) => address === node(1))
    // Two rewards before, three after, of one token each.
    expect(one).toMatchObject({ rewardCalls: 5, rewardedRounds: 5, mintedLpt: 5n * 10n ** 18n, class: 'unproven' })
    expect((await read({ spanFile, rounds: 2 })).rounds).toBe(2)
    await expect(read({ spanFile, maxEvents: 5 })).rejects.toMatchObject({ code: 'idle-too-many' })
  })
})
