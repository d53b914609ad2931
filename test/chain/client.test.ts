import type { Wallet } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { convictData } from '../../src/chain/build.ts'
import { memoryIntents } from '../../src/chain/intents.ts'
import { chainPreset, tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import type { Chain, HeadEvent, Intent, IntentStore } from '../../src/chain/types.ts'
import {
  type Accused,
  accusation,
  accused,
  asNew,
  bothRungs,
  conviction,
  createWorld,
  equivocation,
  inputsOf,
  options,
  unique,
  type World,
} from './world.ts'

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
  await world.provider.send('evm_setAutomine', [true])
  await world.provider.send('anvil_dropAllTransactions', [])
  await Promise.all(open.map((chain) => chain.close()))
  open = []
})

const me = () => world.fishermen[0]!
const node = () => world.orchestrators[0]!
async function connect(init: Parameters<World['chain']>[0] = {}): Promise<Chain> {
  const chain = await world.chain({ signer: me(), ...init })
  open.push(chain)
  return chain
}
const nonceOf = async (wallet: Wallet) => Number(await world.provider.send('eth_getTransactionCount', [wallet.address, 'latest']))
const pendingOf = async () =>
  (
    Object.values((await world.provider.send('txpool_content', [])).pending) as Record<
      string,
      { hash: string; maxFeePerGas: string }
    >[]
  ).flatMap((one) => Object.values(one))
const until = (what: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await what()).toBe(true), { timeout: 10_000, interval: 20 })
const ownReceipt = (): Promise<Accused> => accused(world, node())
const accuse = (chain: Chain, own: Accused) => chain.openCase(accusation(own), options)

describe('reads', () => {
  it('tells members, deposits, signers, rounds, addresses and the beacon of a second', async () => {
    const chain = await connect()
    const members = await chain.members()
    expect(members.map((one) => one.address).sort()).toEqual(world.fishermen.map(addressOf).sort())
    expect(members.find((one) => one.address === addressOf(world.fishermen[2]!))).toMatchObject({
      weight: tokens(250),
      blsPublicKey: `0x${'a2'.repeat(96)}`,
      proofOfPossession: `0x${'b2'.repeat(48)}`,
      exiting: false,
    })
    expect(await chain.deposit(addressOf(node()))).toEqual({ amount: tokens(1000), frozen: false })
    expect(await chain.serviceUri(addressOf(node()))).toBe('http://127.0.0.1:9000')
    expect(await chain.round()).toBe(1n)
    const key = addressOf(world.stranger)
    expect(await chain.isSigner(addressOf(node()), addressOf(node()), 1n)).toBe(true)
    expect(await chain.isSigner(addressOf(node()), key, 1n)).toBe(false)
    await world.send(node(), 'delegation', 'delegate', [key, 1])
    await until(() => chain.isSigner(addressOf(node()), key, 1n))
    const t = chain.head().timestampSec
    expect(await chain.beaconAt(t + 50, options)).toBeUndefined()
    await world.pass(100)
    await world.pass(100)
    await until(() => chain.head().timestampSec >= t + 200)
    const beacon = await chain.beaconAt(t + 50, options)
    const block = await world.provider.send('eth_getBlockByNumber', [`0x${beacon!.blockNumber.toString(16)}`, false])
    expect(beacon!.hash).toBe(block.hash)
    expect(Number(block.timestamp)).toBeGreaterThanOrEqual(t + 50)
    const before = await world.provider.send('eth_getBlockByNumber', [`0x${(beacon!.blockNumber - 1n).toString(16)}`, false])
    expect(Number(before.timestamp)).toBeLessThan(t + 50)
    // Long before anything in memory: a search on the node.
    const first = await chain.beaconAt(1, options)
    expect(first!.blockNumber).toBe(world.deployment.deployBlock)
    expect(chain.nowSec()).toBeGreaterThanOrEqual(chain.head().timestampSec)
  })

  it('finds the first block of every second, also where blocks are far apart and long ago', async () => {
    for (const gap of [1, 7, 1, 1, 30, 2, 1, 5, 1, 1, 12]) await world.pass(gap)
    const chain = await connect()
    const { number, timestampSec } = chain.head()
    const blocks = await Promise.all(
      Array.from({ length: 13 }, (_, i) =>
        world.provider.send('eth_getBlockByNumber', [`0x${(number - BigInt(i)).toString(16)}`, false]),
      ),
    )
    for (let t = timestampSec - 60; t <= timestampSec; t++) {
      const first = blocks.filter((block) => Number(block.timestamp) >= t).at(-1)
      expect((await chain.beaconAt(t, options))?.hash, `${timestampSec - t} s ago`).toBe(first.hash)
    }
  })

  it('refreshes the members when the registry speaks', async () => {
    const chain = await connect()
    expect((await chain.members()).some((one) => one.exiting)).toBe(false)
    await world.send(world.fishermen[3]!, 'registry', 'requestExit', [])
    await until(async () => (await chain.members()).some((one) => one.exiting))
  })

  it('goes back with the chain: cases and head of blocks that were taken back are forgotten', async () => {
    const [chain, other] = [await connect(), await connect({ signer: world.fishermen[1]! })]
    const events: HeadEvent[] = []
    chain.onHead((event) => events.push(event))
    const id = await world.snapshot()
    const height = chain.head().number
    const own = await ownReceipt()
    expect((await accuse(other, own)).status).toBe('mined')
    // Who sent it would send it again.
    await other.close()
    await until(() => chain.cases().length === 1)
    expect((await chain.deposit(addressOf(node()))).frozen).toBe(true)
    await world.pass(1)
    await until(() => chain.head().number >= height + 2n)
    await world.revert(id)
    await until(() => chain.cases().length === 0)
    expect(events.some((event) => event.rewoundTo === height)).toBe(true)
    expect((await chain.deposit(addressOf(node()))).frozen).toBe(false)
    // The same work is done anew on the new chain.
    expect((await accuse(chain, own)).status).toBe('mined')
    await until(() => chain.cases()[0]?.state === 'open')
  })

  it('notices a replaced chain of the same height', async () => {
    const [chain, other] = [await connect(), await connect({ signer: world.fishermen[1]! })]
    const id = await world.snapshot()
    await accuse(other, await ownReceipt())
    await other.close()
    await until(() => chain.cases().length === 1)
    const was = chain.head()
    await world.revert(id)
    for (let i = 0; i < 3; i++) await world.pass(7)
    await until(() => chain.head().number > was.number && chain.cases().length === 0)
  })
})

describe('actions', () => {
  it('open, convict and settle a case, each told as mined once and then as already', async () => {
    const chain = await connect()
    const own = await ownReceipt()
    const votes = await conviction(world, own)
    expect(await accuse(chain, own)).toMatchObject({ status: 'mined', gasUsed: expect.any(BigInt) })
    expect(await accuse(chain, own)).toEqual({ status: 'already' })
    expect(await chain.convict({ faultClass: 'D2', ...votes }, options)).toMatchObject({
      status: 'refused',
      error: 'AnswerWindowOpen',
    })
    await world.pass(5)
    expect(await chain.convict({ faultClass: 'D2', ...votes }, options)).toMatchObject({ status: 'mined', amount: tokens(10) })
    expect(await chain.convict({ faultClass: 'D2', ...votes }, options)).toEqual({ status: 'already' })
    await until(() => chain.isConvicted(votes.faultId))
    expect(chain.cases()[0]).toMatchObject({
      state: 'convicted',
      amount: tokens(10),
      finder: addressOf(world.fishermen[1]!),
      gasUsed: expect.any(BigInt),
    })
    await world.pass(9)
    expect((await chain.settle(votes.faultId, options)).status).toBe('mined')
    expect(await chain.settle(votes.faultId, options)).toEqual({ status: 'already' })
    await until(() => chain.cases()[0]?.state === 'settled')
    // A second client, started later, reads the same story from the events.
    const late = await connect({ signer: world.fishermen[2]! })
    expect(late.cases()).toEqual(chain.cases())
  })

  it('answers, expires and appeals', async () => {
    const chain = await connect()
    const accused = await connect({ signer: node() })
    const own = await ownReceipt()
    const { faultId } = await conviction(world, own)
    await accuse(chain, own)
    expect(await chain.answer({ faultId, rebuttalHash: unique() }, options)).toMatchObject({
      status: 'refused',
      error: 'NotAccused',
    })
    expect((await accused.answer({ faultId, rebuttalHash: unique() }, options)).status).toBe('mined')
    expect(await chain.expire(faultId, options)).toMatchObject({ status: 'refused', error: 'CaseNotOver' })
    await world.pass(121)
    expect((await chain.expire(faultId, options)).status).toBe('mined')
    expect(await chain.expire(faultId, options)).toEqual({ status: 'already' })
    await until(() => chain.cases()[0]?.state === 'drawn')
    expect(await chain.appeal(faultId, options)).toMatchObject({ status: 'refused', error: 'NotConvicted' })
  })

  it('accuses again of other inputs after a case that convicted nobody, and never of the same', async () => {
    const [sham, chain] = [await connect({ signer: world.fishermen[1]! }), await connect()]
    const [lower, own] = await bothRungs(world, node())
    const { faultId } = await conviction(world, own)
    const other = accusation(lower)
    // A version that nobody judges by would be such inputs too, and nobody could reject the case.
    expect(await sham.openCase({ ...accusation(own), verdictVersion: 999 }, options)).toMatchObject({
      ...{ status: 'refused', error: 'VerdictVersionNotInForce' },
    })
    expect((await sham.openCase(other, options)).status).toBe('mined')
    await until(() => chain.cases()[0]?.state === 'open')
    expect(await accuse(chain, own)).toEqual({ status: 'already' })
    await world.pass(121)
    expect((await chain.expire(faultId, options)).status).toBe('mined')
    await until(() => chain.cases()[0]?.state === 'expired')
    expect(await chain.openCase(other, options)).toEqual({ status: 'already' })
    expect((await accuse(chain, own)).status).toBe('mined')
    await until(() => chain.cases()[0]?.state === 'open')
    expect(chain.cases()).toHaveLength(1)
    expect(chain.cases()[0]).toMatchObject({ opener: addressOf(world.fishermen[0]!), evidenceHash: inputsOf(world, own) })
    await world.pass(5)
    expect(await chain.convict({ faultClass: 'D2', ...(await conviction(world, own)) }, options)).toMatchObject({
      status: 'mined',
    })
  })

  it('commit and reveal, and leave a fault that another has revealed', async () => {
    const [mine, theirs] = [await connect(), await connect({ signer: world.fishermen[1]! })]
    const tick = setInterval(() => void world.pass(1).catch(() => undefined), 60)
    try {
      const fault = await equivocation(world, node())
      const results = await Promise.all([
        mine.commitReveal({ faultClass: 'O1', ...fault }, options),
        theirs.commitReveal({ faultClass: 'O1', ...fault }, options),
      ])
      expect(results.map((one) => one.status).sort()).toEqual(['already', 'mined'])
      expect(results.find((one) => one.status === 'mined')).toMatchObject({ amount: tokens(30) })
    } finally {
      clearInterval(tick)
    }
  })

  it('puts the head of a log on the chain once, and only a grown one', async () => {
    const chain = await connect()
    const head = { epoch: 1n, size: 3n, root: unique('root') }
    expect(await chain.anchoredHead(addressOf(me()))).toBeUndefined()
    expect(await chain.anchorHead(head, options)).toMatchObject({ status: 'mined' })
    expect(await chain.anchoredHead(addressOf(me()))).toEqual(head)
    expect(await chain.anchorHead(head, options)).toEqual({ status: 'already' })
    expect(await chain.anchorHead({ ...head, size: 2n, root: unique('root') }, options)).toEqual({ status: 'already' })
    const stranger = await connect({ signer: world.stranger })
    expect(await stranger.anchorHead(head, options)).toMatchObject({ status: 'refused', error: 'NotRegistered' })
  })

  it('finds silent members as the registry does, and marks each silence once', async () => {
    const chain = await connect()
    const [working, silent] = [world.fishermen[1]!, world.fishermen[2]!]
    const found = async () => (await chain.silentMembers()).map(({ address }) => address).sort()
    const asTheRegistry = async () => {
      await until(async () => chain.head().timestampSec === (await world.now()))
      // Calls are made at the head's own second, as we count.
      const answers = await Promise.all(world.fishermen.map((one) => world.why('registry', 'markSilent', [one.address])))
      return world.fishermen
        .filter((_, i) => answers[i] === 'ok')
        .map(addressOf)
        .sort()
    }
    expect([await found(), await asTheRegistry()]).toEqual([[], []])
    const preset = chainPreset('local').registry
    await world.pass(100)
    await world.send(working, 'registry', 'anchorHead', [1, 1, unique('root')])
    const [{ seenAt }] = [(await world.view('registry', 'headOf', [silent.address])) as { seenAt: bigint }]
    const at = async (second: number) => {
      await world.provider.send('evm_setNextBlockTimestamp', [second])
      await world.mine()
      return asTheRegistry()
    }
    const others = world.fishermen.filter((one) => one !== working).map(addressOf)
    for (const [past, expected] of [
      [0, false],
      [1, true],
    ] as const) {
      const known = await at(Number(seenAt) + preset.silentSec + past)
      expect(known.includes(addressOf(silent))).toBe(expected)
      expect(await found()).toEqual(known)
    }
    expect(await at(Number(seenAt) + preset.silentSec + 30)).toEqual(others.sort())
    const [one] = (await chain.silentMembers()).filter(({ address }) => address === addressOf(silent))
    expect(one).toEqual({ address: addressOf(silent), weight: tokens(250), seenAtSec: Number(seenAt) })
    expect(await chain.markSilent(one!, options)).toMatchObject({ status: 'mined' })
    expect(await chain.markSilent(one!, options)).toEqual({ status: 'already' })
    await until(async () => (await found()).length === others.length - 1)
    expect(await world.view('registry', 'totalWeight', [])).toBe(tokens(750))
    // It comes back, and may fall silent again: that is another work.
    await world.send(silent, 'registry', 'anchorHead', [1, 1, unique('root')])
    await world.pass(preset.silentSec + 20)
    const again = await vi.waitFor(async () => {
      const [known] = (await chain.silentMembers()).filter(({ address }) => address === addressOf(silent))
      expect(known).toBeDefined()
      return known!
    })
    expect(await chain.markSilent(again, options)).toMatchObject({ status: 'mined' })
    const gone = await connect({ signer: world.stranger })
    expect(await gone.markSilent({ ...one!, address: addressOf(working) }, options)).toMatchObject({ status: 'mined' })
    expect(await gone.markSilent({ ...one!, address: addressOf(world.stranger) }, options)).toEqual({ status: 'already' })
  })

  it('say why the chain refused a transaction that was mined and reverted', async () => {
    const [mine, theirs] = [await connect(), await connect({ signer: world.fishermen[1]! })]
    const own = await ownReceipt()
    const votes = await conviction(world, own)
    await accuse(mine, own)
    await world.pass(5)
    await world.provider.send('evm_setAutomine', [false])
    const both = Promise.all([
      mine.convict({ faultClass: 'D2', ...votes }, options),
      theirs.convict({ faultClass: 'D2', ...votes }, options),
    ])
    await until(async () => (await pendingOf()).length === 2)
    await world.mine()
    expect((await both).map((one) => one.status).sort()).toEqual(['already', 'mined'])
  })

  it('simulate only: the exact transaction is told, nothing is signed', async () => {
    const lines: [string, Record<string, unknown>][] = []
    const log = {
      debug: () => {},
      warn: () => {},
      error: () => {},
      info: (text: string, fields?: object) => void lines.push([text, { ...fields }]),
    }
    const signTransaction = vi.fn()
    const signer = { getAddress: async () => me().address, signTransaction } as unknown as Wallet
    const live = await connect({ signer: world.fishermen[1]! })
    const dry = await connect({ signer, send: 'simulate', log })
    const own = await ownReceipt()
    const votes = await conviction(world, own)
    await accuse(live, own)
    await world.pass(5)
    const result = await dry.convict({ faultClass: 'D2', ...votes }, options)
    const data = convictData('D2', votes.evidence)
    expect(result).toMatchObject({ status: 'simulated', to: world.deployment.verifier, data })
    expect(lines).toContainEqual(['Transaction simulated, not signed', expect.objectContaining({ action: 'convict', data })])
    const fault = await equivocation(world, node())
    expect((await dry.commitReveal({ faultClass: 'O1', ...fault }, options)).status).toBe('simulated')
    expect(signTransaction).not.toHaveBeenCalled()
    expect(dry.isConvicted(votes.faultId)).toBe(false)
  })

  it('are refused without a key and on an old head', async () => {
    const blind = await world.chain()
    open.push(blind)
    expect(await accuse(blind, await ownReceipt())).toMatchObject({ status: 'refused', reason: expect.stringMatching(/no key/) })
    const ahead = { nowMs: () => (blind.head().timestampSec + 90) * 1000, monotonicMs: () => 0 }
    const stale = await connect({ clock: ahead, maxHeadAgeSec: 60 })
    expect(await accuse(stale, await ownReceipt())).toMatchObject({
      status: 'refused',
      reason: expect.stringMatching(/90 s old/),
    })
  })

  it('an account without coins or bond gets one clear line', async () => {
    const chain = await connect({ signer: world.stranger })
    expect(await accuse(chain, await ownReceipt())).toMatchObject({ status: 'refused', error: 'NotMember' })
    await world.provider.send('anvil_setBalance', [me().address, '0x0'])
    const poor = await connect()
    const own = await ownReceipt()
    const said = await accuse(poor, own).then(
      (result) => JSON.stringify(result),
      (error: Error) => error.message,
    )
    expect(said).toMatch(/native coin|funds/i)
    expect(said).not.toContain(me().privateKey.slice(2))
  })
})

describe('the sender', () => {
  it('sends a dropped transaction again, with the same nonce and a higher fee', async () => {
    const chain = await connect({ resubmitMs: 200 })
    const start = await nonceOf(me())
    await world.provider.send('evm_setAutomine', [false])
    const result = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    const [first] = await pendingOf()
    await world.provider.send('anvil_dropTransaction', [first!.hash])
    await until(async () => (await pendingOf()).some((one) => BigInt(one.maxFeePerGas) > BigInt(first!.maxFeePerGas)))
    await world.mine()
    expect((await result).status).toBe('mined')
    expect(await nonceOf(me())).toBe(start + 1)
  })

  it('does not give the nonce of a dropped transaction to the next one', async () => {
    const chain = await connect({ resubmitMs: 400 })
    const start = await nonceOf(me())
    await world.provider.send('evm_setAutomine', [false])
    const first = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    await world.provider.send('anvil_dropAllTransactions', [])
    const second = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 2)
    await world.mine()
    expect((await Promise.all([first, second])).map((one) => one.status)).toEqual(['mined', 'mined'])
    expect(await nonceOf(me())).toBe(start + 2)
  })

  it('raises the fee at once to what a run-away base fee asks for', async () => {
    const store = memoryIntents()
    const chain = await connect({ resubmitMs: 200, intents: store })
    await world.provider.send('evm_setAutomine', [false])
    const result = accuse(chain, await ownReceipt())
    await until(async () => (await pendingOf()).length === 1)
    await world.provider.send('anvil_setNextBlockBaseFeePerGas', ['0x12a05f2000'])
    await world.mine()
    const timer = setInterval(() => void world.mine().catch(() => undefined), 150)
    expect((await result).status).toBe('mined')
    clearInterval(timer)
    // From a tenth of a gwei to eighty by 15 % a time would take fifty steps.
    expect(store.all()[0]!.variants.length).toBeLessThan(8)
  })

  it('keeps two actions of one key apart by nonce', async () => {
    const chain = await connect()
    const start = await nonceOf(me())
    const results = await Promise.all([
      accuse(chain, await ownReceipt()),
      accuse(chain, await ownReceipt()),
      accuse(chain, await ownReceipt()),
    ])
    expect(results.map((one) => one.status)).toEqual(['mined', 'mined', 'mined'])
    expect(await nonceOf(me())).toBe(start + 3)
  })

  /** A store that dies after having written one state, as a process does. */
  function dying(store: IntentStore, state: Intent['state']): IntentStore {
    return {
      load: store.load,
      all: store.all,
      async record(intent, opts) {
        await store.record(intent, opts)
        if (intent.state === state) throw new Error('power cut')
      },
    }
  }

  it.each(['intended', 'signed'] as const)('does not send twice after a crash with the intent %s', async (state) => {
    const store = memoryIntents()
    const own = await ownReceipt()
    const start = await nonceOf(me())
    const first = await connect({ intents: dying(store, state) })
    await expect(accuse(first, own)).rejects.toThrow('power cut')
    await first.close()
    expect(await nonceOf(me())).toBe(start)
    const kept = store.all()[0]
    expect(kept?.state).toBe(state)
    const second = await connect({ intents: store })
    const result = await accuse(second, own)
    expect(result.status).toBe('mined')
    if (state === 'signed') expect(result).toMatchObject({ tx: kept!.variants[0]!.hash })
    expect(await nonceOf(me())).toBe(start + 1)
    expect(JSON.stringify(store.all(), (_, v) => (typeof v === 'bigint' ? `${v}` : v))).not.toContain(me().privateKey.slice(2))
  })

  it('takes up a transaction that was sent before the crash, also while it is pending', async () => {
    const store = memoryIntents()
    const own = await ownReceipt()
    const start = await nonceOf(me())
    await world.provider.send('evm_setAutomine', [false])
    const life = new AbortController()
    const first = await connect({ intents: store })
    const cut = first.openCase(accusation(own), { signal: life.signal })
    await until(async () => (await pendingOf()).length === 1)
    life.abort(new Error('killed'))
    await expect(cut).rejects.toThrow('killed')
    const second = await connect({ intents: store })
    const again = second.openCase(accusation(own), options)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await pendingOf()).length).toBe(1)
    await world.mine()
    expect((await again).status).toBe('mined')
    expect(await nonceOf(me())).toBe(start + 1)
  })

  /** What a client leaves that was killed between its commitment and the reveal. */
  async function killedAfterCommit() {
    const store = memoryIntents()
    const fault = await equivocation(world, node())
    const life = new AbortController()
    const first = await connect({ intents: store })
    const cut = first.commitReveal({ faultClass: 'O1', ...fault }, { signal: life.signal })
    await until(() => store.all().some((one) => one.action === 'commit' && one.state === 'mined'))
    life.abort(new Error('killed'))
    await expect(cut).rejects.toThrow('killed')
    return { store, fault }
  }

  it('reveals with the commitment made before a restart', async () => {
    const { store, fault } = await killedAfterCommit()
    const between = await nonceOf(me())
    await world.pass(3)
    const second = await connect({ intents: store })
    expect((await second.commitReveal({ faultClass: 'O1', ...fault }, options)).status).toBe('mined')
    expect(await nonceOf(me())).toBe(between + 1)
  })

  it('commits nothing more to a fault that was revealed in a block which our events have not reached', async () => {
    const { store, fault } = await killedAfterCommit()
    await world.pass(3)
    // Whoever starts now knows the chain as it is before the reveal, and hears of nothing for an hour.
    const behind = await connect({ intents: store, pollMs: 3_600_000 })
    const second = await connect({ intents: store })
    expect((await second.commitReveal({ faultClass: 'O1', ...fault }, options)).status).toBe('mined')
    const after = await nonceOf(me())
    expect(behind.isConvicted(fault.faultId)).toBe(false)
    expect(await behind.commitReveal({ faultClass: 'O1', ...fault }, options)).toEqual({ status: 'already' })
    expect(await nonceOf(me())).toBe(after)
  })
})
