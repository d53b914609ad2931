import { Contract, ContractFactory, type Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { commitmentOf } from '../../src/chain/build.ts'
import { tokens } from '../../src/chain/presets.ts'
import { addressOf } from '../../src/chain/setup.ts'
import { artifacts, createWorld, equivocation, errorName, interfaceOf, unique, type World } from './world.ts'

// Bonded stake, on doubles that behave as Livepeer's own contracts were measured to behave (letters are the rows of that table).

let world: World
let clean: string
let controller: Contract
let manager: Contract
let rounds: Contract
let slasher: Hex
const boss = () => world.wallets[0]!
const node = () => world.orchestrators[0]!
const hunter = () => world.fishermen[0]!
const stranger = () => world.stranger
const name = (text: string) => `0x${Buffer.from(text).toString('hex').padEnd(64, '0')}`

async function send(by: Wallet, contract: Contract, method: string, values: unknown[]): Promise<void> {
  const wallet = by.connect(world.provider)
  const nonce = Number(await world.provider.send('eth_getTransactionCount', [by.address, 'latest']))
  const data = contract.interface.encodeFunctionData(method, values)
  await (await wallet.sendTransaction({ to: await contract.getAddress(), data, nonce })).wait()
}

async function deploy(what: string, values: unknown[]): Promise<Contract> {
  const { abi, bytecode } = artifacts.contracts[what]!
  const { data } = await new ContractFactory(abi, bytecode).getDeployTransaction(...values)
  const nonce = Number(await world.provider.send('eth_getTransactionCount', [boss().address, 'latest']))
  const made = await (await boss().connect(world.provider).sendTransaction({ data, nonce })).wait()
  return new Contract(made!.contractAddress!, interfaceOf(what), world.provider)
}

beforeAll(async () => {
  world = await createWorld({ roundSec: 3600 })
  const { token, verifier } = world.deployment
  controller = await deploy('DoubleController', [])
  manager = await deploy('DoubleBondingManager', [await controller.getAddress(), token])
  rounds = await deploy('DoubleRoundsManager', [])
  slasher = (await (await deploy('LivepeerBondSlasher', [await controller.getAddress(), token, verifier])).getAddress()) as Hex
  await send(boss(), controller, 'setContract', ['BondingManager', await manager.getAddress()])
  await send(boss(), controller, 'setContract', ['RoundsManager', await rounds.getAddress()])
  await send(boss(), controller, 'setContract', ['Verifier', slasher])
  await send(boss(), manager, 'setBurnerRole', [true])
  // The governor makes bonds the stake of the O classes.
  await world.send(boss(), 'verifier', 'announce', [name('objectiveSlasher'), BigInt(slasher)])
  await world.pass(11)
  await world.send(stranger(), 'verifier', 'applyChange', [name('objectiveSlasher')])
  await world.send(boss(), 'token', 'mint', [stranger().address, tokens(10)])
  for (const wallet of [node(), stranger()])
    await world.send(wallet, 'token', 'approve', [await manager.getAddress(), tokens(1000)])
  await send(node(), manager, 'bond', [tokens(1000), node().address])
  clean = await world.snapshot()
})
afterAll(() => world?.stop())
beforeEach(async () => {
  await world.revert(clean)
  clean = await world.snapshot()
})

const bonded = (wallet = node()) => manager.getFunction('bonded')(wallet.address) as Promise<bigint>
const inPool = () => manager.getFunction('inPool')(node().address) as Promise<boolean>
const held = async () => (await world.view('token', 'balanceOf', [world.deployment.verifier])) as bigint

async function committed(transcoder = node()) {
  const fault = await equivocation(world, transcoder)
  const salt = unique('salt')
  await world.send(hunter(), 'verifier', 'commit', [commitmentOf(addressOf(hunter()), fault.faultId, salt)])
  await world.pass(3)
  return { ...fault, values: [1, fault.evidence, salt] }
}

describe('a proof against a bond', () => {
  it('seizes it into escrow: nothing is burned, and the delegators lose nothing', async () => {
    await send(stranger(), manager, 'bond', [tokens(10), node().address])
    const { values } = await committed()
    const burned = (await world.view('token', 'balanceOf', [`0x${'dead'.padStart(40, '0')}`])) as bigint
    await world.send(hunter(), 'verifier', 'reveal', values)
    expect([await bonded(), await bonded(stranger()), await held()]).toEqual([tokens(970), tokens(10), tokens(30)])
    expect(await world.view('token', 'balanceOf', [`0x${'dead'.padStart(40, '0')}`])).toBe(burned)
  })

  it('b: reverts while the burner role is missing, so that it can be brought again', async () => {
    await send(boss(), manager, 'setBurnerRole', [false])
    const { values, faultId } = await committed()
    const data = interfaceOf('FishermanVerifier').encodeFunctionData('reveal', values)
    const call = [{ from: hunter().address, to: world.deployment.verifier, data }, 'latest']
    const said = await world.provider.send('eth_call', call).then(() => 'ok', errorName)
    expect(said).not.toBe('ok')
    await send(boss(), manager, 'setBurnerRole', [true])
    await world.send(hunter(), 'verifier', 'reveal', values)
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(true)
  })

  it.each([
    ['d: unbond of all', async () => send(node(), manager, 'unbond', [tokens(1000)]), 0n],
    ['e: unbond of 99 %', async () => send(node(), manager, 'unbond', [tokens(900)]), tokens(3)],
    [
      'f: transferBond to a sybil',
      async () => send(node(), manager, 'transferBond', [stranger().address, tokens(1000) - 1n]),
      0n,
    ],
  ])('%s between commit and reveal: convicted, and takes what is left', async (what, evade, taken) => {
    const { values, faultId } = await committed()
    await evade()
    await world.send(hunter(), 'verifier', 'reveal', values)
    expect(await held()).toBe(taken)
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(true)
    expect(await bonded(stranger())).toBe(what.startsWith('f') ? tokens(1000) - 1n : 0n)
  })

  it('d: the lock stays whole and is paid out later', async () => {
    await send(node(), manager, 'unbond', [tokens(1000)])
    const { values } = await committed()
    await world.send(hunter(), 'verifier', 'reveal', values)
    await expect(send(node(), manager, 'withdrawStake', [])).rejects.toThrow()
    await send(boss(), rounds, 'setRound', [8])
    const before = (await world.view('token', 'balanceOf', [node().address])) as bigint
    await send(node(), manager, 'withdrawStake', [])
    expect(((await world.view('token', 'balanceOf', [node().address])) as bigint) - before).toBe(tokens(1000))
  })

  it('k: a plain delegator is never slashed, though the bonding manager would', async () => {
    await send(stranger(), manager, 'bond', [tokens(10), node().address])
    const { values, faultId } = await committed(stranger())
    await world.send(hunter(), 'verifier', 'reveal', values)
    expect(await world.view('verifier', 'isConvicted', [faultId])).toBe(true)
    expect([await bonded(stranger()), await held()]).toEqual([tokens(10), 0n])
    await send(boss(), controller, 'setContract', ['Verifier', boss().address])
    await send(boss(), manager, 'slashTranscoder', [stranger().address, boss().address, 500_000, 1_000_000])
    expect(await bonded(stranger())).toBe(tokens(5))
  })

  it('i: the node leaves the pool and is back with one wei of anybody; its fault is used all the same', async () => {
    const { values, evidence } = await committed()
    expect(await inPool()).toBe(true)
    await world.send(hunter(), 'verifier', 'reveal', values)
    expect(await inPool()).toBe(false)
    await send(stranger(), manager, 'bond', [1n, node().address])
    expect(await inPool()).toBe(true)
    expect(await world.why('verifier', 'reveal', [1, evidence, unique()], hunter())).toBe('AlreadyUsed')
    // Another fault of the same round finds what the round's cap leaves.
    await world.send(hunter(), 'verifier', 'reveal', (await committed()).values)
    // Whole ppm of the bond, rounded down.
    expect(await held()).toBeLessThanOrEqual(tokens(50))
    expect(await held()).toBeGreaterThan((tokens(50) * 9999n) / 10_000n)
  })

  it('h: never asks for more than a tenth, and stops when governance takes the role away (q)', async () => {
    expect(await new Contract(slasher, interfaceOf('LivepeerBondSlasher'), world.provider).getFunction('MAX_PPM')()).toBe(
      100_000n,
    )
    await send(boss(), controller, 'setContract', ['Verifier', `0x${'00'.repeat(20)}`])
    const { values } = await committed()
    const data = interfaceOf('FishermanVerifier').encodeFunctionData('reveal', values)
    const call = [{ from: hunter().address, to: world.deployment.verifier, data }, 'latest']
    await expect(world.provider.send('eth_call', call)).rejects.toThrow(/caller must be Verifier/)
  })
})
