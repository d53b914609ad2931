import type { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { commitmentOf } from '../../src/chain/build.ts'
import { addressOf, localWallet, randomMnemonic } from '../../src/chain/setup.ts'
import { contradiction, duplicate, metering, reuse } from './proofs.ts'
import { accused, conviction, createWorld, equivocation, interfaceOf, opening, passThrough, unique, type World } from './world.ts'

// What each call costs whoever brings a proof, at its worst: the first conviction of a node, and the first of a day. The slash itself is
// not ours to make cheaper and is not counted.

const members = Array.from({ length: 21 }, (_, i) => localWallet(randomMnemonic(), i))
let world: World
let clean: string
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 }, { fishermen: members })
  clean = await world.snapshot()
}, 60_000)
afterAll(() => world?.stop())
beforeEach(async () => {
  await world.revert(clean)
  clean = await world.snapshot()
})

const node = () => world.orchestrators[0]!
const hunter = () => world.fishermen[0]!
const TAKE = interfaceOf('SecurityDepositSlasher').getFunction('take')!.selector

interface Frame {
  gasUsed: Hex
  input: Hex
  calls?: Frame[]
}

/** Gas of a transaction without the slasher's `take`. */
async function gasOf(by: Wallet, name: string, values: unknown[]): Promise<number> {
  const { gasUsed, hash } = await world.send(by, 'verifier', name, values)
  const root: Frame = await world.provider.send('debug_traceTransaction', [hash, { tracer: 'callTracer' }])
  const taken = (root.calls ?? []).filter(({ input }) => input.startsWith(TAKE)).map((call) => Number(call.gasUsed))
  return Number(gasUsed) - taken.reduce((sum, gas) => sum + gas, 0)
}

const show = (what: string, gas: number) => {
  if (process.env.SHOW_GAS) process.stdout.write(`${what}: ${gas}\n`)
  return gas
}

async function reveal(faultClass: number, { evidence, faultId }: { evidence: Hex; faultId: Hex }): Promise<number> {
  const salt = unique('salt')
  await world.send(hunter(), 'verifier', 'commit', [commitmentOf(addressOf(hunter()), faultId, salt)])
  await world.pass(3)
  return show(`O${faultClass}`, await gasOf(hunter(), 'reveal', [faultClass, evidence, salt]))
}

async function convict(signers: number): Promise<number> {
  // The others leave, so that these are more than two thirds.
  for (const wallet of members.slice(signers)) await world.send(wallet, 'registry', 'requestExit', [])
  // A day's heads: whoever is due is counted.
  await world.send(hunter(), 'registry', 'anchorHead', [1, 1, unique()])
  const own = await accused(world, node())
  await world.send(hunter(), 'verifier', 'open', opening(own))
  await world.pass(5)
  const votes = await conviction(world, own, { voters: members.slice(0, signers) })
  return show(`${signers} signers`, await gasOf(world.stranger, 'convict', [18, votes.evidence]))
}

describe('gas of', () => {
  it('a commitment', async () => {
    expect(show('commit', await gasOf(hunter(), 'commit', [unique()]))).toBeLessThanOrEqual(50_000)
  })

  it('O1, O3, O4 and O5', async () => {
    expect(await reveal(1, await equivocation(world, node()))).toBeLessThanOrEqual(190_000)
    await world.revert(clean)
    clean = await world.snapshot()
    expect(await reveal(3, await passThrough(world, node()))).toBeLessThanOrEqual(190_000)
    await world.revert(clean)
    clean = await world.snapshot()
    expect(await reveal(4, await duplicate(world, node()))).toBeLessThanOrEqual(190_000)
    await world.revert(clean)
    clean = await world.snapshot()
    expect(await reveal(5, await metering(world, node()))).toBeLessThanOrEqual(190_000)
  })

  it('O2 with four pairs of frames', async () => {
    expect(await reveal(2, await reuse(world, node()))).toBeLessThanOrEqual(270_000)
  })

  it('O6 with eight pairs of frames', async () => {
    expect(await reveal(6, await contradiction(world, node()))).toBeLessThanOrEqual(330_000)
  })

  it('a conviction by 7 signers, and what each further one adds, measured at 21', async () => {
    const seven = await convict(7)
    await world.revert(clean)
    clean = await world.snapshot()
    const many = await convict(21)
    expect(many).toBeLessThanOrEqual(230_000 + 14 * 9_000)
    expect((many - seven) / 14).toBeLessThanOrEqual(9_000)
  })
})
