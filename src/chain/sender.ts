import type { Hex } from '../../proofs/types.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { WriteAhead } from '../base/write-ahead.ts'
import type { Refusal } from './contracts.ts'
import { problem, type Rpc, RpcRefusal } from './rpc.ts'
import { createTransactor, refusalFrom, type Transactor } from './transactor.ts'
import type { Action, Intent, IntentStore, TransactionSigner } from './types.ts'
import { quantity, type Receipt } from './wire.ts'

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

type Prepared = { intent: Intent } | { refusal: Refusal } | { gas: bigint }

const NO_SIGNER: Refusal = { error: 'NoKey', reason: 'no key is loaded; start with a keystore to send transactions', args: {} }

/**
 * One nonce queue. The order is: simulate, write the intent, sign, write the signed bytes, broadcast. After a crash the same intent leads
 * to the same bytes with the same nonce, so nothing can be sent twice.
 */
export function createSender(
  init: SenderInit,
  deps: {
    rpc: Rpc
    clock: Clock
    log: Logger
    intents: IntentStore
    signer: TransactionSigner | undefined
    writeAhead: WriteAhead
  },
): Sender {
  const { rpc, clock, log, intents, signer, writeAhead } = deps
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

  /** Asked anew each time, since a reorganisation gives nonces back; what we have in flight the node may not know yet, or not any more. */
  async function nextNonce(by: Transactor, signal: AbortSignal): Promise<number> {
    return Math.max(await by.pendingNonce(signal), ...[...inFlight].map((nonce) => nonce + 1))
  }

  /** Does a transaction that was signed before a restart still do the work? Then it is published again, bit for bit the same. */
  async function resumed(known: Intent, by: Transactor, signal: AbortSignal): Promise<boolean> {
    const receipt = await by.receiptOf(known, signal)
    if (receipt) return receipt.ok
    if (await by.refusalOf(known, signal)) return false
    if ((await by.broadcast(known, signal)) === 'nonce-used') return false
    if (known.nonce !== undefined) inFlight.add(known.nonce)
    log.info('Took up a transaction that was signed before a restart', { faultId: known.faultId, action: known.action })
    return true
  }

  const recorded = (intent: Intent, signal: AbortSignal) => async (): Promise<Intent> => {
    await intents.record(intent, { signal })
    return intent
  }

  /** Everything up to the first broadcast, in turn: from here on the intent is on disk. */
  async function prepare(request: SendRequest, id: string, by: Transactor, signal: AbortSignal): Promise<Prepared> {
    const { faultId, action, to, data, salt } = request
    const known = init.send === 'live' ? await intents.load(id) : undefined
    if (known?.state === 'signed' && (await resumed(known, by, signal))) return { intent: known }
    const refusal = await by.refusalOf(request, signal)
    if (refusal) return { refusal }
    const gas = await by.gasFor(request, signal)
    if (init.send === 'simulate') {
      log.info('Transaction simulated, not signed', { action, faultId, to, data, gas })
      return { gas }
    }
    const intent: Intent = {
      id,
      faultId,
      action,
      state: 'intended',
      to,
      data,
      variants: [],
      ...(salt === undefined ? {} : { salt }),
    }
    const signed = await writeAhead.run('intend', action, recorded(intent, signal), async () => {
      const nonce = await nextNonce(by, signal)
      return await by.sign({ ...intent, nonce }, gas, signal)
    })
    const { nonce } = signed
    const sent = await writeAhead.run('broadcast', action, recorded(signed, signal), () => by.broadcast(signed, signal))
    if (sent === 'nonce-used') throw problem('tx-nonce', 'another program sends with our key; use the key in one place only')
    if (nonce !== undefined) inFlight.add(nonce)
    log.info('Transaction sent', { action, faultId, tx: signed.variants.at(-1)?.hash, nonce })
    return { intent: signed }
  }

  async function bump(intent: Intent, by: Transactor, signal: AbortSignal): Promise<Intent> {
    const raised = await by.raise(intent, signal)
    if (!raised) {
      // At the limit the old one is only published again: it may have been dropped from the node's memory.
      await by.broadcast(intent, signal)
      return intent
    }
    const { action, faultId, nonce } = intent
    log.warn('Transaction not mined in time, sent again with a higher fee', { action, faultId, nonce })
    await writeAhead.run('broadcast', action, recorded(raised, signal), () => by.broadcast(raised, signal))
    return raised
  }

  async function waitMined(start: Intent, by: Transactor, signal: AbortSignal): Promise<SendResult> {
    let intent = start
    const startedMs = clock.monotonicMs()
    let sentMs = startedMs

    async function look(): Promise<SendResult | undefined> {
      const receipt = await by.receiptOf(intent, signal)
      if (receipt && !receipt.ok) {
        await intents.record({ ...intent, state: 'refused' }, { signal })
        const reverted = { error: 'Reverted', reason: `transaction ${receipt.tx} was reverted`, args: {} }
        return { status: 'refused', refusal: (await by.refusalOf(intent, signal)) ?? reverted }
      }
      if (receipt && (await confirmed(receipt, signal))) {
        await intents.record({ ...intent, state: 'mined' }, { signal })
        return { status: 'mined', receipt }
      }
      if (!receipt && clock.monotonicMs() - sentMs > init.resubmitMs) {
        sentMs = clock.monotonicMs()
        intent = await inTurn(() => bump(intent, by, signal))
      }
      return undefined
    }

    for (;;) {
      try {
        const result = await look()
        if (result) return result
      } catch (error) {
        // The transaction is out: a node that fails or refuses a higher fee is no reason to lose sight of it.
        const passing = error instanceof RpcRefusal || (isFishermanError(error) && error.code !== 'rpc-closed')
        if (!passing || signal.aborted) throw error
        const { action, faultId } = intent
        log.warn('Cannot follow a transaction, asking again', { action, faultId, error: messageOf(error) })
      }
      if (clock.monotonicMs() - startedMs > init.giveUpMs) {
        const seconds = Math.round(init.giveUpMs / 1000)
        throw problem('tx-timeout', `a transaction is not mined after ${seconds} s; check fees and the RPC node`)
      }
      await sleep(init.pollMs, signal)
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
    const by = createTransactor({ chainId: init.chainId, maxFeePerGas: init.maxFeePerGas, from }, { rpc, signer })
    let nonce: number | undefined
    try {
      const prepared = await inTurn(() => prepare(request, id, by, signal))
      if ('refusal' in prepared) return { status: 'refused', refusal: prepared.refusal }
      if ('gas' in prepared) return { status: 'simulated', gas: prepared.gas }
      nonce = prepared.intent.nonce
      return await waitMined(prepared.intent, by, signal)
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
