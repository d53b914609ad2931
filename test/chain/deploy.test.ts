import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { type DeployJournal, type DeployProgress, deployAll, deployUnless } from '../../src/chain/deploy.ts'
import { type Inspected, inspectDeployment } from '../../src/chain/inspect.ts'
import { chainPreset, tokens } from '../../src/chain/presets.ts'
import { createRpc, type Rpc } from '../../src/chain/rpc.ts'
import { addressOf, localWallet, randomMnemonic } from '../../src/chain/setup.ts'
import type { Deployment, TransactionSigner } from '../../src/chain/types.ts'
import { type Anvil, startAnvil } from '../../src/devnet/anvil.ts'
import { artifacts, options, signal, silent } from './world.ts'

const mnemonic = randomMnemonic()
const wallet = (i: number) => localWallet(mnemonic, i)
const preset = { ...chainPreset('local'), dailyCap: tokens(100) }
let anvil: Anvil
let rpc: Rpc
beforeAll(async () => {
  anvil = await startAnvil({ mnemonic, accounts: 8, signal })
  rpc = createRpc({ rpcUrls: [anvil.rpcUrl], chainId: anvil.chainId }, { log: silent })
})
afterAll(async () => {
  rpc?.close()
  await anvil?.stop()
})

/** Signs this many transactions and then dies, as a process does. */
function dying(i: number, after: number): TransactionSigner {
  let left = after
  return {
    getAddress: async () => wallet(i).address,
    async signTransaction(transaction) {
      if (left-- === 0) throw new Error('killed')
      return wallet(i).signTransaction(transaction)
    },
  }
}

function journal(): DeployJournal & { known(): DeployProgress | undefined } {
  let known: DeployProgress | undefined
  return {
    load: async () => known,
    async save(progress) {
      known = progress
    },
    known: () => known,
  }
}

const init = (change = {}) => ({ rpcUrl: anvil.rpcUrl, preset, artifacts, ...change })
const inspect = (deployment: Deployment, change = {}) =>
  inspectDeployment({ deployment, preset, artifacts, ...change }, { rpc }, options)
const wrong = (found: Inspected[]) => found.filter(({ ok }) => !ok)
const nonceOf = async (i: number) => Number(await rpc.send('eth_getTransactionCount', [wallet(i).address, 'latest']))

describe('a deployment', () => {
  it('that was broken off goes on where it was, wherever that is, and creates nothing twice', async () => {
    for (const [i, after] of [1, 5, 10].entries()) {
      const book = journal()
      await expect(deployAll(init(), { deployer: dying(i, after), journal: book }, options)).rejects.toThrow(/killed/)
      expect(await nonceOf(i)).toBe(after)
      let quoted = 0
      const confirm = async ({ done }: { done: number }) => {
        quoted = done
        return true
      }
      const deployment = await deployUnless(init(), { deployer: wallet(i), journal: book, confirm }, options)
      expect(quoted).toBe(after)
      expect(await nonceOf(i)).toBe(11)
      expect(wrong(await inspect(deployment as Deployment))).toEqual([])
      const own = addressOf(wallet(i))
      const roles = { governor: own, guardian: own, treasury: own, oracle: { members: [own], threshold: 1 } }
      expect(wrong(await inspect(deployment as Deployment, { roles }))).toEqual([])
      // Once more with the same journal: all is there, nothing is sent.
      expect(await deployAll(init(), { deployer: wallet(i), journal: book }, options)).toEqual(deployment)
      expect(await nonceOf(i)).toBe(11)
    }
  })

  it('does not go on as another one, or after its nonces were used for something else', async () => {
    const book = journal()
    await expect(deployAll(init(), { deployer: dying(3, 2), journal: book }, options)).rejects.toThrow(/killed/)
    const again = (change = {}, i = 3) => deployAll(init(change), { deployer: wallet(i), journal: book }, options)
    await expect(again({ preset: { ...preset, openBond: tokens(26) } })).rejects.toThrow(/begun with another plan/)
    await expect(again({}, 4)).rejects.toThrow(/begun with another key/)
    const raw = await wallet(3).signTransaction({
      ...{ type: 2, chainId: anvil.chainId, nonce: 2, to: wallet(3).address, gasLimit: 21_000n },
      ...{ maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1n },
    })
    await rpc.send('eth_sendRawTransaction', [raw])
    await expect(again()).rejects.toThrow(/transaction 2 did not create LocalServiceRegistry/)
  })

  it('sends nothing when its parameters, its chain or its funds are wrong, or nobody wants it', async () => {
    const by = (i: number, change = {}) => deployAll(init(change), { deployer: wallet(i) }, options)
    await expect(by(5, { preset: { ...preset, caseSec: 3 } })).rejects.toThrow(/answer-in-case/)
    await expect(by(5, { preset: chainPreset('arbitrum-one') })).rejects.toThrow(
      /serves chain 31337, but arbitrum-one is chain 42161/,
    )
    await expect(by(5, { rpcUrl: 'localhost:1' })).rejects.toThrow(/is no URL/)
    await expect(by(5, { rpcUrl: 'http://127.0.0.1:1' })).rejects.toThrow(/127\.0\.0\.1:1 cannot be reached/)
    const poor = localWallet(mnemonic, 20)
    await expect(deployAll(init(), { deployer: poor }, options)).rejects.toThrow(
      /has 0\.0 of the native coin, .* may cost .*send it some/,
    )
    expect(await deployUnless(init(), { deployer: wallet(5), confirm: async () => false }, options)).toBeUndefined()
    expect(await nonceOf(5)).toBe(0)
  })

  it('on a public chain wants the contracts that should be there', async () => {
    const public_ = await startAnvil({ mnemonic, accounts: 1, chainId: 42_161n, signal })
    const by = (name: string) =>
      deployAll(init({ rpcUrl: public_.rpcUrl, preset: chainPreset(name) }), { deployer: wallet(0) }, options)
    await expect(by('arbitrum-one')).rejects.toThrow(
      /no contract at 0x289ba1701c2f088cf0faf8b3705246331cb8a839 \(Livepeer's token/,
    )
    await expect(by('local')).rejects.toThrow(/public chain 42161, and local is for chains of one's own/)
    await public_.stop()
  })
})

describe('a deployment on the chain is looked at', () => {
  let deployment: Deployment
  beforeAll(async () => {
    deployment = await deployAll(init(), { deployer: wallet(6) }, options)
  })
  const whats = (found: Inspected[]) => wrong(found).map(({ what }) => what)

  it('and each parameter that is not the preset is told with both values', async () => {
    const other = { ...preset, openBond: tokens(24), thawSec: 61, registry: { ...preset.registry, maxMembers: 255 } }
    const found = wrong(await inspect(deployment, { preset: other }))
    expect(found).toEqual([
      { what: 'registry.maxMembers', ok: false, says: '256, and should be 255' },
      { what: 'deposit.thawSeconds', ok: false, says: '60 s, and should be 61 s' },
      { what: 'verifier.openBond', ok: false, says: '25 LPT, and should be 24 LPT' },
    ])
  })

  it('and wiring, roles and code that are not as they should be', async () => {
    expect(whats(await inspect({ ...deployment, registry: deployment.deposit }))).toEqual(['registry code'])
    expect(whats(await inspect({ ...deployment, oracle: addressOf(wallet(7)) }))).toEqual(['oracle code'])
    expect(whats(await inspect({ ...deployment, treasury: addressOf(wallet(7)) }))).toEqual(['verifier.treasury'])
    const second = await deployAll(init(), { deployer: wallet(6) }, options)
    expect(whats(await inspect({ ...deployment, rounds: second.rounds }))).toEqual([
      ...['delegation.rounds', 'faultVerifier.rounds', 'verifier.rounds'],
    ])
    const roles = { guardian: addressOf(wallet(7)), oracle: { members: [addressOf(wallet(7))], threshold: 1 } }
    expect(whats(await inspect(deployment, { roles }))).toEqual(['verifier.guardian', `oracle member ${addressOf(wallet(7))}`])
  })

  it('and an inequality that a change of parameters broke', async () => {
    const word = (text: string) => `0x${Buffer.from(text).toString('hex').padEnd(64, '0')}`
    const { Interface, JsonRpcProvider, NonceManager } = await import('ethers')
    const provider = new JsonRpcProvider(anvil.rpcUrl, undefined, { cacheTimeout: -1 })
    const governor = new NonceManager(wallet(6).connect(provider))
    const face = new Interface(artifacts.contracts.FishermanVerifier?.abi ?? [])
    const send = async (name: string, values: unknown[]) =>
      (await governor.sendTransaction({ to: deployment.verifier, data: face.encodeFunctionData(name, values) as Hex })).wait()
    await send('announce', [word('openBond'), tokens(251)])
    await rpc.send('evm_increaseTime', [11])
    await send('applyChange', [word('openBond')])
    await send('setPaused', [true])
    provider.destroy()
    expect(wrong(await inspect(deployment))).toEqual([
      { what: 'verifier.openBond', ok: false, says: '251 LPT, and should be 25 LPT' },
      { what: 'verifier.paused', ok: false, says: 'true, and should be false' },
      expect.objectContaining({ what: 'rule open-bond', says: expect.stringContaining('openBond (251 LPT) must not be above') }),
    ])
  })
})
