import type { Logger } from '../base/log.ts'
import type { WriteAhead } from '../base/write-ahead.ts'
import type { Transactor } from './transactor.ts'
import type { Intent, IntentStore } from './types.ts'
import type { Receipt } from './wire.ts'

/** The intents on disk as one queue of nonces: which are taken, what becomes of them, and what earlier runs left behind. */
export interface Outbox {
  /** Steps that touch the nonce run one after the other; a failure in one does not stop the next. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  nextNonce(by: Transactor, signal: AbortSignal): Promise<number>
  /** To be handed to the write-ahead: resolves when the intent is on disk. */
  recording(intent: Intent, signal: AbortSignal): () => Promise<Intent>
  /** From now on no other transaction gets this nonce. */
  take(nonce: number | undefined): void
  /** Do later nonces wait behind this one? */
  isWaitedFor(nonce: number | undefined): boolean
  /** Does this one wait behind an earlier nonce? Then no fee gets it mined. */
  isBehind(nonce: number | undefined): boolean
  /** Its nonce is used up, or free again. */
  end(intent: Intent, state: 'mined' | 'refused' | 'replaced', signal: AbortSignal, by?: Receipt): Promise<void>
  /**
   * Does a transaction that was signed before still do the work? Then it is published again, bit for bit the same. One that was mined and
   * is not there any more was in a block that was taken back.
   */
  resume(known: Intent, by: Transactor, signal: AbortSignal): Promise<boolean>
  /** As before its end: signed, and under way. */
  revive(intent: Intent, signal: AbortSignal): Promise<void>
}

export interface OutboxDeps {
  intents: IntentStore
  writeAhead: WriteAhead
  log: Logger
  nowMs(): number
}

export function createOutbox({ intents, writeAhead, log, nowMs }: OutboxDeps): Outbox {
  let queue: Promise<unknown> = Promise.resolve()
  /** Nonces that are signed and not used up, whoever follows them; from before a restart too. */
  const inFlight = new Set(
    intents.all().flatMap(({ state, nonce }) => (state === 'signed' && nonce !== undefined ? [nonce] : [])),
  )

  function take(nonce: number | undefined): void {
    if (nonce !== undefined) inFlight.add(nonce)
  }

  function isWaitedFor(nonce = 0): boolean {
    return [...inFlight].some((one) => one > nonce)
  }

  function isBehind(nonce = 0): boolean {
    return [...inFlight].some((one) => one < nonce)
  }

  const recording = (intent: Intent, signal: AbortSignal) => async (): Promise<Intent> => {
    await intents.record(intent, { signal })
    return intent
  }

  async function end(intent: Intent, state: 'mined' | 'refused' | 'replaced', signal: AbortSignal, by?: Receipt): Promise<void> {
    const told = by ? { spent: by.gasUsed * by.gasPrice, spentAtMs: nowMs(), minedIn: by.blockNumber } : {}
    const ended = { ...intent, state, ...told }
    if (state === 'mined') await writeAhead.run('mined', intent.action, recording(ended, signal), () => undefined)
    else await intents.record(ended, { signal })
    if (intent.nonce !== undefined) inFlight.delete(intent.nonce)
  }

  async function revive(intent: Intent, signal: AbortSignal): Promise<void> {
    take(intent.nonce)
    if (intent.state !== 'signed') await intents.record(pending(intent), { signal })
  }

  return {
    inTurn(work) {
      const turn = queue.then(work, work)
      queue = turn.catch(() => undefined)
      return turn
    },
    // Asked anew each time, since a reorganisation gives nonces back; what we have in flight the node may not know yet, or not any more.
    async nextNonce(by, signal) {
      let nonce = await by.pendingNonce(signal)
      while (inFlight.has(nonce)) nonce++
      return nonce
    },
    recording,
    take,
    isWaitedFor,
    isBehind,
    end,
    async resume(known, by, signal) {
      const wasMined = known.state === 'mined'
      if (known.state !== 'signed' && !wasMined) return false
      if (known.variants.length === 0) return false
      if (await by.receiptOf(known, signal)) return !wasMined
      // What the chain would refuse by now is sent all the same where later nonces wait behind it: they could never be mined.
      if (!isWaitedFor(known.nonce) && (await by.refusalOf(known, signal))) {
        // It may have been mined between the two questions, and be refused by its own work.
        if (await by.receiptOf(known, signal)) return !wasMined
        if (!wasMined) await end(known, 'refused', signal)
        return false
      }
      // A nonce that is used up is ours, mined this moment, or another program's: whoever follows it looks until that is clear.
      await by.broadcast(known, signal)
      await revive(known, signal)
      log.info('Took up a transaction that was signed before', { faultId: known.faultId, action: known.action })
      return true
    },
    revive,
  }
}

/** As it was before its end: what the end said of it is not true any more. */
export function pending({ spent: _spent, spentAtMs: _spentAtMs, minedIn: _minedIn, ...intent }: Intent): Intent {
  return { ...intent, state: 'signed' }
}
