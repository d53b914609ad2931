import { formatEther } from 'ethers'
import type { Domain, Hex } from '../../proofs/types.ts'
import type { Logger } from '../base/log.ts'
import { type Account, type Call, feeWithin, openAccount } from './account.ts'
import type { Refusal } from './contracts.ts'
import { createReads, type Reads } from './reads.ts'
import { createRpc, problem, type Rpc, RpcRefusal } from './rpc.ts'
import { refusalFrom } from './transactor.ts'
import type { Deployment, TransactionSigner, Waiting } from './types.ts'
import { bytes, type Header, parseHeader, quantity, type Receipt } from './wire.ts'

/** One call that a person asked for; its gas is estimated. */
export type Step = Pick<Call, 'what' | 'data'> & { to: Hex }

/** The chain as a command sees it: looks, asks what would be refused, sends one transaction at a time. Follows nothing. */
export interface Site {
  readonly deployment: Deployment
  readonly domain: Domain
  /** Undefined where nobody set any. */
  readonly caps?: Caps
  readonly rpc: Rpc
  readonly reads: Reads
  /** Our address. Throws `key-missing` without a key. */
  own(): Hex
  /** Newest block; its time is the time that contracts know. */
  head(options: Waiting): Promise<Header>
  /** Wei of the native coin. */
  balanceOf(address: Hex, options: Waiting): Promise<bigint>
  /** The contract's refusal; undefined where it would take it. */
  refusalOf(step: Step, options: Waiting): Promise<Refusal | undefined>
  /** Sends and waits. Throws `chain-refused` before sending where the chain would refuse, `chain-no-funds` where gas cannot be paid. */
  perform(step: Step, options: Waiting): Promise<Receipt>
  close(): void
}

const GAS_ROOM_PERCENT = 30n
/** Milliseconds that one transaction may take to be mined. */
const MINED_MS = 300_000

/** What the operator lets transactions cost, as the daemon's limits. */
export interface Caps {
  /** Wei per gas. */
  maxFeePerGas: bigint
  /** Wei of the native coin for gas; of one command, since only the daemon knows its own day. */
  gasPerDay: bigint
  /** Wei of the token in one bond of a case. */
  bond: bigint
}

export interface SiteInit {
  rpcUrls: readonly string[]
  deployment: Deployment
  caps?: Caps
}

/** Connects, and checks that chain and contracts are those of the deployment. */
export async function openSite(
  init: SiteInit,
  deps: { log: Logger; signer?: TransactionSigner },
  options: Waiting,
): Promise<Site> {
  const { deployment } = init
  const rpc = createRpc({ rpcUrls: init.rpcUrls, chainId: deployment.chainId }, { log: deps.log })
  try {
    await checkContracts(rpc, deployment, options)
    return await siteOf(init, rpc, deps)
  } catch (error) {
    rpc.close()
    throw error
  }
}

async function siteOf(init: SiteInit, rpc: Rpc, deps: { log: Logger; signer?: TransactionSigner }): Promise<Site> {
  const { deployment, caps } = init
  const { signer, log } = deps
  let spentWei = 0n
  let account: Account | undefined
  if (signer)
    account = await openAccount(
      {
        ...{ rpcUrls: init.rpcUrls, chainId: deployment.chainId, timeoutMs: MINED_MS },
        ...(caps ? { mostFeePerGas: caps.maxFeePerGas } : {}),
      },
      { signer, log },
    )
  const needed = (): Account => {
    if (account) return account
    throw problem(
      'key-missing',
      'a key is needed to send transactions; name it with --key and --password-file, or in the configuration',
    )
  }
  const balanceOf = async (address: Hex, { signal }: Waiting) =>
    quantity(await rpc.send('eth_getBalance', [address, 'latest'], { signal }), 'balance')
  const head = async ({ signal }: Waiting): Promise<Header> => {
    const header = parseHeader(await rpc.send('eth_getBlockByNumber', ['latest', false], { signal }))
    if (!header) throw problem('rpc-garbage', 'the RPC node has no newest block; use another RPC URL')
    return header
  }
  const asSent = ({ to, data }: Step) => ({ from: needed().address, to, data })

  return {
    ...(caps ? { caps } : {}),
    ...{ deployment, domain: { chainId: deployment.chainId, anchor: deployment.anchor }, rpc },
    reads: createReads(deployment, { rpc }),
    own: () => needed().address,
    ...{ head, balanceOf },
    async refusalOf(step, { signal }) {
      try {
        await rpc.send('eth_call', [asSent(step), 'latest'], { signal })
        return undefined
      } catch (error) {
        if (error instanceof RpcRefusal) return refusalFrom(error)
        throw error
      }
    },
    async perform(step, waiting) {
      const by = needed()
      let gas: bigint
      try {
        gas = quantity(await rpc.send('eth_estimateGas', [asSent(step)], { signal: waiting.signal }), 'gas estimate')
      } catch (error) {
        if (!(error instanceof RpcRefusal)) throw error
        throw problem('chain-refused', `"${step.what}" was not sent, the chain would refuse it: ${refusalFrom(error).reason}`)
      }
      const gasLimit = gas + (gas * GAS_ROOM_PERCENT) / 100n
      const most = gasLimit * feeWithin(caps?.maxFeePerGas, (await head(waiting)).baseFeePerGas, step.what)
      if (caps && spentWei + most > caps.gasPerDay)
        throw problem(
          'gas-cap',
          `"${step.what}" was not sent: gas of this command may cost ${formatEther(spentWei + most)}, more than limits.gasPerDay (${formatEther(caps.gasPerDay)}); raise it`,
        )
      const balance = await balanceOf(by.address, waiting)
      if (balance < most)
        throw problem(
          'chain-no-funds',
          `${by.address} has ${formatEther(balance)} of the native coin, "${step.what}" may cost ${formatEther(most)}; send it some`,
        )
      const [receipt] = await by.execute([{ ...step, gasLimit }], waiting)
      if (!receipt) throw problem('tx-internal', `"${step.what}" has no receipt`)
      spentWei += most
      return receipt
    },
    close() {
      account?.close()
      rpc.close()
    },
  }
}

async function checkContracts(rpc: Rpc, deployment: Deployment, { signal }: Waiting): Promise<void> {
  for (const name of ['verifier', 'registry', 'deposit', 'token', 'delegation', 'oracle'] as const) {
    const code = bytes(await rpc.send('eth_getCode', [deployment[name], 'latest'], { signal }), 'contract code')
    if (code === '0x')
      throw problem(
        'chain-no-contract',
        `there is no contract at ${deployment[name]} (${name}) on chain ${deployment.chainId}; check the deployment file and the network`,
      )
  }
}
