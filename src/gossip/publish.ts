import { type AnyStatement, encodeStatement, type StatementKind } from '../../proofs/codec.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Counters } from './counters.ts'
import type { Quotas } from './quotas.ts'
import { Refusal } from './refusal.ts'
import { ID_SECONDS } from './seen.ts'
import { idOf, type ValidationContext, validateStatement } from './validate.ts'

export interface PublisherDeps {
  context: ValidationContext
  counters: Counters
  log: Logger
  /** What peers take from one signer by gossip; what goes beyond it is not sent to be ignored, but left to the pull. */
  quotas: Pick<Quotas, 'take'>
  /** Hands the payload to the router; the number of peers it went to. */
  send(kind: StatementKind, bytes: Uint8Array): Promise<number>
}

/** Sends our own statements. What is in our store is never lost by a failure here: peers pull it. */
export function createPublisher({ context, counters, log, quotas, send }: PublisherDeps) {
  return async function publish(statement: AnyStatement): Promise<{ recipients: number }> {
    const { kind } = statement
    const bytes = encodeStatement(statement)
    const id = idOf(bytes)
    try {
      validateStatement(context, kind, bytes, 'pull', id).claim.mark()
    } catch (error) {
      // Only what every peer would punish stops it; whether we are a member, or have said it before, is for the others to judge.
      if (!(error instanceof Refusal)) throw error
      if (error.action === 'reject') throw invalid(kind, error)
    }
    context.seen.ids.set(id, true, context.nowSec() + ID_SECONDS)
    if (!quotas.take('gossip', kind, statement.signer)) {
      counters.add(`held-back.${kind}`)
      return { recipients: 0 }
    }
    counters.add(`published.${kind}`)
    try {
      return { recipients: await send(kind, bytes) }
    } catch (error) {
      counters.add(`unsent.${kind}`)
      log.warn('a statement could not be sent, peers will pull it', { kind, id, error: messageOf(error) })
      return { recipients: 0 }
    }
  }
}

function invalid(kind: StatementKind, cause: Refusal): FishermanError {
  const message = `A ${kind} statement of ours is invalid and was not sent: ${cause.message}.`
  return new FishermanError({ code: 'statement-invalid', message, blame: 'ours', details: { kind, rule: cause.code }, cause })
}
