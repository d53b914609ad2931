import { type Clock, sleep } from '../base/clock.ts'
import { isFishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Refusal } from './contracts.ts'
import { problem, type Rpc, RpcRefusal } from './rpc.ts'
import type { Transactor } from './transactor.ts'
import type { Intent } from './types.ts'
import { quantity, type Receipt } from './wire.ts'

/** How a transaction that was sent ended. */
export type Ending =
  | { status: 'mined'; receipt: Receipt }
  | { status: 'refused'; refusal: Refusal; receipt: Receipt }
  /** Another program used the nonce: none of ours can be mined any more. */
  | { status: 'replaced' }

export interface TrackingInit {
  /** Blocks that must lie on top, own one included, before a transaction counts as mined. */
  confirmations: number
  pollMs: number
  resubmitMs: number
  giveUpMs: number
}

export interface TrackingDeps {
  rpc: Rpc
  clock: Clock
  log: Logger
  /** Publishes a dearer variant, or the same again where a limit forbids it; in turn with all others of our key. */
  bump(intent: Intent, signal: AbortSignal): Promise<Intent>
  /** Does an earlier nonce keep this one from being mined? Then a dearer one would only tie up money. */
  isBehind(intent: Intent): boolean
  /** While true nothing is published; what is out is still watched. */
  halted(): boolean
}

/** Looks in a row that must find our nonce used and no receipt: a node may know the one a moment before the other. */
const REPLACED_LOOKS = 3

/** Follows a transaction, all variants of its nonce as one, until it is mined, reverted or replaced. Throws `tx-timeout` when it takes too long. */
export async function track(
  init: TrackingInit,
  deps: TrackingDeps,
  start: Intent,
  by: Transactor,
  signal: AbortSignal,
): Promise<Ending> {
  const { rpc, clock, log } = deps
  let intent = start
  const startedMs = clock.monotonicMs()
  /** When it was published, and since when its fee could have got it mined. */
  let sentMs = startedMs
  let offeredMs = startedMs
  let gone = 0

  async function look(): Promise<Ending | undefined> {
    const receipt = await by.receiptOf(intent, signal)
    if (receipt) gone = 0
    if (receipt && !receipt.ok) return { status: 'refused', refusal: await whyReverted(intent, receipt, by, signal), receipt }
    if (receipt && (await confirmed(receipt))) return { status: 'mined', receipt }
    if (receipt) return undefined
    const used = intent.nonce !== undefined && (await by.minedNonce(signal)) > intent.nonce
    gone = used ? gone + 1 : 0
    if (gone >= REPLACED_LOOKS) return { status: 'replaced' }
    if (!used && !deps.halted()) await publishAgain()
    return undefined
  }

  async function publishAgain(): Promise<void> {
    const nowMs = clock.monotonicMs()
    const isDue = (sinceMs: number): boolean => nowMs - sinceMs > init.resubmitMs
    if (isDue(offeredMs) && !deps.isBehind(intent)) {
      offeredMs = sentMs = nowMs
      intent = await deps.bump(intent, signal)
    } else if (isDue(sentMs)) {
      sentMs = nowMs
      await by.broadcast(intent, signal)
    }
  }

  async function confirmed(receipt: Receipt): Promise<boolean> {
    if (init.confirmations <= 1) return true
    const head = quantity(await rpc.send('eth_blockNumber', [], { signal }), 'block number')
    return head - receipt.blockNumber + 1n >= BigInt(init.confirmations)
  }

  for (;;) {
    try {
      const ending = await look()
      if (ending) return ending
    } catch (error) {
      // The transaction is out: a node that fails or refuses a higher fee is no reason to lose sight of it.
      const passing = error instanceof RpcRefusal || (isFishermanError(error) && error.code !== 'rpc-closed')
      if (!passing || signal.aborted) throw error
      const { action, faultId } = intent
      log.warn('Cannot follow a transaction, asking again', { action, faultId, error: messageOf(error) })
    }
    if (clock.monotonicMs() - startedMs > init.giveUpMs) {
      const seconds = Math.round(init.giveUpMs / 1000)
      throw problem('tx-timeout', `a transaction is not mined after ${seconds} s; check fees, limits and the RPC node`)
    }
    await sleep(init.pollMs, signal)
  }
}

/** The contract's error: asked at the block that reverted it, where the node still knows that state, else now. */
async function whyReverted(intent: Intent, receipt: Receipt, by: Transactor, signal: AbortSignal): Promise<Refusal> {
  const variant = intent.variants.find(({ hash }) => hash === receipt.tx)
  if (variant && receipt.gasUsed >= variant.gasLimit)
    return { error: 'OutOfGas', reason: `transaction ${receipt.tx} ran out of gas (${variant.gasLimit})`, args: {} }
  const then = await by.refusalOf(intent, signal, receipt.blockNumber).catch(() => undefined)
  if (then && then.error !== 'Rpc') return then
  const reverted = { error: 'Reverted', reason: `transaction ${receipt.tx} was reverted`, args: {} }
  return (await by.refusalOf(intent, signal)) ?? reverted
}
