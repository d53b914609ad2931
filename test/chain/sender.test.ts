import type { Wallet } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { memoryIntents } from '../../src/chain/intents.ts'
import type { Limits } from '../../src/chain/limits.ts'
import { tokens } from '../../src/chain/presets.ts'
import type { Chain, IntentStore } from '../../src/chain/types.ts'
import {
  type Accused,
  accusation,
  accused,
  asNew,
  conviction,
  createWorld,
  equivocation,
  options,
  silent,
  type World,
} from './world.ts'

// What a real chain does to transactions: it takes them back, drops them, lets others take their nonce, and asks for more than they pay.

let world: World
let clean: string
let open: Chain[] = []
vi.setConfig({ testTimeout: 15_000 })
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  clean = await world.snapshot()
})
afterAll(() => world?.stop())
beforeEach(async () => {
  clean = await asNew(world, clean)
})
afterEach(async () => {
  await Promise.all(open.map((chain) => chain.close()))
  open = []
  await world.provider.send('evm_setAutomine', [true])
  await world.provider.send('anvil_dropAllTransactions', [])
})

const me = () => world.fishermen[0]!
const node = () => world.orchestrators[0]!
async function connect(init: Parameters<World['chain']>[0] = {}): Promise<Chain> {
  const chain = await world.chain({ signer: me(), ...init })
  open.push(chain)
  return chain
}
const automine = (on: boolean) => world.provider.send('evm_setAutomine', [on])
const nonceOf = async (wallet: Wallet) => Number(await world.provider.send('eth_getTransactionCount', [wallet.address, 'latest']))
const receiptOf = (hash: Hex) => world.provider.send('eth_getTransactionReceipt', [hash])
const pendingOf = async () => {
  const { pending, queued } = await world.provider.send('txpool_content', [])
  return [pending, queued].flatMap(
    (pool) =>
      Object.values(pool as object).flatMap((one) => Object.values(one)) as { hash: Hex; nonce: Hex; maxFeePerGas: Hex }[],
  )
}
const until = (what: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await what()).toBe(true), { timeout: 10_000, interval: 20 })
const ownReceipt = (): Promise<Accused> => accused(world, node())
const accuse = (chain: Chain, own: Accused) => chain.openCase(accusation(own), options)
const stateOf = (store: IntentStore, i = 0) => store.all()[i]?.state

/** Signs and sends something else with this nonce. */
async function sendOutside(nonce: number, gwei: number): Promise<Hex> {
  const raw = await me().signTransaction({
    ...{ type: 2, chainId: world.deployment.chainId, nonce, to: world.stranger.address, value: 1n, gasLimit: 21_000n },
    ...{ maxFeePerGas: BigInt(gwei) * 1_000_000_000n, maxPriorityFeePerGas: BigInt(gwei) * 1_000_000_000n },
  })
  return await world.provider.send('eth_sendRawTransaction', [raw])
}

describe('blocks that are taken back', () => {
  it('reorg by snapshot and revert: a mined transaction that disappears is sent again, the same bytes', async () => {
    const store = memoryIntents()
    const chain = await connect({ intents: store })
    const start = await nonceOf(me())
    const id = await world.snapshot()
    const own = await ownReceipt()
    const first = await accuse(chain, own)
    expect(first.status).toBe('mined')
    expect(stateOf(store)).toBe('mined')
    await until(() => chain.cases().length === 1)
    await world.revert(id)
    await until(async () => (await nonceOf(me())) === start + 1)
    expect((await receiptOf((first as { tx: Hex }).tx)).status).toBe('0x1')
    await until(() => chain.cases()[0]?.state === 'open' && stateOf(store) === 'mined')
    expect(store.all().map(({ variants }) => variants.length)).toEqual([1])
  })

  it('reorg that nobody saw, between two looks at the chain: found all the same', async () => {
    const chain = await connect({ pollMs: 400 })
    const start = await nonceOf(me())
    const id = await world.snapshot()
    const height = chain.head().number
    expect((await accuse(chain, await ownReceipt())).status).toBe('mined')
    expect(chain.head().number).toBe(height)
    await world.revert(id)
    await world.pass(1)
    expect(await nonceOf(me())).toBe(start)
    await until(async () => (await nonceOf(me())) === start + 1)
    await until(() => chain.cases().length === 1)
  })

  it('reorg by anvil_reorg: all of ours come back once, in the order of their nonces', async () => {
    const store = memoryIntents()
    const chain = await connect({ intents: store })
    const start = await nonceOf(me())
    for (let i = 0; i < 3; i++) expect((await accuse(chain, await ownReceipt())).status).toBe('mined')
    const before = chain.head().hash
    await world.provider.send('anvil_reorg', [3, []])
    await until(() => chain.head().hash !== before)
    await until(async () => (await nonceOf(me())) === start + 3)
    await until(() => chain.cases().length === 3 && store.all().every(({ state }) => state === 'mined'))
    expect(store.all().flatMap(({ variants }) => variants)).toHaveLength(3)
    expect(await nonceOf(me())).toBe(start + 3)
  })

  it('on which somebody else was first: ours is given up, with the reason', async () => {
    const store = memoryIntents()
    const chain = await connect({ intents: store })
    const id = await world.snapshot()
    const own = await ownReceipt()
    expect((await accuse(chain, own)).status).toBe('mined')
    await chain.close()
    await world.revert(id)
    const other = await connect({ signer: world.fishermen[1]! })
    expect((await accuse(other, own)).status).toBe('mined')
    // After a restart nothing is sent: the fault has its case.
    const later = await connect({ intents: store })
    const start = await nonceOf(me())
    expect(await accuse(later, own)).toEqual({ status: 'already' })
    expect(await nonceOf(me())).toBe(start)
  })
})

describe('transactions that do not get through', () => {
  it('dropped: sent again also where the fee may not rise', async () => {
    const chain = await connect({ resubmitMs: 150, maxFeePerGas: 150_000_000n })
    const start = await nonceOf(me())
    await automine(false)
    const result = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    const [first] = await pendingOf()
    await until(async () => BigInt((await pendingOf())[0]?.maxFeePerGas ?? first!.maxFeePerGas) > 130_000_000n)
    await world.provider.send('anvil_dropAllTransactions', [])
    await until(async () => (await pendingOf()).length === 1)
    expect((await pendingOf()).every((one) => BigInt(one.maxFeePerGas) <= 150_000_000n)).toBe(true)
    await world.mine()
    expect((await result).status).toBe('mined')
    expect(await nonceOf(me())).toBe(start + 1)
  })

  it('replaced: another transaction with our nonce is noticed, and the work is signed anew', async () => {
    const store = memoryIntents()
    const chain = await connect({ intents: store })
    const start = await nonceOf(me())
    await automine(false)
    const result = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    const foreign = await sendOutside(start, 50)
    await world.mine()
    expect((await receiptOf(foreign)).status).toBe('0x1')
    await until(async () => (await pendingOf()).some(({ nonce }) => Number(nonce) === start + 1))
    await world.mine()
    expect((await result).status).toBe('mined')
    expect(await nonceOf(me())).toBe(start + 2)
    expect(stateOf(store)).toBe('mined')
  })

  it('stuck: a base fee above what was offered, raised until it is taken', async () => {
    const store = memoryIntents()
    const chain = await connect({ resubmitMs: 150, intents: store })
    const start = await nonceOf(me())
    await automine(false)
    const result = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    // 5 gwei; the first offer was a tenth of one.
    await world.provider.send('anvil_setNextBlockBaseFeePerGas', ['0x12a05f200'])
    await world.mine()
    expect(await nonceOf(me())).toBe(start)
    const timer = setInterval(() => void world.mine().catch(() => undefined), 100)
    expect((await result).status).toBe('mined')
    clearInterval(timer)
    expect(await nonceOf(me())).toBe(start + 1)
    const fees = store.all()[0]!.variants.map(({ maxFeePerGas }) => maxFeePerGas)
    expect(fees.length).toBeGreaterThan(1)
    expect([...fees].sort((a, b) => Number(a - b))).toEqual(fees)
  })

  it('underpriced: a dearer one of ours in the node, known from before a crash, is overbid', async () => {
    const chain = await connect({ resubmitMs: 100 })
    const start = await nonceOf(me())
    await automine(false)
    const result = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    // In the pool, dearer than the next bump, and never mined there: the node refuses our next offers as too low.
    await sendOutside(start, 1)
    await until(async () => (await pendingOf()).every((one) => BigInt(one.maxFeePerGas) > 1_000_000_000n))
    await world.mine()
    expect((await result).status).toBe('mined')
    expect(await nonceOf(me())).toBe(start + 1)
  })

  it('left by a restart: all that is signed is taken up at once, though nobody asks for it', async () => {
    const store = memoryIntents()
    const first = await connect({ intents: store })
    const start = await nonceOf(me())
    await automine(false)
    const life = new AbortController()
    const works = await Promise.all([ownReceipt(), ownReceipt()])
    const cut = works.map((own) => first.openCase(accusation(own), { signal: life.signal }).catch(() => 'cut'))
    await until(async () => (await pendingOf()).length === 2)
    life.abort(new Error('killed'))
    expect(await Promise.all(cut)).toEqual(['cut', 'cut'])
    await first.close()
    await world.provider.send('anvil_dropAllTransactions', [])
    const second = await connect({ intents: store })
    await until(async () => (await pendingOf()).length === 2)
    // New work goes behind what is in flight.
    const third = accuse(second, await ownReceipt())
    await until(async () => (await pendingOf()).length === 3)
    await world.mine()
    expect((await third).status).toBe('mined')
    await until(() => store.all().every(({ state }) => state === 'mined'))
    expect(await nonceOf(me())).toBe(start + 3)
  })

  it('left by a restart, the first needed no more: it is sent all the same, since the second waits behind it', async () => {
    const store = memoryIntents()
    const first = await connect({ intents: store })
    const start = await nonceOf(me())
    await automine(false)
    const life = new AbortController()
    const works = [await ownReceipt(), await ownReceipt()] as const
    const cut = works.map(async (own, i) => {
      await until(async () => (await pendingOf()).length === i)
      return first.openCase(accusation(own), { signal: life.signal }).catch(() => 'cut')
    })
    await until(async () => (await pendingOf()).length === 2)
    life.abort(new Error('killed'))
    await Promise.all(cut)
    await first.close()
    await world.provider.send('anvil_dropAllTransactions', [])
    await automine(true)
    const other = await connect({ signer: world.fishermen[1]! })
    expect((await other.openCase(accusation(works[0]), options)).status).toBe('mined')
    await connect({ intents: store })
    await until(async () => (await nonceOf(me())) === start + 2)
    await until(() => store.all().every(({ state }) => state === 'mined' || state === 'refused'))
    expect(store.all().map(({ state }) => state)).toEqual(['refused', 'mined'])
  })

  it('reverted: the error is the one of the block that refused it', async () => {
    const [mine, theirs] = [await connect(), await connect({ signer: world.fishermen[1]! })]
    const fault = await equivocation(world, node())
    await automine(false)
    const tick = setInterval(() => void world.pass(1).catch(() => undefined), 60)
    try {
      const both = await Promise.all([
        mine.commitReveal({ faultClass: 'O1', ...fault }, options),
        theirs.commitReveal({ faultClass: 'O1', ...fault }, options),
      ])
      expect(both.map((one) => one.status).sort()).toEqual(['already', 'mined'])
    } finally {
      clearInterval(tick)
    }
  })
})

describe('what the operator allows', () => {
  const wide: Limits = { gasPerDay: tokens(1), bond: tokens(1000), slashesPerDay: 100 }

  it('a daily gas cap: counted from the log, so that a restart forgets nothing', async () => {
    const store = memoryIntents()
    const chain = await connect({ intents: store, limits: wide })
    expect((await accuse(chain, await ownReceipt())).status).toBe('mined')
    const { spent } = store.all()[0]!
    expect(spent).toBeGreaterThan(0n)
    await chain.close()
    const again = await connect({ intents: store, limits: { ...wide, gasPerDay: spent! + 1n } })
    const start = await nonceOf(me())
    const refused = { status: 'refused', error: 'OwnLimit', reason: expect.stringMatching(/limits\.gasPerDay/) }
    expect(await accuse(again, await ownReceipt())).toMatchObject(refused)
    expect(await nonceOf(me())).toBe(start)
  })

  it('a daily gas cap on higher fees too: what is stuck waits as it is, is told of once, and rises when there is room', async () => {
    const store = memoryIntents()
    const told: { message: string; fields: Record<string, unknown> }[] = []
    const log = { ...silent, warn: (message: string, fields?: object) => void told.push({ message, fields: { ...fields } }) }
    const limits = { ...wide }
    const chain = await connect({ resubmitMs: 400, intents: store, limits, log })
    const start = await nonceOf(me())
    await automine(false)
    const result = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    const [first] = store.all()
    const [variant] = first!.variants
    // Room for what is sent, and for less than one step more.
    limits.gasPerDay = (variant!.gasLimit * variant!.maxFeePerGas * 110n) / 100n
    const isHeld = ({ message }: { message: string }) => /money for a higher fee is refused/.test(message)
    await until(() => told.some(isHeld))
    await world.provider.send('anvil_dropAllTransactions', [])
    // It is published again as it is, and nothing goes in front of it or behind it.
    await until(async () => (await pendingOf()).some(({ hash }) => hash === variant!.hash))
    const refused = { status: 'refused', error: 'OwnLimit', reason: expect.stringMatching(/limits\.gasPerDay/) }
    expect(await accuse(chain, await ownReceipt())).toMatchObject(refused)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(told.filter(isHeld)).toEqual([
      expect.objectContaining({
        fields: {
          ...{ action: 'open', faultId: first!.faultId, nonce: start },
          reason: expect.stringMatching(/limits\.gasPerDay/),
        },
      }),
    ])
    expect(store.all().map(({ state, variants }) => [state, variants.length])).toEqual([['signed', 1]])
    limits.gasPerDay = wide.gasPerDay
    await until(() => store.all()[0]!.variants.length > 1)
    await world.mine()
    expect((await result).status).toBe('mined')
    expect(await nonceOf(me())).toBe(start + 1)
  })

  it('money for a higher fee goes to the first of a queue: those behind it wait for it, and rise in their turn', async () => {
    const store = memoryIntents()
    const chain = await connect({ resubmitMs: 100, intents: store, limits: wide })
    const start = await nonceOf(me())
    await automine(false)
    const works = [await ownReceipt(), await ownReceipt(), await ownReceipt()]
    const results: ReturnType<typeof accuse>[] = []
    for (const own of works) {
      results.push(accuse(chain, own))
      await until(async () => (await pendingOf()).length === results.length)
    }
    await until(() => store.all()[0]!.variants.length > 3)
    expect(store.all().map(({ variants }) => variants.length > 1)).toEqual([true, false, false])
    // Dropped ones come back all the same.
    await world.provider.send('anvil_dropAllTransactions', [])
    await until(async () => (await pendingOf()).length === 3)
    await world.provider.send('anvil_setNextBlockBaseFeePerGas', ['0x3b9aca00'])
    const timer = setInterval(() => void world.mine().catch(() => undefined), 100)
    expect((await Promise.all(results)).map(({ status }) => status)).toEqual(['mined', 'mined', 'mined'])
    clearInterval(timer)
    expect(await nonceOf(me())).toBe(start + 3)
  })

  it('a cap on bonds at stake: open cases count, ended ones do not', async () => {
    const store = memoryIntents()
    const limits = { ...wide, bond: tokens(50) }
    const chain = await connect({ intents: store, limits })
    const [one, two] = [await ownReceipt(), await ownReceipt()]
    for (const own of [one, two]) expect((await accuse(chain, own)).status).toBe('mined')
    const refused = { status: 'refused', error: 'OwnLimit', reason: expect.stringMatching(/75 tokens.*limits\.bond \(50\)/) }
    expect(await accuse(chain, await ownReceipt())).toMatchObject(refused)
    await chain.close()
    const again = await connect({ intents: store, limits })
    expect(await accuse(again, await ownReceipt())).toMatchObject(refused)
    await world.pass(121)
    const { faultId } = await conviction(world, one)
    expect((await again.expire(faultId, options)).status).toBe('mined')
    await until(() => again.cases().some(({ state }) => state === 'expired'))
    expect((await accuse(again, await ownReceipt())).status).toBe('mined')
  })

  it('a number of slashes a day: commitments wait for no limit, reveals do', async () => {
    const store = memoryIntents()
    const chain = await connect({ intents: store, limits: { ...wide, slashesPerDay: 1 } })
    const tick = setInterval(() => void world.pass(1).catch(() => undefined), 60)
    try {
      const [one, two] = [await equivocation(world, node()), await equivocation(world, node())]
      expect((await chain.commitReveal({ faultClass: 'O1', ...one }, options)).status).toBe('mined')
      const refused = { status: 'refused', error: 'OwnLimit', reason: expect.stringMatching(/limits\.slashesPerDay is 1/) }
      expect(await chain.commitReveal({ faultClass: 'O1', ...two }, options)).toMatchObject(refused)
      await chain.close()
      const again = await connect({ intents: store, limits: { ...wide, slashesPerDay: 1 } })
      expect(await again.commitReveal({ faultClass: 'O1', ...two }, options)).toMatchObject(refused)
      // A day later it may.
      const tomorrow = { nowMs: () => Date.now() + 86_400_001, monotonicMs: () => performance.now() }
      const next = await connect({ intents: store, limits: { ...wide, slashesPerDay: 1 }, clock: tomorrow })
      expect((await next.commitReveal({ faultClass: 'O1', ...two }, options)).status).toBe('mined')
    } finally {
      clearInterval(tick)
    }
  })

  it('a kill switch: nothing is sent while it is there, what is out is watched and not raised', async () => {
    let halted: string | undefined
    const store = memoryIntents()
    const chain = await connect({ resubmitMs: 100, intents: store, halted: () => halted })
    await automine(false)
    const first = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    halted = 'the file STOP lies in the data folder; remove it to go on'
    const [{ hash } = { hash: '0x' }] = await pendingOf()
    expect(chain.blocked()).toBe(halted)
    expect(await accuse(chain, await ownReceipt())).toMatchObject({ status: 'refused', error: 'Halted', reason: halted })
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await pendingOf()).map((one) => one.hash)).toEqual([hash])
    // A start with the switch on takes nothing up either.
    await world.provider.send('anvil_dropAllTransactions', [])
    await chain.close()
    await first.catch(() => undefined)
    const later = await connect({ intents: store, halted: () => halted })
    await world.pass(1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await pendingOf()).toEqual([])
    halted = undefined
    await world.pass(1)
    await until(async () => (await pendingOf()).length === 1)
    expect(later.blocked()).toBeUndefined()
  })
})

describe('an account that cannot act says why', () => {
  it('without funds', async () => {
    await world.provider.send('anvil_setBalance', [me().address, '0x1'])
    expect((await connect()).blocked()).toMatch(/holds 0\.0+1 of the native coin, less than one proof costs .*send some to it/)
  })

  it('with a paused contract', async () => {
    await world.send(world.wallets[0]!, 'verifier', 'setPaused', [true])
    const chain = await connect()
    expect(chain.blocked()).toMatch(/guardian has paused the verifier 0x.*wait/)
    expect(await accuse(chain, await ownReceipt())).toMatchObject({ status: 'refused', error: 'IsPaused' })
  })

  it('with a key that is no fisherman', async () => {
    expect((await connect({ signer: world.stranger })).blocked()).toMatch(/is no registered fisherman.*right key file/)
  })

  it('and nothing where all is well, or where there is no key', async () => {
    expect((await connect()).blocked()).toBeUndefined()
    const blind = await world.chain()
    open.push(blind)
    expect(blind.blocked()).toBeUndefined()
  })
})
