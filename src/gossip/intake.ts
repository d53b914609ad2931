import { type AnyStatement, maxBytesOf, type StatementKind } from '../../proofs/codec.ts'
import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Counters } from './counters.ts'
import { createJudge, type Outcome } from './outcome.ts'
import { createDeliveryQueue, type QUEUE_LIMITS } from './queue.ts'
import { ignoreUnless, type Refused, rejectUnless } from './refusal.ts'
import { ID_SECONDS } from './seen.ts'
import { idOf, type Road, type ValidationContext, type ValidStatement, validateStatement } from './validate.ts'

export interface IntakeDeps {
  context: ValidationContext
  /** Is this statement kept on disk? Asked before anything expensive: after a restart our seen-cache is empty. */
  has(id: Hex): boolean | Promise<boolean>
  deliver(statement: AnyStatement, bytes: Uint8Array, from: Road): Promise<void>
  /** @default everything */
  relays?: ((statement: AnyStatement) => boolean) | undefined
  onRefused?: ((refused: Refused) => void) | undefined
  counters: Counters
  log: Logger
  limits?: typeof QUEUE_LIMITS
}

/** The one door: what comes by gossip and what comes from a peer's log passes the same rules and the same queue. */
export interface Intake {
  receive(kind: StatementKind, bytes: Uint8Array, from: Road): Promise<Outcome>
  /** A pull can wait where gossip cannot: resolves when the kind has room again. */
  waitForRoom(kind: StatementKind, options: { signal: AbortSignal }): Promise<void>
  queued(): number
  stop(): Promise<void>
}

export function createIntake(deps: IntakeDeps): Intake {
  const { context, counters, log } = deps
  const judge = createJudge(deps)
  /** In a row. */
  let undelivered = 0
  const queue = createDeliveryQueue<ValidStatement & { bytes: Uint8Array; from: Road }>(async (item) => {
    try {
      await deps.deliver(item.statement, item.bytes, item.from)
      counters.add(`delivered.${item.statement.kind}`)
      if (undelivered > 0) log.info('statements are delivered again', { undelivered })
      undelivered = 0
    } catch (error) {
      // It was not kept, so it must be able to come again.
      context.seen.ids.delete(item.id)
      item.claim.unmark()
      counters.add(`undelivered.${item.statement.kind}`)
      // The first is told, then every hundredth: a disk that is full for a day must not fill the log of lines.
      if (undelivered++ % 100 === 0)
        log.error('a valid statement could not be delivered', { kind: item.statement.kind, id: item.id, error: messageOf(error) })
    }
  }, deps.limits)

  async function take(kind: StatementKind, bytes: Uint8Array, from: Road): Promise<{ relay: boolean }> {
    // [REJECT] Before the bytes are even hashed: they are longer than any statement may be.
    rejectUnless(bytes.length <= maxBytesOf(kind), 'too-large', 'the statement is too long')

    // [IGNORE] We are busy. The pull offers it again.
    ignoreUnless(queue.hasRoom(kind), 'queue-full', 'the queue is full')

    // [IGNORE] Accepted since the start, or kept on disk before it.
    const id = idOf(bytes)
    const known = context.seen.ids.get(id) !== undefined || (await deps.has(id))
    ignoreUnless(!known, 'known', 'the statement is kept already')

    // From here to the marks nothing waits, so that two copies at once cannot both pass.
    const valid = validateStatement(context, kind, bytes, from, id)
    ignoreUnless(queue.push(kind, { ...valid, bytes, from }), 'queue-full', 'the queue is full')
    context.seen.ids.set(valid.id, true, context.nowSec() + ID_SECONDS)
    valid.claim.mark()
    return { relay: deps.relays?.(valid.statement) ?? true }
  }

  return {
    receive: (kind, bytes, from) => judge({ kind, bytes, road: from }, () => take(kind, bytes, from)),
    waitForRoom: queue.waitForRoom,
    queued: queue.size,
    stop: queue.stop,
  }
}
