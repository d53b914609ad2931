import { keccak256 } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { maxOf, minOf } from '../base/bigints.ts'
import { messageOf } from '../base/errors.ts'
import { decodeRefusal, type Refusal } from './contracts.ts'
import { problem, type Rpc, RpcRefusal } from './rpc.ts'
import type { Intent, IntentSummary, TransactionSigner } from './types.ts'
import { bytes, parseHeader, parseReceipt, quantity, type Receipt, toQuantity } from './wire.ts'

type Variant = Intent['variants'][number]
type Fee = Pick<Variant, 'maxFeePerGas' | 'maxPriorityFeePerGas'>
/** What one variant would pay at most: looked at before it is signed. */
export type Offer = Pick<Variant, 'gasLimit' | keyof Fee>
/** What is to be done, without who pays and how. */
type Work = Pick<Intent, 'to' | 'data'>

/** One account's way to make, price and publish transactions; knows nothing of intents' storage or of order. */
export interface Transactor {
  readonly from: Hex
  /** The contract's refusal at a block, by default the newest; undefined where it would take it. */
  refusalOf(work: Work, signal: AbortSignal, block?: bigint): Promise<Refusal | undefined>
  /** Gas, with room above the estimate. Throws RpcRefusal when the chain would refuse. */
  gasFor(work: Work, signal: AbortSignal): Promise<bigint>
  /** This much gas at the fee of now. */
  offerOf(gasLimit: bigint, signal: AbortSignal): Promise<Offer>
  /** What nodes would take in the place of the newest variant; undefined where the limit of a fee forbids it. */
  dearer(intent: Intent, signal: AbortSignal): Promise<Offer | undefined>
  pendingNonce(signal: AbortSignal): Promise<number>
  /** Number of our transactions in blocks: every smaller nonce is used up. */
  minedNonce(signal: AbortSignal): Promise<number>
  /** Adds a signed variant. */
  sign(intent: Intent, offer: Offer): Promise<Intent>
  /** Sends the newest variant. What a node says about one that it already has, or that is mined, is no failure. */
  broadcast(intent: Intent, signal: AbortSignal): Promise<'sent' | 'nonce-used' | 'underpriced'>
  /** Receipt of whichever variant was mined. */
  receiptOf(intent: Pick<IntentSummary, 'variants'>, signal: AbortSignal): Promise<Receipt | undefined>
}

/** Room above the estimate: state may change between estimate and block (another case, a new day). */
const GAS_ROOM_PERCENT = 30n
/** Nodes demand 10 % more for a replacement; 15 keeps clear of rounding. */
const BUMP_PERCENT = 15n
/** Wei per gas. Arbitrum collects no tips and orders by arrival; a small tip serves other chains. */
const TIP = 100_000_000n

export function createTransactor(
  init: { chainId: bigint; maxFeePerGas: bigint; from: Hex },
  deps: { rpc: Rpc; signer: TransactionSigner },
): Transactor {
  const { rpc, signer } = deps

  async function estimate(work: Work, signal: AbortSignal): Promise<bigint> {
    const tx = { from: init.from, to: work.to, data: work.data }
    const gas = quantity(await rpc.send('eth_estimateGas', [tx], { signal }), 'gas estimate')
    return gas + (gas * GAS_ROOM_PERCENT) / 100n
  }

  async function nonce(tag: 'pending' | 'latest', signal: AbortSignal): Promise<number> {
    return Number(quantity(await rpc.send('eth_getTransactionCount', [init.from, tag], { signal }), 'nonce'))
  }

  async function marketFee(signal: AbortSignal): Promise<Fee> {
    const header = parseHeader(await rpc.send('eth_getBlockByNumber', ['latest', false], { signal }))
    const base = header?.baseFeePerGas ?? 0n
    return { maxFeePerGas: minOf(2n * base + TIP, init.maxFeePerGas), maxPriorityFeePerGas: minOf(TIP, init.maxFeePerGas) }
  }

  return {
    from: init.from,
    async refusalOf(work, signal, block) {
      const tag = block === undefined ? 'latest' : toQuantity(block)
      try {
        await rpc.send('eth_call', [{ from: init.from, to: work.to, data: work.data }, tag], { signal })
        return undefined
      } catch (error) {
        if (error instanceof RpcRefusal) return refusalFrom(error)
        throw error
      }
    },
    gasFor: estimate,
    offerOf: async (gasLimit, signal) => ({ gasLimit, ...(await marketFee(signal)) }),
    pendingNonce: (signal) => nonce('pending', signal),
    minedNonce: (signal) => nonce('latest', signal),
    async sign(intent, offer) {
      if (intent.nonce === undefined) throw problem('tx-internal', 'a transaction without a nonce cannot be signed')
      const { nonce, to, data } = intent
      const raw = (await signer.signTransaction({ type: 2, chainId: init.chainId, nonce, to, data, ...offer })) as Hex
      const variant: Variant = { hash: keccak256(raw) as Hex, raw, ...offer }
      return { ...intent, state: 'signed', variants: [...intent.variants, variant] }
    },
    async dearer(intent, signal) {
      const last = intent.variants.at(-1)
      if (!last) return undefined
      const market = await marketFee(signal)
      const fee = {
        maxFeePerGas: maxOf(raised(last.maxFeePerGas), market.maxFeePerGas),
        maxPriorityFeePerGas: maxOf(raised(last.maxPriorityFeePerGas), market.maxPriorityFeePerGas),
      }
      if (fee.maxFeePerGas > init.maxFeePerGas) return undefined
      // Estimated anew, never lowered. An estimate that fails (the chain refuses by now) leaves the limit: the nonce must be used up.
      const gas = await estimate(intent, signal).catch(() => last.gasLimit)
      return { gasLimit: maxOf(last.gasLimit, gas), ...fee }
    },
    async broadcast(intent, signal) {
      const variant = intent.variants.at(-1)
      if (!variant) return 'sent'
      try {
        await rpc.send('eth_sendRawTransaction', [variant.raw], { signal })
      } catch (error) {
        if (!(error instanceof RpcRefusal)) throw error
        if (/already known|already imported|known transaction/i.test(error.message)) return 'sent'
        if (/nonce too low|nonce.*(used|expired)/i.test(error.message)) return 'nonce-used'
        if (/underpriced|replacement|fee too low|max fee per gas less/i.test(error.message)) return 'underpriced'
        if (/insufficient funds/i.test(error.message))
          throw problem('chain-no-funds', 'our account has too little of the native coin to pay for gas; send some to it')
        throw problem('tx-rejected', `the RPC node rejects our transaction: ${error.message.slice(0, 200)}`)
      }
      return 'sent'
    },
    async receiptOf(intent, signal) {
      for (const variant of intent.variants) {
        const receipt = parseReceipt(await rpc.send('eth_getTransactionReceipt', [variant.hash], { signal }))
        if (receipt) return receipt
      }
      return undefined
    },
  }
}

/** A refusal by the node itself: the contract's error where it sent one, else its text. */
export function refusalFrom(error: RpcRefusal): Refusal {
  if (error.data !== undefined && error.data !== '0x') return decodeRefusal(bytes(error.data, 'revert data'))
  if (/revert/i.test(error.message)) return decodeRefusal(undefined)
  return { error: 'Rpc', reason: messageOf(error).slice(0, 300), args: {} }
}

function raised(fee: bigint): bigint {
  return fee + (fee * BUMP_PERCENT) / 100n + 1n
}
