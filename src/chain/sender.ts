import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { WriteAhead } from '../base/write-ahead.ts'
import type { Refusal } from './contracts.ts'
import type { Limits } from './limits.ts'
import { createOutbox, pending } from './outbox.ts'
import { leftBehind, republish } from './recovery.ts'
import { problem, type Rpc, RpcRefusal } from './rpc.ts'
import { createSpending } from './spending.ts'
import { type Ending, type TrackingInit, track } from './tracking.ts'
import { createTransactor, refusalFrom, type Transactor } from './transactor.ts'
import type { Action, CaseView, Head, Intent, IntentStore, TransactionSigner } from './types.ts'
import type { Receipt } from './wire.ts'

export interface SenderInit extends TrackingInit {
  chainId: bigint
  send: 'live' | 'simulate'
  /** Wei per gas that we never exceed. */
  maxFeePerGas: bigint
  /** What may be spent and staked; no limits without. */
  limits?: Limits
}

export interface SendRequest {
  faultId: Hex
  action: Action
  to: Hex
  data: Hex
  salt?: Hex
  /** Wei of the token that it locks. */
  bond?: bigint
}

export type SendResult =
  | { status: 'mined'; receipt: Receipt }
  | { status: 'simulated'; gas: bigint }
  | { status: 'refused'; refusal: Refusal }

export interface Sender {
  send(request: SendRequest, options: { signal: AbortSignal }): Promise<SendResult>
  /** Takes up what is signed and not mined, and what was mined in blocks that are gone: at a start, and again with each new head. */
  attend(event: { head: Pick<Head, 'number'>; rewoundTo?: bigint }, signal: AbortSignal): Promise<void>
}

export interface SenderDeps {
  rpc: Rpc
  clock: Clock
  log: Logger
  intents: IntentStore
  signer: TransactionSigner | undefined
  writeAhead: WriteAhead
  /** All cases as the chain tells them: bonds in them count. */
  cases?(): readonly CaseView[]
  /** Why nothing may be sent at all now: the operator's kill switch. */
  halted?(): string | undefined
}

type Prepared = { intent: Intent } | { refusal: Refusal } | { gas: bigint }

const NO_SIGNER: Refusal = { error: 'NoKey', reason: 'no key is loaded; start with a keystore to send transactions', args: {} }
const NOT_NEEDED: Refusal = { error: 'Replaced', reason: 'it is not needed any more, or its nonce was used', args: {} }
/** Times that work is signed anew because another program used its nonce. */
const REPLACED_TRIES = 3

/**
 * One nonce queue. The order is: simulate, write the intent, sign, write the signed bytes, broadcast. After a crash the same intent leads
 * to the same bytes with the same nonce, so nothing can be sent twice.
 */
export function createSender(init: SenderInit, deps: SenderDeps): Sender {
  const { rpc, clock, log, intents, signer, writeAhead } = deps
  const halted = () => deps.halted?.()
  const outbox = createOutbox({ intents, writeAhead, log, nowMs: clock.nowMs })
  const running = new Map<string, Promise<SendResult>>()
  const spending = createSpending(init.limits, deps)

  /** Everything up to the first broadcast, in turn: from here on the intent is on disk. */
  async function prepare(request: SendRequest, id: string, by: Transactor, signal: AbortSignal): Promise<Prepared> {
    const { faultId, action, to, data, salt, bond } = request
    const live = init.send === 'live'
    const known = live ? await intents.load(id) : undefined
    const stop = live ? halted() : undefined
    if (stop !== undefined) return { refusal: { error: 'Halted', reason: stop, args: {} } }
    if (known && (known.state === 'signed' || known.data === data) && (await outbox.resume(known, by, signal)))
      return { intent: pending(known) }
    const refusal = await by.refusalOf(request, signal)
    if (refusal) return { refusal }
    const gas = await by.gasFor(request, signal)
    if (init.send === 'simulate') {
      log.info('Transaction simulated, not signed', { action, faultId, to, data, gas })
      return { gas }
    }
    const offer = await by.offerOf(gas, signal)
    const limit = spending.refusalOf(request, offer, by.from)
    if (limit !== undefined) return { refusal: { error: 'OwnLimit', reason: limit, args: {} } }
    const intent: Intent = {
      ...{ id, faultId, action, state: 'intended', to, data, variants: [], atMs: clock.nowMs() },
      ...(salt === undefined ? {} : { salt }),
      ...(bond === undefined ? {} : { bond }),
      ...pastOf(known),
    }
    const signed = await writeAhead.run('intend', action, outbox.recording(intent, signal), async () => {
      const nonce = await outbox.nextNonce(by, signal)
      return await by.sign({ ...intent, nonce }, offer)
    })
    const { nonce } = signed
    const sent = await writeAhead.run('broadcast', action, outbox.recording(signed, signal), () => {
      // From its record on it may go out, by this process or the next.
      outbox.take(nonce)
      return by.broadcast(signed, signal)
    })
    if (sent === 'nonce-used') log.warn('The nonce of a transaction was used before it was sent', { action, faultId, nonce })
    else log.info('Transaction sent', { action, faultId, tx: signed.variants.at(-1)?.hash, nonce })
    return { intent: signed }
  }

  async function bump(intent: Intent, by: Transactor, signal: AbortSignal): Promise<Intent> {
    const { action, faultId, nonce } = intent
    const offer = await by.dearer(intent, signal)
    if (!offer)
      log.warn('Transaction not mined in time, and its fee may not be raised', {
        ...{ action, faultId, nonce, limit: init.maxFeePerGas },
      })
    if (!offer || spending.holdsBack(intent, offer, by.from)) {
      // At the limit the old one is only published again: it may have been dropped from the node's memory.
      await by.broadcast(intent, signal)
      return intent
    }
    const raised = await by.sign(intent, offer)
    log.warn('Transaction not mined in time, sent again with a higher fee', { action, faultId, nonce })
    await writeAhead.run('broadcast', action, outbox.recording(raised, signal), () => by.broadcast(raised, signal))
    return raised
  }

  function follow(intent: Intent, by: Transactor, signal: AbortSignal): Promise<Ending> {
    const tracking = {
      ...{ rpc, clock, log, halted: () => halted() !== undefined },
      bump: (one: Intent, inner: AbortSignal) => outbox.inTurn(() => bump(one, by, inner)),
      isBehind: (one: Intent) => outbox.isBehind(one.nonce),
    }
    return track(init, tracking, intent, by, signal)
  }

  /** Follows to the end and writes it down; undefined where the work must be signed anew. */
  async function finish(intent: Intent, by: Transactor, signal: AbortSignal): Promise<SendResult | undefined> {
    const ending = await follow(intent, by, signal)
    const newest = (await intents.load(intent.id)) ?? intent
    await outbox.end(newest, ending.status, signal, ending.status === 'replaced' ? undefined : ending.receipt)
    spending.forget(intent.id)
    if (ending.status === 'mined') return { status: 'mined', receipt: ending.receipt }
    const { action, faultId, nonce } = intent
    if (ending.status === 'refused') return { status: 'refused', refusal: ending.refusal }
    log.warn('Another program sends with our key; use the key in one place only', { action, faultId, nonce })
    return undefined
  }

  async function run(request: SendRequest, id: string, signal: AbortSignal): Promise<SendResult> {
    if (!signer) return { status: 'refused', refusal: NO_SIGNER }
    const by = await transactor(signer)
    try {
      for (let tries = 0; tries < REPLACED_TRIES; tries++) {
        const prepared = await outbox.inTurn(() => prepare(request, id, by, signal))
        if ('refusal' in prepared) return { status: 'refused', refusal: prepared.refusal }
        if ('gas' in prepared) return { status: 'simulated', gas: prepared.gas }
        const result = await finish(prepared.intent, by, signal)
        if (result) return result
      }
    } catch (error) {
      if (error instanceof RpcRefusal) return { status: 'refused', refusal: refusalFrom(error) }
      throw error
    }
    throw problem('tx-nonce', 'another program sends with our key; use the key in one place only')
  }

  async function transactor(by: TransactionSigner): Promise<Transactor> {
    const from = (await by.getAddress()).toLowerCase() as Hex
    const place = {
      ...{ chainId: init.chainId, from },
      get maxFeePerGas() {
        return init.maxFeePerGas
      },
    }
    return createTransactor(place, { rpc, signer: by })
  }

  /** One at a time for each piece of work; whoever asks for it meanwhile gets the same answer. */
  function once(id: string, work: () => Promise<SendResult>): Promise<SendResult> {
    const known = running.get(id)
    if (known) return known
    const fresh = work().finally(() => running.delete(id))
    running.set(id, fresh)
    return fresh
  }

  async function adopt(intent: Intent, by: Transactor, signal: AbortSignal): Promise<SendResult> {
    const isOurs = await outbox.inTurn(() => republish(intent, outbox, by, signal))
    const result = isOurs ? await finish(pending(intent), by, signal) : undefined
    return result ?? { status: 'refused', refusal: NOT_NEEDED }
  }

  return {
    send: (request, { signal }) => {
      const id = `${request.faultId}:${request.action}`
      return once(id, () => run(request, id, signal))
    },
    async attend(event, signal) {
      if (!signer || init.send !== 'live' || halted() !== undefined) return
      const by = await transactor(signer)
      const isRunning = (id: string) => running.has(id)
      for (const intent of await leftBehind(event, { outbox, intents, log, by, isRunning }, signal))
        once(intent.id, () => adopt(intent, by, signal)).catch((error: unknown) => {
          if (signal.aborted) return
          const { action, faultId } = intent
          log.warn('A transaction of before cannot be followed', { action, faultId, error: messageOf(error) })
        })
    },
  }
}

/** What earlier tries cost stays known: the limit of a day counts them. */
function pastOf(known: Intent | undefined): Pick<Intent, 'past'> {
  if (!known) return {}
  const atMs = known.spentAtMs ?? known.atMs
  const spent = known.spent !== undefined && atMs !== undefined ? [{ atMs, wei: known.spent }] : []
  const past = [...(known.past ?? []), ...spent].slice(-PAST)
  return past.length > 0 ? { past } : {}
}

/** Earlier tries that are remembered; a day does not see more of one piece of work. */
const PAST = 50
