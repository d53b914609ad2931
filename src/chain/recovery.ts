import type { Logger } from '../base/log.ts'
import type { Outbox } from './outbox.ts'
import type { Transactor } from './transactor.ts'
import type { Head, Intent, IntentStore } from './types.ts'

// What nobody waits for: transactions that a restart left, and mined ones whose blocks were taken back.

/** Blocks in which a mined transaction may still vanish unseen. */
const YOUNG_BLOCKS = 32n
/** Refusals that no other transaction of ours can lift. */
const DONE_BY_OTHERS = ['AlreadyUsed', 'AlreadyAccused', 'NoOpenCase', 'NotConvicted', 'NotSilent', 'HeadNotGrown']

export interface LeftBehindDeps {
  outbox: Pick<Outbox, 'take'>
  intents: Pick<IntentStore, 'all' | 'load'>
  log: Logger
  by: Pick<Transactor, 'receiptOf'>
  isRunning(id: string): boolean
}

/** All that must be followed again, in the order of nonces; from here on no other transaction gets theirs. */
export async function leftBehind(
  { head, rewoundTo }: { head: Pick<Head, 'number'>; rewoundTo?: bigint },
  { outbox, intents, log, by, isRunning }: LeftBehindDeps,
  signal: AbortSignal,
): Promise<Intent[]> {
  const young = head.number - YOUNG_BLOCKS
  // Young ones are looked at each time: blocks that came and went between two polls leave no other trace.
  const above = rewoundTo !== undefined && rewoundTo < young ? rewoundTo : young
  const mined = intents.all().filter(({ state, minedIn }) => state === 'mined' && minedIn !== undefined && minedIn > above)
  const receipts = await Promise.all(mined.map((intent) => by.receiptOf(intent, signal)))
  const lost = mined.filter((_, i) => receipts[i] === undefined)
  for (const { action, faultId, nonce } of lost) {
    outbox.take(nonce)
    log.warn('A mined transaction was taken back', { action, faultId, nonce })
  }
  const signed = intents.all().filter(({ id, state }) => state === 'signed' && !isRunning(id))
  const behind = await Promise.all([...signed, ...lost].map(({ id }) => intents.load(id)))
  return behind.flatMap((intent) => intent ?? []).sort((a, b) => (a.nonce ?? 0) - (b.nonce ?? 0))
}

/** Publishes it again where it is needed, or where later nonces wait behind it; false where it came to its end. */
export async function republish(intent: Intent, outbox: Outbox, by: Transactor, signal: AbortSignal): Promise<boolean> {
  if (intent.state === 'signed') return outbox.resume(intent, by, signal)
  if (!(await isNeedless(intent, outbox, by, signal))) {
    await outbox.revive(intent, signal)
    if ((await by.broadcast(intent, signal)) !== 'nonce-used') return true
    if (await by.receiptOf(intent, signal)) return true
  }
  await outbox.end(intent, 'refused', signal)
  return false
}

/** Somebody else did it on the new chain. */
async function isNeedless(intent: Intent, outbox: Outbox, by: Transactor, signal: AbortSignal): Promise<boolean> {
  const refusal = await by.refusalOf(intent, signal)
  return refusal !== undefined && DONE_BY_OTHERS.includes(refusal.error) && !outbox.isWaitedFor(intent.nonce)
}
