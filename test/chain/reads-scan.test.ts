import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../../src/base/log.ts'
import { createLogScan } from '../../src/chain/log-scan.ts'
import { type Rpc, RpcRefusal } from '../../src/chain/rpc.ts'
import { addressOf } from '../../src/chain/setup.ts'
import { openSpanFile } from '../../src/chain/span-file.ts'
import type { Alarm, Chain } from '../../src/chain/types.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { Refused, type RpcProxy, startProxy } from './proxy.ts'
import { accuse, createWorld, signal, silent, unique, type World } from './world.ts'

let world: World
let clean: string
const folder = scratchFolder('scan')
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
async function connect(init: Parameters<World['chain']>[0] = {}): Promise<Chain> {
  const chain = await world.chain({ signer: world.fishermen[0]!, compareMs: 50, ...init })
  open.push(chain)
  return chain
}
const until = (what: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await what()).toBe(true), { timeout: 8_000, interval: 20 })
/** A look at the chain keeps what was final at the look before it. */
async function untilKept(chain: Chain) {
  await until(() => chain.confirmations().finalized > chain.cases()[0]!.blockNumber)
  const { number } = chain.head()
  await world.mine()
  await until(() => chain.head().number > number)
}
let files = 0
const spanFile = () => join(folder, `spans-${++files}.ndjson`)

describe('the scan of a long span', () => {
  it('keeps what is final, and goes on there after a restart', async () => {
    const file = spanFile()
    const first = await connect({ spanFile: file })
    expect((await accuse(world, first)).status).toBe('mined')
    // Read before more comes: a span that reaches to blocks that are not final is not kept.
    await until(() => first.cases().length > 0)
    for (let i = 0; i < 80; i++) await world.mine()
    await untilKept(first)
    await first.close()
    const proxy = await startProxy(world.anvil.rpcUrl)
    proxies.push(proxy)
    const asked: bigint[] = []
    proxy.trick = ({ method, params }, pass) => {
      if (method === 'eth_getLogs') asked.push(BigInt((params[0] as { fromBlock: string }).fromBlock))
      return pass()
    }
    const again = await connect({ spanFile: file, rpcUrls: [proxy.url] })
    expect(again.cases()).toEqual(first.cases())
    expect(asked.length).toBe(1)
    expect(asked[0]!).toBeGreaterThan(first.cases()[0]!.blockNumber)
  })

  it('begins anew with a file of another chain, and leaves out what the chain has taken back', async () => {
    const file = spanFile()
    const id = await world.snapshot()
    const first = await connect({ spanFile: file })
    expect((await accuse(world, first)).status).toBe('mined')
    for (let i = 0; i < 80; i++) await world.mine()
    await untilKept(first)
    await first.close()
    await world.revert(id)
    for (let i = 0; i < 90; i++) await world.pass(3)
    const again = await connect({ spanFile: file })
    expect(again.cases()).toEqual([])
    await again.close()
    expect(await openSpanFile(file, 'other').load()).toEqual([])
  })

  it('survives a torn or changed file', async () => {
    const file = spanFile()
    const store = openSpanFile(file, 'x')
    const span = (from: bigint, to: bigint) => ({ from, to, hash: unique(), logs: [] })
    const good = [span(1n, 5n), span(6n, 9n)]
    await store.replace([good[0]!])
    await store.append(good[1]!)
    appendFileSync(file, '{"from":"10","to":"12","ha')
    expect(await store.load()).toEqual(good)
    const next = span(10n, 11n)
    await store.append(next)
    expect(await store.load()).toEqual([...good, next])
    writeFileSync(file, readFileSync(file, 'utf8').replace('"from":"6"', '"from":"7"'))
    expect(await store.load()).toEqual([good[0]])
    writeFileSync(file, 'garbage')
    expect(await store.load()).toEqual([])
  })

  it('is read in spans that the node accepts, with a report on the way, and goes on after a failure where it was', async () => {
    const proxy = await startProxy(world.anvil.rpcUrl)
    proxies.push(proxy)
    const other = await connect({ signer: world.fishermen[1]! })
    expect((await accuse(world, other)).status).toBe('mined')
    for (let i = 0; i < 40; i++) await world.mine()
    const spans: bigint[] = []
    proxy.trick = ({ method, params }, pass) => {
      if (method !== 'eth_getLogs') return pass()
      const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
      const length = BigInt(toBlock) - BigInt(fromBlock) + 1n
      if (length > 7n) return new Refused('query returned more than 10000 results')
      spans.push(length)
      return pass()
    }
    const chain = await connect({ rpcUrls: [proxy.url] })
    expect(chain.cases().length).toBe(1)
    expect(spans.length).toBeGreaterThan(5)
    expect(spans.reduce((a, b) => a + b)).toBe(chain.head().number - world.deployment.deployBlock + 1n)
  })
})

describe('spans', () => {
  const header = (number: string) => ({
    number,
    hash: `0x${'11'.repeat(32)}`,
    parentHash: `0x${'22'.repeat(32)}`,
    timestamp: '0x1',
  })
  /** A node with empty blocks that answers a span of so many blocks like this. */
  function node(answer: (length: bigint, times: number) => unknown): { rpc: Rpc; spans: bigint[] } {
    const spans: bigint[] = []
    const send = async (method: string, params: readonly unknown[]) => {
      if (method === 'eth_getBlockByNumber') return header(params[0] as string)
      const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
      spans.push(BigInt(toBlock) - BigInt(fromBlock) + 1n)
      return await answer(spans.at(-1)!, spans.length)
    }
    return { rpc: { send } as unknown as Rpc, spans }
  }
  const scan = (rpc: Rpc) =>
    createLogScan({ filter: { address: [unique()] }, span: 1000n, maxSpan: 8000n, patienceMs: 1 }, { rpc })
  const read = async (rpc: Rpc, from: bigint, to: bigint) => {
    const one = scan(rpc)
    let at = from
    while (at <= to) at = (await one.next({ from: at, to }, () => undefined, signal)).to + 1n
  }

  it('grow while a node takes them, up to a limit', async () => {
    const { rpc, spans } = node(() => [])
    await read(rpc, 1n, 40_000n)
    expect(spans.slice(0, 5)).toEqual([1000n, 2000n, 4000n, 8000n, 8000n])
  })

  it('shrink when it refuses, and grow again later', async () => {
    const { rpc, spans } = node((length, times) => {
      if (times < 30 && length > 300n) throw new RpcRefusal('block range too large', undefined)
      return []
    })
    await read(rpc, 1n, 40_000n)
    expect(spans.slice(0, 4)).toEqual([1000n, 500n, 250n, 250n])
    expect(Math.max(...spans.slice(40).map(Number))).toBe(8000)
  })

  it('wait for a node that is busy, but not for ever', async () => {
    const once = node((_, times) => {
      if (times < 3) throw new RpcRefusal('429: too many requests', undefined)
      return []
    })
    await read(once.rpc, 1n, 1000n)
    expect(once.spans).toEqual([1000n, 1000n, 1000n])
    const always = node(() => {
      throw new RpcRefusal('rate limit reached', undefined)
    })
    await expect(read(always.rpc, 1n, 10n)).rejects.toThrow(/refuses to tell events: rate limit/)
  })

  it('end with one line when not even one block is told', async () => {
    const { rpc } = node(() => {
      throw new RpcRefusal('logs are not supported', undefined)
    })
    await expect(read(rpc, 1n, 1000n)).rejects.toThrow(/refuses to tell events: logs are not supported; use another RPC URL/)
  })
})

describe('evasion alarms', () => {
  const node = () => world.orchestrators[0]!
  function ears(): { heard: Alarm[]; lines: string[]; log: Logger } {
    const lines: string[] = []
    return { heard: [], lines, log: { ...silent, warn: (text) => void lines.push(text) } }
  }

  it('tell at once that a node with an open case thaws its deposit or changes its keys', async () => {
    const { heard, lines, log } = ears()
    const chain = await connect({ log })
    chain.onAlarm((alarm) => heard.push(alarm))
    const key = addressOf(world.stranger)
    await world.send(world.orchestrators[1]!, 'deposit', 'thaw', [5n])
    expect((await accuse(world, chain)).status).toBe('mined')
    await until(() => chain.cases().length === 1)
    expect(heard).toEqual([])
    await world.send(node(), 'deposit', 'thaw', [7n])
    await world.send(node(), 'delegation', 'delegate', [key, 1])
    await world.send(node(), 'delegation', 'revoke', [key])
    await until(() => heard.length === 3)
    const transcoder = addressOf(node())
    expect(heard.map(({ kind, transcoder: who, amount, other }) => ({ kind, who, amount, other }))).toEqual([
      { kind: 'thawing', who: transcoder, amount: 7n, other: undefined },
      { kind: 'signer-delegated', who: transcoder, amount: undefined, other: key },
      { kind: 'signer-revoked', who: transcoder, amount: undefined, other: key },
    ])
    expect(heard[0]!.leavesAtSec!).toBeGreaterThan(chain.head().timestampSec)
    expect(heard[0]!.because).toMatch(/^case D2 0x[0-9a-f]{64} is open$/)
    expect(chain.alarms()).toEqual(heard)
    expect(lines.filter((line) => line.startsWith('A suspect moves')).length).toBe(3)
  })

  it('tell what was moved before the suspicion, once, and nothing when it is over', async () => {
    const { heard, log } = ears()
    const chain = await connect({ log })
    chain.onAlarm((alarm) => heard.push(alarm))
    const transcoder = addressOf(node())
    let seen = 0n
    // Before the block comes: one that was seen already is not told again.
    chain.onHead(({ head }) => {
      seen = head.number
    })
    await world.send(node(), 'deposit', 'thaw', [7n])
    const block = BigInt(await world.provider.send('eth_blockNumber', []))
    await until(() => seen >= block)
    expect(heard).toEqual([])
    chain.suspect(transcoder, 'fault O1 found')
    chain.suspect(transcoder, 'fault O1 found')
    expect(heard.map(({ kind, because }) => [kind, because])).toEqual([['thawing', 'fault O1 found']])
    chain.unsuspect(transcoder, 'fault O1 found')
    await world.send(node(), 'deposit', 'thaw', [8n])
    await until(() => seen > block)
    expect(heard.length).toBe(1)
  })

  it('fall when their blocks are taken back, and are told anew when they come again', async () => {
    const { heard, log } = ears()
    const chain = await connect({ log })
    chain.suspect(addressOf(node()), 'score')
    chain.onAlarm((alarm) => heard.push(alarm))
    const id = await world.snapshot()
    await world.send(node(), 'deposit', 'thaw', [7n])
    await until(() => chain.alarms().length === 1)
    await world.revert(id)
    await world.pass(9)
    await until(() => chain.alarms().length === 0)
    await world.send(node(), 'deposit', 'thaw', [7n])
    await until(() => chain.alarms().length === 1)
    expect(heard.length).toBe(2)
  })
})
