import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import { keccak256, toUtf8Bytes } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { readDirectory } from '../../src/chain/directory.ts'
import { bondingInterface } from '../../src/chain/livepeer.ts'
import { createMulticall, MULTICALL3 } from '../../src/chain/multicall.ts'
import { tokens } from '../../src/chain/presets.ts'
import { createRpc } from '../../src/chain/rpc.ts'
import { addressOf } from '../../src/chain/setup.ts'
import { readOrchestrators } from '../../src/chain/table.ts'
import type { Alarm, Deployment } from '../../src/chain/types.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { node, unlockedSender } from './doubles.ts'
import { type RpcProxy, startProxy } from './proxy.ts'
import { artifacts, createWorld, interfaceOf, signal, silent, type World } from './world.ts'

let world: World
let book: Hex
let pool: Hex
let deployment: Deployment
let proxy: RpcProxy
let send: Awaited<ReturnType<typeof unlockedSender>>
vi.setConfig({ testTimeout: 20_000 })
setMaxListeners(0, signal)
const folder = scratchFolder('table')
const until = (what: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await what()).toBe(true), { timeout: 8_000, interval: 20 })

const poolCall = (name: string, values: unknown[] = [], at = pool) =>
  send(at, interfaceOf('DoublePool').encodeFunctionData(name, values))
const deploy = (name: string) => send(undefined, artifacts.contracts[name]!.bytecode)
const setContract = (name: string, to: Hex) =>
  send(
    book,
    interfaceOf('DoubleAddressBook').encodeFunctionData('setContractInfo', [
      keccak256(toUtf8Bytes(name)),
      to,
      `0x${'00'.repeat(20)}`,
    ]),
  )
async function table(spanFile?: string, rpcUrl = world.anvil.rpcUrl, progress?: (at: bigint) => void) {
  const rpc = createRpc({ rpcUrls: [rpcUrl], chainId: deployment.chainId }, { log: silent })
  try {
    return await readOrchestrators(
      { deployment, rounds: 30, roundSec: 60, ...(spanFile ? { spanFile } : {}) },
      { rpc, clock: systemClock, log: silent, ...(progress ? { onProgress: ({ at }) => progress(at) } : {}) },
      signal,
    )
  } finally {
    rpc.close()
  }
}

beforeAll(async () => {
  world = await createWorld({ roundSec: 60 })
  proxy = await startProxy(world.anvil.rpcUrl)
  send = await unlockedSender(world)
  book = await deploy('DoubleAddressBook')
  pool = await deploy('DoublePool')
  for (const name of ['BondingManager', 'RoundsManager', 'TicketBroker', 'ServiceRegistry']) await setContract(name, pool)
  deployment = { ...world.deployment, controller: book }
})
afterAll(async () => {
  proxy?.close()
  await world?.stop()
})
afterEach(() => {
  proxy.trick = undefined
})

describe('the table of orchestrators', () => {
  it('comes from who has a deposit where there is no Livepeer', async () => {
    const rpc = createRpc({ rpcUrls: [world.anvil.rpcUrl], chainId: deployment.chainId }, { log: silent })
    await world.send(world.orchestrators[1]!, 'deposit', 'thaw', [tokens(400)])
    const init = { deployment: world.deployment, rounds: 30, roundSec: 60 }
    const { source, rows } = await readOrchestrators(init, { rpc, clock: systemClock, log: silent }, signal)
    rpc.close()
    expect(source).toBe('deposits')
    expect(rows.map(({ address }) => address).sort()).toEqual(world.orchestrators.map(addressOf).sort())
    expect(rows.find(({ address }) => address === addressOf(world.orchestrators[1]!))).toEqual({
      address: addressOf(world.orchestrators[1]!),
      totalStake: tokens(600),
      deposit: tokens(600),
      thawing: tokens(400),
      frozen: false,
      slashable: tokens(1000),
      serviceUri: 'http://127.0.0.1:9001',
    })
  })

  it('walks the pool of Livepeer: stake, own and slashable stake, rewards, tickets, rounds', async () => {
    const withDeposit = addressOf(world.orchestrators[0]!)
    await poolCall('add', [node(1), tokens(500), tokens(100), tokens(3), 'https://one.example:8935'])
    await poolCall('add', [node(2), tokens(900), 1n, 0n, 'https://two\u0007.example\n'])
    await poolCall('add', [withDeposit, tokens(700), tokens(7), 0n, ''])
    for (let i = 0; i < 3; i++) {
      await poolCall('newRound')
      for (const address of [node(1), node(2)]) await poolCall('reward', [address])
      await poolCall('redeem', [node(1)])
    }
    const { source, rows, round, window } = await table()
    expect({ source, round }).toEqual({ source: 'livepeer', round: 4n })
    expect(window).toMatchObject({ rounds: 30, newRounds: 3 })
    expect(rows).toEqual([
      {
        ...{ address: node(2), totalStake: tokens(900), ownBond: 1n, slashable: 1n, serviceUri: 'https://two.example' },
        ...{
          deposit: 0n,
          thawing: 0n,
          frozen: false,
          lastRewardRound: 4n,
          rewardCalls: 3,
          tickets: 0,
          rewardedWithoutTickets: true,
        },
      },
      {
        ...{ address: withDeposit, totalStake: tokens(700), ownBond: tokens(7), slashable: tokens(1007), serviceUri: '' },
        ...{ deposit: tokens(1000), thawing: 0n, frozen: false, lastRewardRound: 0n, rewardCalls: 0, tickets: 0 },
        rewardedWithoutTickets: false,
      },
      {
        ...{ address: node(1), totalStake: tokens(500), ownBond: tokens(103), slashable: tokens(103) },
        ...{ serviceUri: 'https://one.example:8935', deposit: 0n, thawing: 0n, frozen: false, lastRewardRound: 4n },
        ...{ rewardCalls: 3, tickets: 3, rewardedWithoutTickets: false },
      },
    ])
  })

  it('names all of them with their service URIs for the feeds of scores, with Livepeer and without', async () => {
    const rpc = createRpc({ rpcUrls: [world.anvil.rpcUrl], chainId: deployment.chainId }, { log: silent })
    const listed = await readDirectory(deployment, { rpc }, signal)
    expect(listed.map(({ address }) => address).sort()).toEqual([node(1), node(2), addressOf(world.orchestrators[0]!)].sort())
    expect(listed.find(({ address }) => address === node(1))?.serviceUri).toBe('https://one.example:8935')
    const ours = await readDirectory(world.deployment, { rpc }, signal)
    expect(ours.map(({ address }) => address).sort()).toEqual(world.orchestrators.map(addressOf).sort())
    expect(ours.find(({ address }) => address === addressOf(world.orchestrators[1]!))?.serviceUri).toBe('http://127.0.0.1:9001')
    rpc.close()
  })

  it('counts only the window, and reads only new blocks the next time', async () => {
    const file = join(folder, 'window.ndjson')
    const first = await table(file)
    const asked: bigint[] = []
    proxy.trick = ({ method, params }, pass) => {
      if (method === 'eth_getLogs') asked.push(BigInt((params[0] as { fromBlock: string }).fromBlock))
      return pass()
    }
    await poolCall('reward', [node(1)])
    const again = await table(file, proxy.url)
    expect(asked).toEqual([first.block + 1n])
    expect(again.rows.find(({ address }) => address === node(1))).toMatchObject({ rewardCalls: 4, tickets: 3 })
    await world.pass(31 * 60)
    const later = await table(file)
    expect(later.rows.find(({ address }) => address === node(1))).toMatchObject({ rewardCalls: 0, tickets: 0 })
    expect(later.window!.newRounds).toBe(0)
  })

  it('tells how far the scan is', async () => {
    const seen: bigint[] = []
    const { block } = await table(undefined, world.anvil.rpcUrl, (at) => seen.push(at))
    expect(seen.at(-1)).toBe(block)
  })

  it('asks the Controller anew each time, and refuses a pool without end or contracts that are not there', async () => {
    const other = await deploy('DoublePool')
    await setContract('BondingManager', other)
    expect((await table()).rows).toEqual([])
    await poolCall('add', [node(5), 1n, 1n, 0n, ''], other)
    await poolCall('add', [node(6), 1n, 1n, 0n, ''], other)
    await poolCall('loop', [node(6)], other)
    await expect(table()).rejects.toThrow(/the pool of orchestrators does not end/)
    await setContract('BondingManager', node(9))
    await expect(table()).rejects.toThrow(/does not answer getTranscoderPoolSize\(\); is it Livepeer's BondingManager/)
    await setContract('BondingManager', `0x${'0'.repeat(40)}`)
    await expect(table()).rejects.toThrow(/names no BondingManager; check "controller"/)
    await setContract('BondingManager', pool)
  })
})

describe('many reads', () => {
  it('give the same with Multicall3 and without; one request with it', async () => {
    const rpc = createRpc({ rpcUrls: [proxy.url], chainId: deployment.chainId }, { log: silent })
    const views = [node(1), node(2), node(3)].flatMap((address) => [
      { to: pool, contract: bondingInterface, name: 'transcoderTotalStake', values: [address] },
      { to: node(9), contract: bondingInterface, name: 'transcoderTotalStake', values: [address] },
      { to: book, contract: bondingInterface, name: 'getTranscoder', values: [address] },
    ])
    const alone = await createMulticall({ rpc }).read(views, { signal })
    expect(alone.slice(0, 4)).toEqual([[tokens(500)], undefined, undefined, [tokens(900)]])
    const code = await world.provider.send('eth_getCode', [await deploy('DoubleMulticall'), 'latest'])
    await world.provider.send('anvil_setCode', [MULTICALL3, code])
    proxy.calls.length = 0
    expect(await createMulticall({ rpc }).read(views, { signal })).toEqual(alone)
    expect(proxy.calls).toEqual(['eth_getCode', 'eth_call'])
    rpc.close()
  })
})

describe('evasion in the pool', () => {
  it('an unbond and a moved bond of a suspect are alarms, also after the BondingManager has moved', async () => {
    const chain = await world.chain({ deployment, compareMs: 50 })
    const heard: Alarm[] = []
    chain.onAlarm((alarm) => heard.push(alarm))
    chain.suspect(node(1), 'fault O3 found')
    await poolCall('unbond', [node(2), 1n])
    await poolCall('unbond', [node(1), 5n])
    await poolCall('transferBond', [node(1), node(8), 6n])
    await until(() => heard.length === 2)
    expect(heard.map(({ kind, transcoder, amount, other, because }) => ({ kind, transcoder, amount, other, because }))).toEqual([
      { kind: 'unbond', transcoder: node(1), amount: 5n, other: undefined, because: 'fault O3 found' },
      { kind: 'transfer-bond', transcoder: node(1), amount: 6n, other: node(8), because: 'fault O3 found' },
    ])
    const other = await deploy('DoublePool')
    await poolCall('add', [node(1), 10n, 10n, 0n, ''], other)
    await setContract('BondingManager', other)
    await poolCall('unbond', [node(1), 7n], other)
    await until(() => heard.length === 3)
    expect(heard[2]).toMatchObject({ kind: 'unbond', amount: 7n })
    await chain.close()
  })
})
