import { ContractFactory, NonceManager, type Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { commitmentOf } from '../../src/chain/build.ts'
import { tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import { hash } from '../helpers/fixtures.ts'
import { accused, artifacts, conviction, createWorld, equivocation, errorName, opening, unique, type World } from './world.ts'

let world: World
let clean: string
beforeAll(async () => {
  world = await createWorld({ roundSec: 3600, dailyCap: tokens(100) })
  clean = await world.snapshot()
})
afterAll(() => world?.stop())
beforeEach(async () => {
  await world.revert(clean)
  clean = await world.snapshot()
})

const hunter = () => world.fishermen[0]!
const stakeOf = async (wallet: Wallet) => (await world.view('deposit', 'stakeOf', [wallet.address])) as bigint

async function reveal(by: Wallet): Promise<Hex> {
  const round = (await world.view('rounds', 'currentRound', [])) as bigint
  const { evidence, faultId } = await equivocation(world, by, { round })
  const salt = unique('salt')
  await world.send(hunter(), 'verifier', 'commit', [commitmentOf(addressOf(hunter()), faultId, salt)])
  await world.pass(3)
  await world.send(hunter(), 'verifier', 'reveal', [1, evidence, salt])
  return faultId
}

describe('limits lower the amount and never stop a proof', () => {
  it('5 % of a stake in one round, anew in the next', async () => {
    const node = world.orchestrators[0]!
    await reveal(node)
    await reveal(node)
    await reveal(node)
    // 3 % of 1000, then what 5 % leave, then nothing; all three are convictions.
    expect(await stakeOf(node)).toBe(tokens(950))
    expect(((await world.view('verifier', 'convictionsOf', [node.address, 0])) as unknown[]).length).toBe(3)
    await world.pass(3600)
    await reveal(node)
    expect(await stakeOf(node)).toBe((tokens(950) * 97n) / 100n)
  })

  it('10 % of a stake in any seven rounds', async () => {
    const node = world.orchestrators[0]!
    const ppm = async (faults: number) => {
      const before = await stakeOf(node)
      for (let i = 0; i < faults; i++) await reveal(node)
      return Number(((before - (await stakeOf(node))) * 1_000_000n) / before)
    }
    const next = () => world.pass(3600)
    // The daily cap is not what stops it.
    const name = `0x${Buffer.from('dailyCap').toString('hex').padEnd(64, '0')}`
    await world.send(world.wallets[0]!, 'verifier', 'announce', [name, tokens(10_000)])
    await world.pass(11)
    await world.send(world.stranger, 'verifier', 'applyChange', [name])
    const taken: number[] = []
    for (let round = 0; round < 7; round++) {
      taken.push(await ppm(2))
      await next()
    }
    // 5 % and 5 %, and nothing more until the first is seven rounds ago.
    expect(taken).toEqual([50_000, 50_000, 0, 0, 0, 0, 0])
    expect(await ppm(2)).toBe(50_000)
    await next()
    expect(await ppm(1)).toBe(30_000)
    // However long nothing happened, no more than 5 % a round.
    await world.pass(40 * 3600)
    expect(await ppm(3)).toBe(50_000)
  })

  it('10 % in seven rounds also by small steps, each rounded up', async () => {
    const node = world.orchestrators[0]!
    const first = await stakeOf(node)
    for (let round = 0; round < 7; round++) {
      await reveal(node)
      await world.pass(3600)
    }
    const left = await stakeOf(node)
    expect(left).toBeGreaterThanOrEqual((first * 9n) / 10n)
    // 3 % three times, then what is left of ten.
    expect(left).toBe((((((first * 97n) / 100n) * 97n) / 100n) * 97n * 99n) / 10_000n)
  })

  it('the daily cap of the whole network', async () => {
    for (const node of world.orchestrators) await reveal(node)
    const left = await Promise.all(world.orchestrators.map(stakeOf))
    expect(left).toEqual([tokens(970), tokens(970), tokens(970), tokens(990)])
    await world.pass(86_400)
    await reveal(world.orchestrators[3]!)
    expect(await stakeOf(world.orchestrators[3]!)).toBe((tokens(990) * 97n) / 100n)
  })

  it('nothing below the minimum, and nothing from those who have nothing', async () => {
    const poor = world.stranger
    const faultId = await reveal(poor)
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(true)
    // 33 tokens: 3 % is less than one token.
    await world.send(world.wallets[0]!, 'token', 'mint', [poor.address, tokens(33)])
    await world.send(poor, 'token', 'approve', [world.deployment.deposit, tokens(33)])
    await world.send(poor, 'deposit', 'deposit', [tokens(33)])
    await reveal(poor)
    expect(await stakeOf(poor)).toBe(tokens(33))
  })
})

describe('what only some may do', () => {
  const no = (contract: 'deposit' | 'registry' | 'token' | 'verifier', name: string, values: unknown[], by = world.stranger) =>
    world.why(contract, name, values, by)

  it('nobody but the contracts takes, freezes or mints', async () => {
    const node = world.orchestrators[0]!.address
    for (const by of [world.stranger, world.wallets[0]!]) {
      expect(await no('deposit', 'take', [node, 1, node], by)).toBe('OnlySlasher')
      expect(await no('deposit', 'freeze', [node], by)).toBe('OnlyVerifier')
      expect(await no('deposit', 'unfreeze', [node], by)).toBe('OnlyVerifier')
      expect(await no('registry', 'penalise', [hunter().address, 1, node], by)).toBe('OnlyVerifier')
    }
    expect(await no('token', 'mint', [node, 1])).toBe('OwnableUnauthorizedAccount')
  })

  it('parameters change by the governor and after the timelock only', async () => {
    const name = `0x${Buffer.from('openBond').toString('hex').padEnd(64, '0')}`
    const governor = world.wallets[0]!
    expect(await no('verifier', 'announce', [name, 5n])).toBe('OnlyGovernor')
    expect(await no('verifier', 'applyChange', [name])).toBe('ChangeNotDue')
    await world.send(governor, 'verifier', 'announce', [name, tokens(5)])
    expect(await no('verifier', 'applyChange', [name])).toBe('ChangeNotDue')
    await world.pass(11)
    await world.send(world.stranger, 'verifier', 'applyChange', [name])
    expect(await world.view('verifier', 'openBond', [])).toBe(tokens(5))
    expect(await no('verifier', 'applyChange', [name])).toBe('ChangeNotDue')
    const bogus = `0x${Buffer.from('answerSeconds').toString('hex').padEnd(64, '0')}`
    expect(await world.why('verifier', 'announce', [bogus, 1n], governor)).toBe('UnknownParameter')
    const cap = `0x${Buffer.from('dailyCap').toString('hex').padEnd(64, '0')}`
    expect(await world.why('verifier', 'announce', [cap, 2n ** 128n], governor)).toBe('ValueTooLarge')
    expect(await world.why('verifier', 'announce', [cap, 2n ** 128n - 1n], governor)).toBe('ok')
  })

  it('the registry wants a bond, the right keys, and time to leave', async () => {
    const late = world.orchestrators[0]!
    const key = `0x${'01'.repeat(96)}`
    const proof = `0x${'02'.repeat(48)}`
    const register = (values: unknown[], by = late) => world.why('registry', 'register', values, by)
    await world.send(late, 'token', 'approve', [world.deployment.registry, tokens(1000)])
    expect(await register([tokens(249), key, proof])).toBe('BondTooSmall')
    expect(await register([tokens(250), `0x${'01'.repeat(48)}`, proof])).toBe('WrongKeyLength')
    expect(await register([tokens(250), key, '0x'])).toBe('WrongKeyLength')
    expect(await register([tokens(250), key, proof], hunter())).toBe('AlreadyRegistered')
    expect(await world.why('registry', 'requestExit', [], world.stranger)).toBe('NotRegistered')
    expect(await world.why('registry', 'withdraw', [], hunter())).toBe('ExitNotOver')
    await world.send(hunter(), 'registry', 'requestExit', [])
    expect(await world.why('registry', 'requestExit', [], hunter())).toBe('AlreadyExiting')
    expect(await world.why('registry', 'withdraw', [], hunter())).toBe('ExitNotOver')
    await world.pass(61)
    const before = (await world.view('token', 'balanceOf', [hunter().address])) as bigint
    await world.send(hunter(), 'registry', 'withdraw', [])
    expect((await world.view('token', 'balanceOf', [hunter().address])) as bigint).toBe(before + tokens(250))
    expect(((await world.view('registry', 'members', [])) as unknown[]).length).toBe(3)
    // It may come again; the weights still add up.
    await world.send(hunter(), 'token', 'approve', [world.deployment.registry, tokens(2000)])
    await world.send(hunter(), 'registry', 'register', [tokens(1500), key, proof])
    expect(await world.view('registry', 'totalWeight', [])).toBe(tokens(750))
    await world.pass(9)
    // 1500 bonded, 1000 count.
    expect(await world.view('registry', 'totalWeight', [])).toBe(tokens(1750))
    expect(await world.view('registry', 'activeWeightOf', [hunter().address])).toBe(tokens(1000))
  })

  it('a member whose log stands still can be taken out of the denominator, and comes back with a grown one', async () => {
    const [silent, working] = [world.fishermen[1]!, world.fishermen[2]!]
    const head = (by: Wallet, epoch: number, size: number) => world.send(by, 'registry', 'anchorHead', [epoch, size, hash(size)])
    const no = (by: Wallet, epoch: number, size: number) => world.why('registry', 'anchorHead', [epoch, size, hash(size)], by)
    const total = () => world.view('registry', 'totalWeight', [])
    const mark = (who: Wallet) => world.why('registry', 'markSilent', [who.address], world.stranger)
    expect(await no(world.stranger, 1, 1)).toBe('NotRegistered')
    await head(silent, 1, 5)
    for (const [epoch, size] of [
      [1, 5],
      [1, 4],
      [0, 9],
    ] as const)
      expect(await no(silent, epoch, size)).toBe('HeadNotGrown')
    await world.pass(7_100)
    await head(working, 1, 5)
    expect(await mark(silent)).toBe('NotSilent')
    await world.pass(101)
    expect(await mark(working)).toBe('NotSilent')
    expect(await mark(world.stranger)).toBe('NotSilent')
    await world.send(world.stranger, 'registry', 'markSilent', [silent.address])
    expect(await total()).toBe(tokens(750))
    expect(await world.view('registry', 'activeWeightOf', [silent.address])).toBe(0n)
    expect(await mark(silent)).toBe('NotSilent')
    // A new life of its log counts as growth.
    await head(silent, 2, 1)
    expect(await total()).toBe(tokens(750))
    await world.pass(9)
    expect(await total()).toBe(tokens(1000))
    expect(await world.view('registry', 'activeWeightOf', [silent.address])).toBe(tokens(250))
    await world.pass(7_201)
    await world.send(world.stranger, 'registry', 'markSilent', [silent.address])
    // Whoever leaves in silence can leave, and a head brings back no weight of one who leaves.
    await world.send(silent, 'registry', 'requestExit', [])
    await head(silent, 2, 2)
    await world.pass(61)
    expect(await total()).toBe(tokens(750))
    await world.send(silent, 'registry', 'withdraw', [])
    expect(await total()).toBe(tokens(750))
    expect((await world.view('registry', 'headOf', [silent.address])) as unknown[]).toMatchObject([
      hash(2),
      2n,
      2n,
      expect.anything(),
    ])
  })

  it('one who fell silent cannot stop a conviction, whatever its weight', async () => {
    const [node, whale] = [world.orchestrators[0]!, world.orchestrators[3]!]
    await world.send(world.wallets[0]!, 'token', 'mint', [whale.address, tokens(1000)])
    await world.send(whale, 'token', 'approve', [world.deployment.registry, tokens(1000)])
    await world.send(whale, 'registry', 'register', [tokens(1000), `0x${'01'.repeat(96)}`, `0x${'02'.repeat(48)}`])
    await world.pass(7_150)
    for (const member of world.fishermen) await world.send(member, 'registry', 'anchorHead', [1, 1, hash(1)])
    await world.pass(60)
    const own = await accused(world, node)
    await world.send(hunter(), 'verifier', 'open', opening(own))
    await world.pass(5)
    const { evidence, faultId } = await conviction(world, own)
    expect(await world.why('verifier', 'convict', [18, evidence], hunter())).toBe('NoQuorum')
    await world.send(world.stranger, 'registry', 'markSilent', [whale.address])
    await world.send(hunter(), 'verifier', 'convict', [18, evidence])
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(true)
  })

  it('a deposit thaws before it leaves', async () => {
    const node = world.orchestrators[0]!
    expect(await world.why('deposit', 'withdraw', [], node)).toBe('NothingThawing')
    expect(await world.why('deposit', 'thaw', [tokens(1001)], node)).toBe('NotEnough')
    await world.send(node, 'deposit', 'thaw', [tokens(400)])
    expect(await world.why('deposit', 'thaw', [tokens(601)], node)).toBe('NotEnough')
    expect(await world.why('deposit', 'withdraw', [], node)).toBe('NotThawed')
    await world.pass(61)
    await world.send(node, 'deposit', 'withdraw', [])
    expect(await stakeOf(node)).toBe(tokens(600))
  })
})

describe('LivepeerBondSlasher, on a double of the deployed BondingManager', () => {
  const deployer = () => new NonceManager(world.wallets[0]!.connect(world.provider))

  async function livepeer() {
    const boss = deployer()
    const make = async (name: string, values: unknown[]) => {
      const contract = await new ContractFactory(
        artifacts.contracts[name]!.abi,
        artifacts.contracts[name]!.bytecode,
        boss,
      ).deploy(...values)
      await contract.waitForDeployment()
      return contract as unknown as Record<string, (...values: unknown[]) => Promise<{ wait(): Promise<unknown> }>> & {
        target: string
      }
    }
    const controller = await make('DoubleController', [])
    const manager = await make('DoubleBondingManager', [controller.target, world.deployment.token])
    // The test's own address stands in for the FishermanVerifier.
    const slasher = await make('LivepeerBondSlasher', [controller.target, world.deployment.token, world.wallets[0]!.address])
    await (await controller.setContract!('BondingManager', manager.target)).wait()
    const node = world.orchestrators[0]!
    const asNode = manager as unknown as { connect(wallet: unknown): typeof manager }
    await world.send(node, 'token', 'approve', [manager.target, tokens(1000)])
    const own = asNode.connect(new NonceManager(node.connect(world.provider)))
    await (await own.bond!(tokens(1000), node.address)).wait()
    const face = slasher as unknown as {
      take: { staticCall(...values: unknown[]): Promise<bigint> }
      stakeOf(address: string): Promise<bigint>
    }
    return { controller, manager, slasher, face, own, node }
  }

  it('seizes the own bond, all of it to the verifier, and only as its Verifier', async () => {
    const { controller, manager, slasher, face, node } = await livepeer()
    await expect(face.take.staticCall(node.address, tokens(30))).rejects.toThrow(/caller must be Verifier/)
    await (await controller.setContract!('Verifier', slasher.target)).wait()
    expect(await face.take.staticCall(node.address, tokens(30)).catch(errorName)).toMatch(/revert|unknown|execution/i)
    await (await manager.setBurnerRole!(true)).wait()
    const before = (await world.view('token', 'balanceOf', [world.wallets[0]!.address])) as bigint
    await (await slasher.take!(node.address, tokens(30))).wait()
    expect((await world.view('token', 'balanceOf', [world.wallets[0]!.address])) as bigint).toBe(before + tokens(30))
    expect(await face.stakeOf(node.address)).toBe(tokens(970))
    // Never more than a tenth, however much is asked.
    expect(await face.take.staticCall(node.address, tokens(5000))).toBe(tokens(97))
    expect(await face.take.staticCall(node.address, 1n)).toBe(0n)
  })

  it('finds nothing after unbond or transferBond, leaves delegators alone, and does not revert', async () => {
    const { controller, manager, slasher, face, own, node } = await livepeer()
    await (await controller.setContract!('Verifier', slasher.target)).wait()
    await (await manager.setBurnerRole!(true)).wait()
    await (await own.transferBond!(world.stranger.address, tokens(999))).wait()
    // The sybil is a plain delegator of the node.
    expect(await face.stakeOf(world.stranger.address)).toBe(0n)
    expect(await face.take.staticCall(world.stranger.address, tokens(30))).toBe(0n)
    expect(await face.stakeOf(node.address)).toBe(tokens(1))
    await (await own.unbond!(tokens(1))).wait()
    expect(await face.take.staticCall(node.address, tokens(30))).toBe(0n)
    const thief = slasher as unknown as { connect(wallet: Wallet): typeof face }
    await expect(thief.connect(world.stranger.connect(world.provider)).take.staticCall(node.address, 1n)).rejects.toThrow()
  })
})
