import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../../src/base/log.ts'
import { addressOf } from '../../src/chain/setup.ts'
import type { Chain, HeadEvent } from '../../src/chain/types.ts'
import { Refused, type RpcProxy, startProxy, type Trick } from './proxy.ts'
import { accuse, createWorld, silent, type World } from './world.ts'

let world: World
let clean: string
const proxies: RpcProxy[] = []
let open: Chain[] = []
vi.setConfig({ testTimeout: 15_000 })
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  clean = await world.snapshot()
})
afterAll(() => world?.stop())
afterEach(async () => {
  await Promise.all(open.map((chain) => chain.close()))
  open = []
  for (const proxy of proxies.splice(0)) proxy.close()
  await world.revert(clean)
  clean = await world.snapshot()
})

async function hostile(): Promise<RpcProxy> {
  const proxy = await startProxy(world.anvil.rpcUrl)
  proxies.push(proxy)
  return proxy
}
async function connect(init: Parameters<World['chain']>[0] = {}): Promise<Chain> {
  const chain = await world.chain({ signer: world.fishermen[0]!, rpcTimeoutMs: 400, compareMs: 50, ...init })
  open.push(chain)
  return chain
}
const until = (what: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await what()).toBe(true), { timeout: 8_000, interval: 20 })
function listening(): { lines: string[]; log: Logger } {
  const lines: string[] = []
  const keep = (text: string, fields?: object) =>
    void lines.push(`${text} ${JSON.stringify(fields, (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`)
  return { lines, log: { ...silent, info: keep, warn: keep, error: keep } }
}
/** Blocks with another hash, from a node that is wrong but not malformed. */
const otherHashes: Trick = async ({ method }, pass) => {
  const result = (await pass()) as Record<string, unknown> | null
  if (method !== 'eth_getBlockByNumber' || result === null) return result
  return { ...result, hash: `0x${'66'.repeat(31)}${String(result.number).slice(-2).padStart(2, '0').replace('x', '0')}` }
}

describe('two RPC endpoints', () => {
  it('agree: transactions are sent', async () => {
    const chain = await connect({ rpcUrls: [world.anvil.rpcUrl, (await hostile()).url] })
    expect((await accuse(world, chain)).status).toBe('mined')
    expect(chain.trouble()).toBeUndefined()
  })

  it('disagree about a block: nothing is sent, one line names both, and it passes when they agree again', async () => {
    const liar = await hostile()
    const chain = await connect({ rpcUrls: [world.anvil.rpcUrl, liar.url] })
    liar.trick = otherHashes
    const result = await accuse(world, chain)
    expect(result.status).toBe('refused')
    const reason = result.status === 'refused' ? result.reason : ''
    expect(reason).toContain(new URL(world.anvil.rpcUrl).host)
    expect(reason).toContain(new URL(liar.url).host)
    expect(reason).toMatch(/disagree about block \d+/)
    expect(reason).not.toContain('\n')
    await until(() => /disagree/.test(chain.trouble() ?? ''))
    liar.trick = undefined
    await until(() => chain.trouble() === undefined)
    expect((await accuse(world, chain)).status).toBe('mined')
  })

  it('of two chains: nothing is sent', async () => {
    const liar = await hostile()
    liar.trick = async ({ method }, pass) => (method === 'eth_chainId' ? '0xa4b1' : pass())
    const chain = await connect({ rpcUrls: [world.anvil.rpcUrl, liar.url] })
    const result = await accuse(world, chain)
    expect(result).toMatchObject({ status: 'refused', reason: expect.stringMatching(/serves chain 42161.*chain 31337/) })
  })

  it('one that lags is only told', async () => {
    const slow = await hostile()
    const { lines, log } = listening()
    const height = await world.provider.send('eth_blockNumber', [])
    slow.trick = ({ method, params }, pass) =>
      pass(method === 'eth_getBlockByNumber' && params[0] === 'latest' ? { params: [height, false] } : {})
    const chain = await connect({ rpcUrls: [world.anvil.rpcUrl, slow.url], log })
    await world.pass(100)
    expect((await accuse(world, chain)).status).toBe('mined')
    expect(lines.some((line) => line.includes(`${new URL(slow.url).host} is `) && line.includes('s behind'))).toBe(true)
    expect(chain.trouble()).toBeUndefined()
  })

  it.each([
    ['a web page', '<html>'],
    ['no answer', 'never'],
  ])('one that gives %s is only told, and no second opinion', async (_, body) => {
    const broken = await hostile()
    const { lines, log } = listening()
    const chain = await connect({ rpcUrls: [world.anvil.rpcUrl, broken.url], log })
    broken.body = body
    expect((await accuse(world, chain)).status).toBe('mined')
    expect(
      lines.some((line) => line.startsWith('Not all RPC endpoints are well') && line.includes(new URL(broken.url).host)),
    ).toBe(true)
  })

  it('the first one is left when it lies about events, and events are not lost', async () => {
    const liar = await hostile()
    const chain = await connect({ rpcUrls: [liar.url, world.anvil.rpcUrl] })
    liar.trick = async ({ method }, pass) => {
      const result = await pass()
      return method === 'eth_getLogs' ? (result as object[]).map((log) => ({ ...log, blockNumber: '0x1' })) : result
    }
    const other = await connect({ signer: world.fishermen[1]! })
    expect((await accuse(world, other)).status).toBe('mined')
    await until(() => chain.cases().length === 1)
  })
})

describe('one RPC endpoint that is wrong', () => {
  const told: [string, Trick, RegExp][] = [
    ['logs of other blocks', forLogs((log) => ({ ...log, blockNumber: '0x1' })), /logs of other blocks/],
    [
      'logs of blocks that are not in its chain',
      forLogs((log) => ({ ...log, blockHash: `0x${'55'.repeat(32)}` })),
      /not in its chain/,
    ],
    ['logs of other contracts', forLogs((log) => ({ ...log, address: `0x${'44'.repeat(20)}` })), /other contracts/],
    [
      'the same log twice',
      async ({ method }, pass) => (method === 'eth_getLogs' ? [...((await pass()) as []), ...((await pass()) as [])] : pass()),
      /same log twice/,
    ],
    ['half an answer to logs', async ({ method }, pass) => (method === 'eth_getLogs' ? null : pass()), /malformed logs/],
    [
      'no block where it said there is one',
      ({ method, params }, pass) => (method === 'eth_getBlockByNumber' && /^0x/.test(String(params[0])) ? null : pass()),
      /has no block \d+.*lags/,
    ],
  ]

  it.each(told)('%s: told, nothing is folded, and it goes on with right answers', async (_, trick, reason) => {
    const proxy = await hostile()
    const chain = await connect({ rpcUrls: [proxy.url] })
    proxy.trick = trick
    const other = await connect({ signer: world.fishermen[1]! })
    expect((await accuse(world, other)).status).toBe('mined')
    await until(() => reason.test(chain.trouble() ?? ''))
    expect(chain.cases()).toEqual([])
    proxy.trick = undefined
    await until(() => chain.cases().length === 1 && chain.trouble() === undefined)
  })

  function forLogs(change: (log: Record<string, unknown>) => object): Trick {
    return async ({ method }, pass) =>
      method === 'eth_getLogs' ? ((await pass()) as Record<string, unknown>[]).map(change) : pass()
  }

  it('a node behind a balancer that lags for a moment takes nothing back', async () => {
    const proxy = await hostile()
    const chain = await connect({ rpcUrls: [proxy.url] })
    const old = await world.provider.send('eth_blockNumber', [])
    const events: HeadEvent[] = []
    chain.onHead((event) => events.push(event))
    await world.pass(1)
    await until(() => chain.head().number > BigInt(old))
    let times = 2
    proxy.trick = ({ method, params }, pass) =>
      pass(method === 'eth_getBlockByNumber' && params[0] === 'latest' && times-- > 0 ? { params: [old, false] } : {})
    await until(() => times < 0)
    await world.pass(1)
    await until(() => chain.head().number === BigInt(old) + 2n)
    expect(events.every((event) => event.rewoundTo === undefined)).toBe(true)
  })
})

describe('the chain goes back', () => {
  it('further than what is in memory: events from before our start are forgotten too', async () => {
    const id = await world.snapshot()
    const before = await connect({ signer: world.fishermen[1]! })
    expect((await accuse(world, before)).status).toBe('mined')
    await before.close()
    open = []
    for (let i = 0; i < 3; i++) await world.pass(1)
    // Its only block in memory is the newest one.
    const chain = await connect()
    expect(chain.cases().length).toBe(1)
    await world.revert(id)
    await world.pass(10)
    await world.pass(10)
    await until(() => chain.cases().length === 0)
    expect((await accuse(world, chain)).status).toBe('mined')
    await until(() => chain.cases().length === 1)
  })
})

describe('the chain goes back, read in many spans', () => {
  it('to before the start of our memory: the end of each span is compared, by its hash', async () => {
    const proxy = await hostile()
    proxy.trick = ({ method, params }, pass) => {
      if (method !== 'eth_getLogs') return pass()
      const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
      return BigInt(toBlock) - BigInt(fromBlock) < 5n ? pass() : new Refused('block range is too large')
    }
    const id = await world.snapshot()
    const height = BigInt(await world.provider.send('eth_blockNumber', []))
    const before = await connect({ signer: world.fishermen[1]! })
    expect((await accuse(world, before)).status).toBe('mined')
    await before.close()
    open = []
    for (let i = 0; i < 30; i++) await world.mine()
    const chain = await connect({ rpcUrls: [proxy.url] })
    expect(chain.cases().length).toBe(1)
    const events: HeadEvent[] = []
    chain.onHead((event) => events.push(event))
    await world.revert(id)
    for (let i = 0; i < 40; i++) await world.pass(2)
    await until(() => chain.cases().length === 0)
    const depth = events.find((event) => event.rewoundTo !== undefined)!.rewoundTo!
    expect(depth).toBeLessThanOrEqual(height)
    // What was there before is not read again.
    expect(depth).toBeGreaterThan(world.deployment.deployBlock)
  })
})

describe('confirmation levels', () => {
  it('follow the tags of the chain', async () => {
    const chain = await connect()
    const opened = await accuse(world, chain)
    const block = opened.status === 'mined' ? opened.blockNumber : 0n
    await until(() => chain.levelOf(block) === 'soft')
    expect(chain.levelOf(block + 1_000n)).toBeUndefined()
    for (let i = 0; i < 33; i++) await world.mine()
    await until(() => chain.levelOf(block) === 'safe')
    for (let i = 0; i < 33; i++) await world.mine()
    await until(() => chain.levelOf(block) === 'finalized')
    const tag = async (name: string) => BigInt((await world.provider.send('eth_getBlockByNumber', [name, false])).number)
    const [soft, safe, finalized] = [await tag('latest'), await tag('safe'), await tag('finalized')]
    // The tags and the head are read one after the other: either may be the earlier one.
    await until(() => chain.confirmations().safe === safe && chain.confirmations().soft === soft)
    expect(chain.confirmations()).toEqual({ soft, safe, finalized, by: 'tags' })
  })

  it('go by depth where a node knows no tags, and believe no tag above the head', async () => {
    const proxy = await hostile()
    for (let i = 0; i < 70; i++) await world.mine()
    proxy.trick = ({ params }, pass) =>
      params[0] === 'safe' || params[0] === 'finalized' ? new Refused('unknown block tag') : pass()
    const byDepth = await connect({ rpcUrls: [proxy.url] })
    const head = byDepth.head().number
    expect(byDepth.confirmations()).toEqual({ soft: head, safe: head - 32n, finalized: head - 64n, by: 'depth' })
    const boaster = await hostile()
    boaster.trick = async ({ params }, pass) => {
      const block = (await pass()) as object
      return params[0] === 'finalized' ? { ...block, number: '0xffffff' } : block
    }
    const chain = await connect({ rpcUrls: [boaster.url] })
    expect(chain.confirmations().finalized).toBe(chain.confirmations().safe)
  })

  it('fall with the chain, with an error in the log when what was final is taken back', async () => {
    const { lines, log } = listening()
    const id = await world.snapshot()
    const height = BigInt(await world.provider.send('eth_blockNumber', []))
    const before = await connect()
    const opened = await accuse(world, before)
    await before.close()
    for (let i = 0; i < 80; i++) await world.mine()
    const chain = await connect({ log })
    await until(() => chain.confirmations().finalized > height + 2n)
    await until(() => chain.cases().length === 1)
    expect(opened.status).toBe('mined')
    await world.revert(id)
    await world.pass(5)
    await until(() => chain.confirmations().finalized <= height)
    // How the case came to be was held no longer: it is forgotten all the same, and what comes now is seen.
    await until(() => chain.cases().length === 0)
    expect((await accuse(world, chain)).status).toBe('mined')
    await until(() => chain.cases()[0]?.state === 'open')
    expect(lines.some((line) => line.startsWith('Blocks that were final were taken back'))).toBe(true)
    expect(addressOf(world.fishermen[0]!)).toBe(chain.address)
  })
})
