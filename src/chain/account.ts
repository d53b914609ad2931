import { setMaxListeners } from 'node:events'
import { formatUnits, keccak256 } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { deadline, sleep } from '../base/clock.ts'
import { maskCredentials } from '../base/errors.ts'
import { type Logger, SILENT } from '../base/log.ts'
import { decodeRefusal } from './contracts.ts'
import { createRpc, problem, type Rpc, RpcRefusal } from './rpc.ts'
import type { TransactionSigner, Waiting } from './types.ts'
import { parseHeader, parseReceipt, quantity, type Receipt, toQuantity } from './wire.ts'

/** One transaction of a set-up. */
export interface Call {
  /** For errors: `approve`, `deposit`. */
  what: string
  /** null creates a contract. */
  to: Hex | null
  data: Hex
  value?: bigint
  /** Fixed, because a call that builds on the one before cannot be estimated before that is mined. */
  gasLimit: bigint
}

/** A key that sets things up: sends a list of calls at once, in order, and waits for all. For deploying and bonding, not for proofs. */
export interface Account {
  readonly address: Hex
  /** For what must be looked at before and after. */
  readonly rpc: Rpc
  /** Nonce of the next call; contract addresses follow from it. */
  nextNonce(options: Waiting): Promise<number>
  execute(calls: readonly Call[], options: Waiting): Promise<Receipt[]>
  close(): void
}

export interface AccountInit {
  /** One of both. */
  rpcUrl?: string
  rpcUrls?: readonly string[]
  chainId: bigint
  pollMs?: number
  /** Wei per gas that no call exceeds; by default only what the chain's own fee leads to. */
  mostFeePerGas?: bigint
  /** Milliseconds for one list of calls. */
  timeoutMs?: number
}

export async function openAccount(init: AccountInit, deps: { signer: TransactionSigner; log?: Logger }): Promise<Account> {
  const rpc = createRpc(
    { rpcUrls: init.rpcUrls ?? (init.rpcUrl === undefined ? [] : [init.rpcUrl]), chainId: init.chainId },
    { log: deps.log ?? SILENT },
  )
  const address = (await deps.signer.getAddress()).toLowerCase() as Hex
  const pollMs = init.pollMs ?? 200

  async function nonce(signal: AbortSignal): Promise<number> {
    return Number(quantity(await rpc.send('eth_getTransactionCount', [address, 'pending'], { signal }), 'nonce'))
  }

  async function submit(call: Call, at: number, maxFeePerGas: bigint, signal: AbortSignal): Promise<Hex> {
    const raw = await deps.signer.signTransaction({
      type: 2,
      chainId: init.chainId,
      nonce: at,
      to: call.to,
      data: call.data,
      value: call.value ?? 0n,
      gasLimit: call.gasLimit,
      maxFeePerGas,
      maxPriorityFeePerGas: TIP,
    })
    try {
      await rpc.send('eth_sendRawTransaction', [raw], { signal })
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error
      throw /insufficient funds/i.test(error.message)
        ? problem('chain-no-funds', `${address} has too little of the native coin for "${call.what}"; send some to it`)
        : problem('tx-rejected', `the RPC node rejects "${call.what}": ${error.message.slice(0, 200)}`)
    }
    return keccak256(raw) as Hex
  }

  async function mined(hash: Hex, call: Call, signal: AbortSignal): Promise<Receipt> {
    for (;;) {
      const receipt = parseReceipt(await rpc.send('eth_getTransactionReceipt', [hash], { signal }))
      if (receipt?.ok) return receipt
      if (receipt)
        throw problem('tx-reverted', `"${call.what}" from ${address} was refused: ${await whyReverted(rpc, address, call)}`)
      await sleep(pollMs, signal)
    }
  }

  return {
    address,
    rpc,
    nextNonce: ({ signal }) => nonce(signal),
    async execute(calls, { signal }) {
      const limited = deadline(init.timeoutMs ?? 60_000, signal)
      // Each call waits on it at the same time.
      setMaxListeners(0, limited)
      try {
        const header = parseHeader(await rpc.send('eth_getBlockByNumber', ['latest', false], { signal: limited }))
        const maxFeePerGas = feeWithin(init.mostFeePerGas, header?.baseFeePerGas ?? 0n, calls[0]?.what ?? '')
        const first = await nonce(limited)
        const hashes: Hex[] = []
        for (const [i, call] of calls.entries()) hashes.push(await submit(call, first + i, maxFeePerGas, limited))
        return await Promise.all(calls.map((call, i) => mined(hashes[i] as Hex, call, limited)))
      } catch (error) {
        if (limited.aborted && !signal.aborted)
          throw problem(
            'tx-timeout',
            `"${calls[0]?.what}" and what follows it are not mined in time; does the chain make blocks?`,
            error,
          )
        throw error
      }
    },
    close: () => rpc.close(),
  }
}

/** Wei per gas; Arbitrum collects none, other chains want some. */
const TIP = 100_000_000n

/** Most that a transaction of a set-up pays, wei per gas: fees may double several times while a long list is mined. */
export function maxFeeAt(baseFee: bigint): bigint {
  return 4n * baseFee + TIP
}

/** The fee that is offered; throws `fee-cap` where the cap does not even pay for the next block. */
export function feeWithin(most: bigint | undefined, baseFee: bigint, what: string): bigint {
  const fee = maxFeeAt(baseFee)
  if (most === undefined || fee <= most) return fee
  if (baseFee + TIP <= most) return most
  const gwei = (wei: bigint) => `${formatUnits(wei, 'gwei')} gwei`
  throw problem(
    'fee-cap',
    `"${what}" was not sent: gas costs ${gwei(baseFee + TIP)} now, more than limits.maxFeeGwei (${gwei(most)}); wait, or raise it`,
  )
}

async function whyReverted(rpc: Rpc, from: Hex, call: Call): Promise<string> {
  const tx = { from, data: call.data, gas: toQuantity(call.gasLimit), ...(call.to ? { to: call.to } : {}) }
  try {
    await rpc.send('eth_call', [tx, 'latest'])
    return 'it ran out of gas, or the state has changed since'
  } catch (error) {
    return error instanceof RpcRefusal ? decodeRefusal(error.data).reason : 'the reason cannot be asked for'
  }
}

/** The chain that an RPC serves; for those who do not know yet which one it should be. */
export async function chainIdOf(rpcUrl: string, options: Waiting): Promise<bigint> {
  if (!/^https?:\/\/[^\s]+$/.test(rpcUrl) || !URL.canParse(rpcUrl))
    throw problem(
      'rpc-url-invalid',
      `"${maskCredentials(rpcUrl)}" is no URL of an RPC; write http://host:port or https://host/path`,
    )
  const name = new URL(rpcUrl).host
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
    signal: deadline(5000, options.signal),
    redirect: 'error',
  }).catch((cause: unknown) => {
    options.signal.throwIfAborted()
    throw problem('rpc-unreachable', `RPC ${name} cannot be reached; check the URL and that the node runs`, cause)
  })
  const body: unknown = await response.json().catch(() => undefined)
  const id = (body as { result?: unknown } | undefined)?.result
  if (typeof id !== 'string' || !/^0x[0-9a-fA-F]{1,16}$/.test(id))
    throw problem('rpc-garbage', `RPC ${name} does not answer eth_chainId with a number; is it an Ethereum JSON-RPC URL?`)
  return BigInt(id)
}
