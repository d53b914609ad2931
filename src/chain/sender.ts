import { keccak256 } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { decodeRefusal, type Refusal } from './contracts.ts'
import { problem, type Rpc, RpcRefusal } from './rpc.ts'
import type { Action, Intent, IntentStore, TransactionSigner } from './types.ts'
import { bytes, parseHeader, parseReceipt, quantity, type Receipt } from './wire.ts'

export interface SenderInit {
  chainId: bigint
  send: 'live' | 'simulate'
  /** Blocks that must lie on top, own one included, before a transaction counts as mined; 1 = as soon as it is in a block. */
  confirmations: number
  pollMs: number
  /** Milliseconds after which an unmined transaction is sent again with a higher fee. */
  resubmitMs: number
  /** Milliseconds after which a transaction is given up; it may still be mined later, and the intent stays. */
  giveUpMs: number
  /** Wei per gas that we never exceed. */
  maxFeePerGas: bigint
}

export interface SendRequest {
  faultId: Hex
  action: Action
  to: Hex
  data: Hex
  salt?: Hex
}

export type SendResult =
  | { status: 'mined'; receipt: Receipt }
  | { status: 'simulated'; gas: bigint }
  | { status: 'refused'; refusal: Refusal }

export interface Sender {
  send(request: SendRequest, options: { signal: AbortSignal }): Promise<SendResult>
}

type Variant = Intent['variants'][number]
type Prepared = { intent: Intent } | { refusal: Refusal } | { gas: bigint }

/** Room above the estimate: state may change between estimate and block (another case, a new day). */
const GAS_ROOM_PERCENT = 30n
/** Nodes demand 10 % more for a replacement; 15 keeps clear of rounding. */
const BUMP_PERCENT = 15n
const NO_SIGNER: Refusal = { error: 'NoKey', reason: 'no key is loaded; start with a keystore to send transactions', args: {} }

/**
 * One nonce queue. The order is: simulate, write the intent, sign, write the signed bytes, broadcast. After a crash the same intent leads
 * to the same bytes with the same nonce, so nothing can be sent twice.
 */
export function createSender(
  init: SenderInit,
  deps: { rpc: Rpc; clock: Clock; log: Logger; intents: IntentStore; signer: TransactionSigner | undefined },
): Sender {
  const { rpc, clock, log, intents, signer } = deps
  let queue: Promise<unknown> = Promise.resolve()
  /** Nonces that are signed and neither mined nor given up. */
  const inFlight = new Set<number>()
  const running = new Map<string, Promise<SendResult>>()

  /** Steps that touch the nonce run one after the other; a failure in one does not stop the next. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = queue.then(work, work)
    queue = turn.catch(() => undefined)
    return turn
  }

  async function call(
    from: Hex,
    request: SendRequest,
    method: 'eth_call' | 'eth_estimateGas',
    signal: AbortSignal,
  ): Promise<unknown> {
    const tx = { from, to: request.to, data: request.data }
    return rpc.send(method, method === 'eth_call' ? [tx, 'latest'] : [tx], { signal })
  }

  /** Asked anew each time, since a reorganisation gives nonces back; what we have in flight the node may not know yet, or not any more. */
  async function nextNonce(from: Hex, signal: AbortSignal): Promise<number> {
    const pending = Number(quantity(await rpc.send('eth_getTransactionCount', [from, 'pending'], { signal }), 'nonce'))
    return Math.max(pending, ...[...inFlight].map((nonce) => nonce + 1))
  }

  async function marketFee(signal: AbortSignal): Promise<{ maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }> {
    const header = parseHeader(await rpc.send('eth_getBlockByNumber', ['latest', false], { signal }))
    const base = header?.baseFeePerGas ?? 0n
    // Arbitrum collects no tips and orders by arrival; a small tip serves other chains.
    const tip = 100_000_000n
    return { maxFeePerGas: min(2n * base + tip, init.maxFeePerGas), maxPriorityFeePerGas: min(tip, init.maxFeePerGas) }
  }

  async function sign(
    intent: Intent,
    gasLimit: bigint,
    fee: { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint },
    by: TransactionSigner,
  ) {
    const raw = (await by.signTransaction({
      type: 2,
      chainId: init.chainId,
      nonce: intent.nonce ?? 0,
      to: intent.to,
      data: intent.data,
      gasLimit,
      ...fee,
    })) as Hex
    const variant: Variant = { hash: keccak256(raw) as Hex, raw, gasLimit, ...fee }
    return { ...intent, state: 'signed' as const, variants: [...intent.variants, variant] }
  }

  /** Sends the newest variant. What a node says about a transaction that it already has, or that is mined, is no failure. */
  async function broadcast(intent: Intent, signal: AbortSignal): Promise<'sent' | 'nonce-used' | 'underpriced'> {
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
  }

  async function receiptOf(intent: Intent, signal: AbortSignal): Promise<Receipt | undefined> {
    for (const variant of intent.variants) {
      const receipt = parseReceipt(await rpc.send('eth_getTransactionReceipt', [variant.hash], { signal }))
      if (receipt) return receipt
    }
    return undefined
  }

  async function refusalOf(request: SendRequest, from: Hex, signal: AbortSignal): Promise<Refusal | undefined> {
    try {
      await call(from, request, 'eth_call', signal)
      return undefined
    } catch (error) {
      if (error instanceof RpcRefusal) return refusalFrom(error)
      throw error
    }
  }

  /** Does a transaction that was signed before a restart still do the work? Then it is published again, bit for bit the same. */
  async function resumed(known: Intent, from: Hex, signal: AbortSignal): Promise<boolean> {
    const receipt = await receiptOf(known, signal)
    if (receipt) return receipt.ok
    if (await refusalOf(known, from, signal)) return false
    if ((await broadcast(known, signal)) === 'nonce-used') return false
    if (known.nonce !== undefined) inFlight.add(known.nonce)
    log.info('Took up a transaction that was signed before a restart', { faultId: known.faultId, action: known.action })
    return true
  }

  /** Everything up to the first broadcast, in turn: from here on the intent is on disk. */
  async function prepare(
    request: SendRequest,
    id: string,
    from: Hex,
    by: TransactionSigner,
    signal: AbortSignal,
  ): Promise<Prepared> {
    const known = init.send === 'live' ? await intents.load(id) : undefined
    if (known?.state === 'signed' && (await resumed(known, from, signal))) return { intent: known }
    const refusal = await refusalOf(request, from, signal)
    if (refusal) return { refusal }
    const gas = quantity(await call(from, request, 'eth_estimateGas', signal), 'gas estimate')
    if (init.send === 'simulate') {
      log.info('Transaction simulated, not signed', {
        action: request.action,
        faultId: request.faultId,
        to: request.to,
        data: request.data,
        gas,
      })
      return { gas }
    }
    let intent: Intent = {
      id,
      faultId: request.faultId,
      action: request.action,
      state: 'intended',
      to: request.to,
      data: request.data,
      variants: [],
      ...(request.salt === undefined ? {} : { salt: request.salt }),
    }
    await intents.record(intent, { signal })
    const nonce = await nextNonce(from, signal)
    intent = await sign({ ...intent, nonce }, withRoom(gas), await marketFee(signal), by)
    await intents.record(intent, { signal })
    inFlight.add(nonce)
    const sent = await broadcast(intent, signal)
    if (sent === 'nonce-used') throw problem('tx-nonce', 'another program sends with our key; use the key in one place only')
    log.info('Transaction sent', {
      action: request.action,
      faultId: request.faultId,
      tx: intent.variants.at(-1)?.hash,
      nonce: intent.nonce,
    })
    return { intent }
  }

  async function bump(
    intent: Intent,
    request: SendRequest,
    from: Hex,
    by: TransactionSigner,
    signal: AbortSignal,
  ): Promise<Intent> {
    const last = intent.variants.at(-1)
    if (!last) return intent
    const market = await marketFee(signal)
    const raised = (fee: bigint) => fee + (fee * BUMP_PERCENT) / 100n + 1n
    const fee = {
      maxFeePerGas: max(raised(last.maxFeePerGas), market.maxFeePerGas),
      maxPriorityFeePerGas: max(raised(last.maxPriorityFeePerGas), market.maxPriorityFeePerGas),
    }
    // At the limit the old one is only published again: it may have been dropped from the node's memory.
    if (fee.maxFeePerGas <= init.maxFeePerGas) {
      const estimate = await call(from, request, 'eth_estimateGas', signal).catch(() => undefined)
      const gasLimit = estimate === undefined ? last.gasLimit : max(last.gasLimit, withRoom(quantity(estimate, 'gas estimate')))
      const raisedIntent = await sign(intent, gasLimit, fee, by)
      await intents.record(raisedIntent, { signal })
      log.warn('Transaction not mined in time, sent again with a higher fee', {
        action: intent.action,
        faultId: intent.faultId,
        nonce: intent.nonce,
      })
      await broadcast(raisedIntent, signal)
      return raisedIntent
    }
    await broadcast(intent, signal)
    return intent
  }

  async function waitMined(
    start: Intent,
    request: SendRequest,
    from: Hex,
    by: TransactionSigner,
    signal: AbortSignal,
  ): Promise<SendResult> {
    let intent = start
    const startedMs = clock.monotonicMs()
    let sentMs = startedMs
    for (;;) {
      try {
        const result = await look()
        if (result) return result
      } catch (error) {
        // The transaction is out: a node that does not answer for a while is no reason to lose sight of it.
        if (!isFishermanError(error) || !error.code.startsWith('rpc-') || error.code === 'rpc-closed') throw error
        log.warn('Cannot ask for a transaction, asking again', {
          action: intent.action,
          faultId: intent.faultId,
          error: error.message,
        })
      }
      if (clock.monotonicMs() - startedMs > init.giveUpMs)
        throw problem(
          'tx-timeout',
          `a transaction is not mined after ${Math.round(init.giveUpMs / 1000)} s; check fees and the RPC node`,
        )
      await sleep(init.pollMs, signal)
    }

    async function look(): Promise<SendResult | undefined> {
      const receipt = await receiptOf(intent, signal)
      if (receipt && !receipt.ok) {
        await intents.record({ ...intent, state: 'refused' }, { signal })
        const refusal = await refusalOf(request, from, signal)
        const reverted = { error: 'Reverted', reason: `transaction ${receipt.tx} was reverted`, args: {} }
        return { status: 'refused', refusal: refusal ?? reverted }
      }
      if (receipt && (await confirmed(receipt, signal))) {
        await intents.record({ ...intent, state: 'mined' }, { signal })
        return { status: 'mined', receipt }
      }
      if (!receipt && clock.monotonicMs() - sentMs > init.resubmitMs) {
        sentMs = clock.monotonicMs()
        intent = await inTurn(() => bump(intent, request, from, by, signal))
      }
      return undefined
    }
  }

  async function confirmed(receipt: Receipt, signal: AbortSignal): Promise<boolean> {
    if (init.confirmations <= 1) return true
    const head = quantity(await rpc.send('eth_blockNumber', [], { signal }), 'block number')
    return head - receipt.blockNumber + 1n >= BigInt(init.confirmations)
  }

  async function run(request: SendRequest, id: string, signal: AbortSignal): Promise<SendResult> {
    if (!signer) return { status: 'refused', refusal: NO_SIGNER }
    const from = (await signer.getAddress()).toLowerCase() as Hex
    let nonce: number | undefined
    try {
      const prepared = await inTurn(() => prepare(request, id, from, signer, signal))
      if ('refusal' in prepared) return { status: 'refused', refusal: prepared.refusal }
      if ('gas' in prepared) return { status: 'simulated', gas: prepared.gas }
      nonce = prepared.intent.nonce
      return await waitMined(prepared.intent, request, from, signer, signal)
    } catch (error) {
      if (error instanceof RpcRefusal) return { status: 'refused', refusal: refusalFrom(error) }
      throw error
    } finally {
      if (nonce !== undefined) inFlight.delete(nonce)
    }
  }

  return {
    send(request, { signal }) {
      const id = `${request.faultId}:${request.action}`
      const known = running.get(id)
      if (known) return known
      const work = run(request, id, signal).finally(() => running.delete(id))
      running.set(id, work)
      return work
    },
  }
}

/** A refusal by the node itself: the contract's error where it sent one, else its text. */
function refusalFrom(error: RpcRefusal): Refusal {
  if (error.data !== undefined && error.data !== '0x') return decodeRefusal(bytes(error.data, 'revert data'))
  if (/revert/i.test(error.message)) return decodeRefusal(undefined)
  return { error: 'Rpc', reason: messageOf(error).slice(0, 300), args: {} }
}

/** An intent store that forgets: for commands that send one transaction, and for tests. */
export function memoryIntents(): IntentStore & { all(): Intent[] } {
  const known = new Map<string, Intent>()
  return {
    async record(intent) {
      known.set(intent.id, structuredClone(intent))
    },
    async load(id) {
      const intent = known.get(id)
      return intent && structuredClone(intent)
    },
    all: () => [...known.values()],
  }
}

function withRoom(gas: bigint): bigint {
  return gas + (gas * GAS_ROOM_PERCENT) / 100n
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
