import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Interface, JsonRpcProvider, keccak256, toUtf8Bytes, type Wallet } from 'ethers'
import { digestOf, evidenceHashOf, faultIdOf, renditionLeaf, typedDomain, workCommitOf } from '../../proofs/digest.ts'
import { encodeConviction, encodeEquivocation, encodePassThrough, type SignedReceipt } from '../../proofs/evidence.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import {
  type ConvictionVote,
  type Domain,
  FAULT_CLASSES,
  type FaultClass,
  type Hex,
  type Rendition,
  type StructName,
  type Structs,
  type TranscodeReceipt,
  VERDICT_VERSION,
} from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Logger } from '../../src/base/log.ts'
import { openAccount } from '../../src/chain/account.ts'
import { parseArtifacts } from '../../src/chain/artifacts.ts'
import { type ChainDeps, type ChainInit, createChain } from '../../src/chain/chain.ts'
import { deployAll } from '../../src/chain/deploy.ts'
import { type ChainPreset, chainPreset, tokens } from '../../src/chain/presets.ts'
import { addressOf, bondOrchestrator, fund, localWallet, randomMnemonic, registerFisherman } from '../../src/chain/setup.ts'
import type { Chain, Deployment } from '../../src/chain/types.ts'
import { type Anvil, startAnvil } from '../../src/devnet/anvil.ts'

export const artifacts = parseArtifacts(readFileSync(new URL('../../dist/contracts.json', import.meta.url), 'utf8'))
export const signal = new AbortController().signal
export const options = { signal }
export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export function interfaceOf(name: string): Interface {
  return new Interface(artifacts.contracts[name]!.abi)
}

/** A real chain with everything deployed: account 0 deploys, 1..4 are fishermen, 5..8 orchestrators, 9 a stranger. */
export interface World {
  anvil: Anvil
  provider: JsonRpcProvider
  deployment: Deployment
  domain: Domain
  wallets: Wallet[]
  fishermen: Wallet[]
  orchestrators: Wallet[]
  stranger: Wallet
  /** Moves the chain's clock and makes a block. */
  pass(seconds: number): Promise<void>
  mine(): Promise<void>
  snapshot(): Promise<string>
  revert(id: string): Promise<void>
  now(): Promise<number>
  view(contract: keyof Deployment & string, name: string, values: readonly unknown[]): Promise<unknown>
  /** What a call would end with: `ok`, or the name of the contract's error. */
  why(contract: keyof Deployment & string, name: string, values: readonly unknown[], from?: Wallet): Promise<string>
  /** Sends a transaction of a wallet; throws a decoded error name when the chain refuses. */
  send(
    from: Wallet,
    contract: keyof Deployment & string,
    name: string,
    values: readonly unknown[],
  ): Promise<{ gasUsed: bigint; hash: Hex }>
  chain(init?: Partial<ChainInit> & Partial<ChainDeps> & { signer?: Wallet }): Promise<Chain>
  stop(): Promise<void>
}

const NAMES: Partial<Record<keyof Deployment, string>> = {
  verifier: 'FishermanVerifier',
  faultVerifier: 'FaultVerifier',
  registry: 'FishermanRegistry',
  deposit: 'SecurityDeposit',
  delegation: 'SignerDelegation',
  rounds: 'LocalRounds',
  serviceRegistry: 'LocalServiceRegistry',
  token: 'TestToken',
  anchor: 'ReceiptAnchor',
  oracle: 'MultisigDecoderOracle',
}
const errors = [
  'FishermanVerifier',
  'FaultVerifier',
  'FishermanRegistry',
  'SecurityDeposit',
  'SignerDelegation',
  'TestToken',
  'MultisigDecoderOracle',
].map(interfaceOf)

function dataOf(error: unknown): string | undefined {
  const carrier = error as { data?: string | null; info?: { error?: { data?: string } } }
  return carrier.data ?? carrier.info?.error?.data
}

/** Name of the custom error in a revert, or its text. */
export function errorName(error: unknown): string {
  const data = dataOf(error)
  for (const one of errors) {
    const parsed = typeof data === 'string' && data.length >= 10 ? one.parseError(data) : null
    if (parsed) return parsed.name
  }
  return data === '0x' || /missing revert data/.test(String(error)) ? 'empty' : String((error as Error).message).slice(0, 200)
}

export async function createWorld(
  preset: Partial<ChainPreset> = {},
  setup: { chainId?: bigint; fishermen?: Wallet[] } = {},
): Promise<World> {
  const mnemonic = randomMnemonic()
  const anvil = await startAnvil({ mnemonic, accounts: 12, signal, ...(setup.chainId ? { chainId: setup.chainId } : {}) })
  const wallets = Array.from({ length: 12 }, (_, i) => localWallet(mnemonic, i))
  const [deployer, ...rest] = wallets as [Wallet, ...Wallet[]]
  // Short times also on a chain that has the id of a public one.
  const full = { ...chainPreset('local'), ...(setup.chainId ? { chainId: setup.chainId } : {}), ...preset }
  const deployment = await deployAll({ rpcUrl: anvil.rpcUrl, preset: full, artifacts }, { deployer }, options)
  const provider = new JsonRpcProvider(anvil.rpcUrl, Number(anvil.chainId), {
    staticNetwork: true,
    cacheTimeout: -1,
    batchMaxCount: 1,
  })
  // ethers asks every four seconds by default; blocks here come at once.
  provider.pollingInterval = 20
  const fishermen = setup.fishermen ?? rest.slice(0, 4)
  const orchestrators = rest.slice(4, 8)
  const account = (signer: Wallet) => openAccount({ rpcUrl: anvil.rpcUrl, chainId: anvil.chainId, pollMs: 10 }, { signer })
  const boss = await account(deployer)
  await fund(
    boss,
    deployment,
    [...fishermen, ...orchestrators].map((w) => ({
      ...{ to: addressOf(w), tokens: tokens(2000) },
      // Keys of the mnemonic have coins for gas from the start.
      ...(rest.includes(w) ? {} : { native: tokens(1) }),
    })),
    options,
  )
  boss.close()
  await Promise.all(
    fishermen.map(async (wallet, i) => {
      const own = await account(wallet)
      await registerFisherman(
        own,
        deployment,
        {
          bond: tokens(250),
          blsPublicKey: `0x${(0xa0 + i).toString(16).repeat(96)}`,
          proofOfPossession: `0x${(0xb0 + i).toString(16).repeat(48)}`,
        },
        options,
      )
      own.close()
    }),
  )
  await Promise.all(
    orchestrators.map(async (wallet, i) => {
      const own = await account(wallet)
      await bondOrchestrator(own, deployment, { amount: tokens(1000), serviceUri: `http://127.0.0.1:${9000 + i}` }, options)
      own.close()
    }),
  )
  const world: World = {
    anvil,
    provider,
    deployment,
    domain: { chainId: deployment.chainId, anchor: deployment.anchor },
    wallets,
    fishermen,
    orchestrators,
    stranger: wallets[9]!,
    async pass(seconds) {
      await provider.send('evm_increaseTime', [seconds])
      await provider.send('evm_mine', [])
    },
    mine: () => provider.send('evm_mine', []),
    snapshot: () => provider.send('evm_snapshot', []),
    revert: (id) => provider.send('evm_revert', [id]),
    now: async () => Number((await provider.send('eth_getBlockByNumber', ['latest', false])).timestamp),
    async view(contract, name, values) {
      const face = interfaceOf(NAMES[contract]!)
      const data = face.encodeFunctionData(name, values)
      const result = face.decodeFunctionResult(
        name,
        await provider.send('eth_call', [{ to: deployment[contract], data }, 'latest']),
      )
      return result.length === 1 ? result[0] : result
    },
    async why(contract, name, values, from) {
      const data = interfaceOf(NAMES[contract]!).encodeFunctionData(name, values)
      try {
        await provider.send('eth_call', [{ from: (from ?? wallets[9]!).address, to: deployment[contract], data }, 'latest'])
        return 'ok'
      } catch (error) {
        return errorName(error)
      }
    },
    async send(from, contract, name, values) {
      const face = interfaceOf(NAMES[contract]!)
      const data = face.encodeFunctionData(name, values)
      const to = deployment[contract] as Hex
      let gas: bigint
      try {
        gas = BigInt(await provider.send('eth_estimateGas', [{ from: from.address, to, data }]))
      } catch (error) {
        throw new Error(errorName(error))
      }
      const nonce = Number(await provider.send('eth_getTransactionCount', [from.address, 'latest']))
      const raw = await from.signTransaction({
        type: 2,
        chainId: deployment.chainId,
        nonce,
        to,
        data,
        gasLimit: gas + gas / 3n,
        maxFeePerGas: 20_000_000_000n,
        maxPriorityFeePerGas: 1n,
      })
      const hash = await provider.send('eth_sendRawTransaction', [raw])
      let receipt = await provider.send('eth_getTransactionReceipt', [hash])
      for (let i = 0; receipt === null && i < 200; i++) {
        await wait(10)
        receipt = await provider.send('eth_getTransactionReceipt', [hash])
      }
      if (receipt === null) throw new Error('not mined')
      if (Number(receipt.status) !== 1) throw new Error('reverted')
      return { gasUsed: BigInt(receipt.gasUsed), hash }
    },
    async chain({ signer, intents, clock, log, halted, ...init } = {}) {
      return createChain(
        { rpcUrls: [anvil.rpcUrl], deployment, pollMs: 20, maxHeadAgeSec: 1_000_000, ...init },
        {
          clock: clock ?? systemClock,
          log: log ?? silent,
          ...(signer ? { signer } : {}),
          ...(intents ? { intents } : {}),
          ...(halted ? { halted } : {}),
        },
      )
    },
    async stop() {
      provider.destroy()
      await anvil.stop()
    },
  }
  await world.pass(full.registry.activationSec + 1)
  return world
}

/** The chain as it was at this snapshot, with the price of gas that tests expect; returns the next snapshot, since each serves once. */
export async function asNew(world: World, clean: string): Promise<string> {
  await world.revert(clean)
  await world.provider.send('anvil_setNextBlockBaseFeePerGas', ['0x300000'])
  return await world.snapshot()
}

/** Opens a case about a receipt that this node signed for it. */
export async function accuse(world: World, chain: Chain, node = world.orchestrators[0]!) {
  return chain.openCase(accusation(await accused(world, node)), options)
}

let counter = 0
export function unique(tag = 'x'): Hex {
  counter += 1
  return keccak256(toUtf8Bytes(`${tag}${counter}`)) as Hex
}

export async function sign<N extends StructName>(wallet: Wallet, domain: Domain, name: N, value: Structs[N]): Promise<Hex> {
  const types = { [name]: STRUCTS[name].map((field) => ({ ...field })) }
  return (await wallet.signTypedData(typedDomain(domain), types, value as unknown as Record<string, unknown>)) as Hex
}

export function rendition(index: number, change: Partial<Rendition> = {}): Rendition {
  return {
    index,
    profileHash: unique('profile'),
    contentHash: unique('content'),
    byteLength: 100_000n,
    pixels: 6_000_000n,
    width: 426,
    height: 240,
    frames: 60,
    durationMs: 2000,
    ...change,
  }
}

export function receipt(transcoder: Wallet, change: Partial<TranscodeReceipt> = {}): TranscodeReceipt {
  return {
    orderHash: unique('order'),
    transcoder: addressOf(transcoder),
    requester: `0x${'11'.repeat(20)}`,
    streamId: unique('stream'),
    seq: 7n,
    sourceHash: unique('source'),
    profilesHash: unique('profiles'),
    renditionsRoot: unique('root'),
    fingerprintRoot: unique('fp'),
    completedAt: 1_700_000_000n,
    round: 1n,
    ...change,
  }
}

export async function signed(wallet: Wallet, domain: Domain, value: TranscodeReceipt): Promise<SignedReceipt> {
  return { receipt: value, signature: await sign(wallet, domain, 'TranscodeReceipt', value) }
}

/** A receipt over real leaves, with a proof for each. */
export async function receiptOver(
  wallet: Wallet,
  domain: Domain,
  leaves: Rendition[],
  change: Partial<TranscodeReceipt> = {},
  transcoder = wallet,
) {
  const tree = merkleTree(leaves.map(renditionLeaf))
  const value = receipt(transcoder, { renditionsRoot: tree.root, ...change })
  return { signed: await signed(wallet, domain, value), path: (i: number) => tree.proof(i) }
}

/** A signed receipt and the rendition of it that a case is about. */
export interface Accused extends SignedReceipt {
  leaf: Rendition
  path: Hex[]
}

export async function accused(world: World, by: Wallet, change: Partial<TranscodeReceipt> = {}, signer = by): Promise<Accused> {
  return (await bothRungs(world, by, change, signer))[1]
}

/** The two renditions of one receipt: cases about them are about one fault, and about other inputs. */
export async function bothRungs(
  world: World,
  by: Wallet,
  change: Partial<TranscodeReceipt> = {},
  signer = by,
): Promise<[Accused, Accused]> {
  const leaves = [rendition(0), rendition(1)]
  const { signed: own, path } = await receiptOver(signer, world.domain, leaves, change, by)
  const rung = (i: number): Accused => ({ ...own, leaf: leaves[i]!, path: path(i) })
  return [rung(0), rung(1)]
}

/** What `openCase` of the chain client takes. */
export const accusation = ({ leaf, ...own }: Accused) => ({
  faultClass: 'D2' as const,
  ...own,
  rendition: leaf,
  verdictVersion: VERDICT_VERSION,
})

/** Arguments of `open`. */
export function opening(own: Accused, faultClass = 18, verdictVersion = VERDICT_VERSION): unknown[] {
  return [faultClass, own.receipt, own.signature, own.leaf, own.path, verdictVersion]
}

/** Names the inputs of a verdict on this rendition. */
export function inputsOf(world: World, own: Accused, verdictVersion = VERDICT_VERSION): Hex {
  const { contentHash, profileHash, index } = own.leaf
  const receiptDigest = digestOf(world.domain, 'TranscodeReceipt', own.receipt)
  const { sourceHash } = own.receipt
  return evidenceHashOf({ receiptDigest, rendition: index, sourceHash, contentHash, profileHash, verdictVersion })
}

/** O1 by two receipts. */
export async function equivocation(world: World, by: Wallet, change: Partial<TranscodeReceipt> = {}) {
  const a = receipt(by, change)
  const b = { ...a, renditionsRoot: unique('other') }
  const digest = (value: TranscodeReceipt) => digestOf(world.domain, 'TranscodeReceipt', value)
  const [lower, higher] = digest(a) < digest(b) ? [a, b] : [b, a]
  const evidence = encodeEquivocation({
    kind: 'receipts',
    a: await signed(by, world.domain, lower),
    b: await signed(by, world.domain, higher),
  })
  return { evidence, faultId: await idOf(world, 'O1', a.transcoder, a.orderHash), a, b }
}

/** O3. */
export async function passThrough(world: World, by: Wallet) {
  const sourceHash = unique('source')
  const leaves = [rendition(0), rendition(1, { contentHash: sourceHash })]
  const { signed: own, path } = await receiptOver(by, world.domain, leaves, { sourceHash })
  const digest = digestOf(world.domain, 'TranscodeReceipt', own.receipt)
  return {
    evidence: encodePassThrough({ signed: own, rendition: leaves[1]!, path: path(1) }),
    faultId: faultIdOf('O3', own.receipt.transcoder, digest),
    signed: own,
    leaves,
    path,
  }
}

export async function idOf(world: World, faultClass: FaultClass, transcoder: Hex, about: Hex): Promise<Hex> {
  return (await world.view('anchor', 'faultId', [FAULT_CLASSES[faultClass], transcoder, about])) as Hex
}

export interface VoteSetup {
  faultClass?: 'D1' | 'D2' | 'D3'
  voters?: Wallet[]
  change?: Partial<ConvictionVote>
  /** Changes one voter's own copy before it signs. */
  tweak?: (vote: ConvictionVote, i: number) => ConvictionVote
  domain?: Domain
  sort?: boolean
}

/** Votes of all fishermen on a signed receipt, as the evidence of a conviction. */
export async function conviction(world: World, own: SignedReceipt, setup: VoteSetup = {}) {
  const domain = setup.domain ?? world.domain
  const faultClass = setup.faultClass ?? 'D2'
  const receiptDigest = digestOf(world.domain, 'TranscodeReceipt', own.receipt)
  const vote: ConvictionVote = {
    faultId: faultIdOf(faultClass, own.receipt.transcoder, receiptDigest),
    faultClass: FAULT_CLASSES[faultClass],
    transcoder: own.receipt.transcoder,
    receiptDigest,
    rendition: 1,
    evidenceHash: 'leaf' in own ? inputsOf(world, own as Accused) : unique('evidence'),
    workCommit: `0x${'0'.repeat(64)}`,
    finder: addressOf(world.fishermen[1]!),
    verdictVersion: VERDICT_VERSION,
    deadline: 4_000_000_000n,
    ...setup.change,
  }
  const voters = [...(setup.voters ?? world.fishermen)]
  if (setup.sort !== false) voters.sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1))
  const shares = await Promise.all(
    voters.map(async (wallet, i) => {
      const workCommit = workCommitOf(addressOf(wallet), unique('fingerprint'))
      const base = { ...vote, workCommit }
      const signature = await sign(wallet, domain, 'ConvictionVote', setup.tweak ? setup.tweak(base, i) : base)
      return { workCommit, ...compact(signature) }
    }),
  )
  return { vote, shares, faultId: vote.faultId, evidence: encodeConviction({ signed: own, vote, shares }) }
}

/** EIP-2098 form of a signature. */
export function compact(signature: Hex): { r: Hex; vs: Hex } {
  const s = BigInt(`0x${signature.slice(66, 130)}`) | (signature.endsWith('1c') ? 1n << 255n : 0n)
  return { r: signature.slice(0, 66) as Hex, vs: `0x${s.toString(16).padStart(64, '0')}` }
}

/** The high-s twin of a signature: valid for a careless ecrecover, refused here. */
export function highS(signature: Hex): Hex {
  const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const s = n - BigInt(`0x${signature.slice(66, 130)}`)
  return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${signature.endsWith('1b') ? '1c' : '1b'}` as Hex
}
