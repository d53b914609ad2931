import { AbiCoder, formatEther, keccak256 } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { deadline, sleep } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { type Account, type Call, chainIdOf, maxFeeAt, openAccount } from './account.ts'
import type { Artifacts } from './artifacts.ts'
import { decodeRefusal } from './contracts.ts'
import { type Creation, type Plan, planDeployment, type Roles } from './plan.ts'
import { type ChainPreset, checkPreset } from './presets.ts'
import { problem, RpcRefusal } from './rpc.ts'
import type { Deployment, TransactionSigner, Waiting } from './types.ts'
import { bytes, parseHeader, quantity } from './wire.ts'

export interface DeployInit {
  rpcUrl: string
  preset: ChainPreset
  artifacts: Artifacts
  /** Who is not named is the deployer: right for local networks only. */
  roles?: Partial<Roles>
  /** Milliseconds until all is mined. Default one minute. */
  timeoutMs?: number
}

/** What a deployment that was broken off needs to go on: addresses follow from it. */
export interface DeployProgress {
  chainId: bigint
  deployer: Hex
  firstNonce: number
  /** Newest block before the first creation. */
  fromBlock: bigint
  /** Hash over everything that is created. */
  plan: Hex
}

/** Where progress survives. `save` must be durable before it resolves. */
export interface DeployJournal {
  load(): Promise<DeployProgress | undefined>
  save(progress: DeployProgress): Promise<void>
}

/** What is about to be sent and paid. Amounts in wei of the native coin. */
export interface Quote {
  deployer: Hex
  creations: readonly Pick<Creation, 'contract' | 'address'>[]
  /** Creations that are there from a run before. */
  done: number
  roles: Roles
  gas: bigint
  /** Wei per gas now. */
  gasPrice: bigint
  cost: bigint
  /** What it costs at the highest fee that the transactions allow. */
  most: bigint
  balance: bigint
}

export interface DeployDeps {
  deployer: TransactionSigner
  log?: Logger
  /** Without it a deployment cannot be resumed. */
  journal?: DeployJournal
  /** Asked before anything is spent. */
  confirm?(quote: Quote): Promise<boolean>
}

/** Room above the estimate: base fees and the price of calldata move. */
const GAS_ROOM_PERCENT = 25n

/** Deploys everything that the preset does not name as existing, and returns where it lies; undefined where `confirm` said no. */
export async function deployUnless(init: DeployInit, deps: DeployDeps, options: Waiting): Promise<Deployment | undefined> {
  const { preset } = init
  checkPreset(preset)
  const chainId = await chainIdOf(init.rpcUrl, options)
  checkChain(preset, chainId)
  const { deployer: signer, log } = deps
  const account = await openAccount(
    { rpcUrl: init.rpcUrl, chainId, ...(init.timeoutMs === undefined ? {} : { timeoutMs: init.timeoutMs }) },
    { signer, ...(log === undefined ? {} : { log }) },
  )
  try {
    await checkExisting(preset, account, options)
    const known = await deps.journal?.load()
    const firstNonce = known?.firstNonce ?? (await account.nextNonce(options))
    const own = account.address
    const roles: Roles = {
      ...{ governor: own, guardian: own, treasury: own, oracle: { members: [own], threshold: 1 } },
      ...init.roles,
    }
    const plan = planDeployment({ preset, artifacts: init.artifacts, roles, chainId, deployer: own, firstNonce })
    const header = parseHeader(await account.rpc.send('eth_getBlockByNumber', ['latest', false], options))
    const progress: DeployProgress = known ?? {
      ...{ chainId, deployer: own, firstNonce, fromBlock: header?.number ?? 0n, plan: hashOf(plan) },
    }
    checkSame(progress, { chainId, deployer: own, plan: hashOf(plan) })
    const done = known ? await resume(plan, firstNonce, account, options) : 0
    const rest = plan.creations.slice(done)
    const calls: Call[] = []
    for (const creation of rest) calls.push(await callOf(creation, account, options))
    const quote = await quoteOf(plan, { done, calls, roles, baseFee: header?.baseFeePerGas ?? 0n }, account, options)
    if (rest.length > 0 && quote.balance < quote.most)
      throw problem(
        'chain-no-funds',
        `${own} has ${formatEther(quote.balance)} of the native coin, the deployment may cost ${formatEther(quote.most)}; send it some`,
      )
    if (deps.confirm && !(await deps.confirm(quote))) return undefined
    if (!known) await deps.journal?.save(progress)
    const receipts = await account.execute(calls, options)
    // Nonces are mined in order, so the first receipt is the oldest.
    const deployBlock = known ? progress.fromBlock : (receipts[0]?.blockNumber ?? progress.fromBlock)
    return { ...plan.places, deployBlock }
  } finally {
    account.close()
  }
}

/** Deploys without asking. */
export async function deployAll(init: DeployInit, deps: Omit<DeployDeps, 'confirm'>, options: Waiting): Promise<Deployment> {
  const deployment = await deployUnless(init, deps, options)
  if (!deployment) throw problem('deploy-internal', 'nobody was asked, and the deployment was refused')
  return deployment
}

/** Refuses to put one network's contracts on another's chain. */
export function checkChain(preset: ChainPreset, chainId: bigint): void {
  if (preset.chainId === chainId) return
  if (preset.chainId !== undefined)
    throw problem(
      'rpc-wrong-chain',
      `the RPC serves chain ${chainId}, but ${preset.name} is chain ${preset.chainId}; set another RPC URL or network`,
    )
  if (PUBLIC_CHAINS.has(chainId))
    throw problem(
      'rpc-wrong-chain',
      `the RPC serves the public chain ${chainId}, and ${preset.name} is for chains of one's own; set another RPC URL or network`,
    )
}

/** Ethereum, its test networks, and Arbitrum's. */
const PUBLIC_CHAINS: ReadonlySet<bigint> = new Set([1n, 11_155_111n, 17_000n, 42_161n, 42_170n, 421_614n])

async function checkExisting({ name, existing }: ChainPreset, account: Account, { signal }: Waiting): Promise<void> {
  for (const [what, address] of Object.entries(existing ?? {})) {
    const code = bytes(await account.rpc.send('eth_getCode', [address, 'latest'], { signal }), 'contract code')
    if (code === '0x')
      throw problem(
        'chain-no-contract',
        `there is no contract at ${address} (Livepeer's ${what} on ${name}); is the RPC of that network?`,
      )
  }
}

function hashOf(plan: Plan): Hex {
  const words = plan.creations.map(({ address, data }) => keccak256(`${address}${data.slice(2)}`))
  return keccak256(AbiCoder.defaultAbiCoder().encode(['bytes32[]'], [words])) as Hex
}

function checkSame(known: DeployProgress, now: Pick<DeployProgress, 'chainId' | 'deployer' | 'plan'>): void {
  const other =
    known.chainId !== now.chainId
      ? 'chain'
      : known.deployer !== now.deployer
        ? 'key'
        : known.plan !== now.plan
          ? 'plan'
          : undefined
  if (other)
    throw problem(
      'deploy-other',
      `a deployment was begun with another ${other}; go on with the same network, key, values and program, or delete its .partial file to begin anew`,
    )
}

/** How many creations were sent before, all of them mined by now. */
async function resume(plan: Plan, firstNonce: number, account: Account, { signal }: Waiting): Promise<number> {
  const sent = Math.min(plan.creations.length, (await account.nextNonce({ signal })) - firstNonce)
  if (sent < 0)
    throw problem('deploy-lost', 'the chain has gone back to before the deployment began; delete its .partial file to begin anew')
  const limited = deadline(RESUME_MS, signal)
  for (const [i, { contract, address }] of plan.creations.slice(0, sent).entries()) {
    for (;;) {
      // The nonce first: code that is missing behind it will never come.
      const mined = Number(
        quantity(await account.rpc.send('eth_getTransactionCount', [account.address, 'latest'], { signal }), 'nonce'),
      )
      if (bytes(await account.rpc.send('eth_getCode', [address, 'latest'], { signal }), 'contract code') !== '0x') break
      if (mined > firstNonce + i)
        throw problem(
          'deploy-lost',
          `the key's transaction ${firstNonce + i} did not create ${contract} at ${address}; delete the .partial file to begin anew, and use the key for nothing else meanwhile`,
        )
      await sleep(POLL_MS, limited).catch((cause: unknown) => {
        signal.throwIfAborted()
        throw problem('tx-timeout', `${contract} was sent and is not mined; does the chain make blocks?`, cause)
      })
    }
  }
  return sent
}

const RESUME_MS = 60_000
const POLL_MS = 200

async function callOf({ contract, data }: Creation, account: Account, { signal }: Waiting): Promise<Call> {
  try {
    const gas = quantity(await account.rpc.send('eth_estimateGas', [{ from: account.address, data }], { signal }), 'gas estimate')
    return { what: `deploy ${contract}`, to: null, data, gasLimit: gas + (gas * GAS_ROOM_PERCENT) / 100n }
  } catch (error) {
    if (!(error instanceof RpcRefusal)) throw error
    if (/insufficient funds/i.test(error.message))
      throw problem('chain-no-funds', `${account.address} has too little of the native coin to deploy ${contract}; send it some`)
    const why = error.data ? decodeRefusal(error.data).reason : error.message.slice(0, 200)
    throw problem('deploy-refused', `the chain would refuse to create ${contract}: ${why}`)
  }
}

async function quoteOf(
  plan: Plan,
  known: { done: number; calls: readonly Call[]; roles: Roles; baseFee: bigint },
  account: Account,
  { signal }: Waiting,
): Promise<Quote> {
  const { done, calls, roles, baseFee } = known
  const limit = calls.reduce((sum, call) => sum + call.gasLimit, 0n)
  const gas = (limit * 100n) / (100n + GAS_ROOM_PERCENT)
  const balance = quantity(await account.rpc.send('eth_getBalance', [account.address, 'latest'], { signal }), 'balance')
  return {
    ...{ deployer: account.address, creations: plan.creations, done, roles, gas, gasPrice: baseFee, balance },
    ...{ cost: gas * baseFee, most: limit * maxFeeAt(baseFee) },
  }
}
