import type { StatementKind } from '../../proofs/codec.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Counters } from './counters.ts'
import { Refusal, type Refused } from './refusal.ts'
import type { Road } from './validate.ts'

/** `relay: false`: kept, and not passed on. */
export type Outcome = { answer: 'accept'; relay?: false } | { answer: 'ignore' | 'reject'; refusal: Refusal }

/**
 * The only place where a thrown rule becomes accept, ignore or reject, and the only one that counts and logs it. Whatever nobody foresaw is
 * a fault of ours and becomes an `ignore`: it must never cost a peer.
 */
export function createJudge(deps: { counters: Counters; log: Logger; onRefused?: ((refused: Refused) => void) | undefined }) {
  return async function judge(
    { kind, bytes, road }: { kind: StatementKind; bytes: Uint8Array; road: Road },
    rule: () => Promise<{ relay: boolean }>,
  ): Promise<Outcome> {
    try {
      const { relay } = await rule()
      deps.counters.add(`accepted.${kind}`)
      return relay ? { answer: 'accept' } : { answer: 'accept', relay }
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal('ignore', 'internal', 'validation failed', error)
      const { action, code } = refusal
      deps.counters.add(`${action === 'reject' ? 'rejected' : 'ignored'}.${kind}.${code}`)
      if (code === 'internal') deps.log.error('validation of a statement failed', { kind, road, error: messageOf(error) })
      else deps.log.debug('statement refused', { kind, road, action, code, reason: refusal.message })
      deps.onRefused?.({ kind, bytes, from: road, action, code, reason: refusal.message })
      return { answer: action, refusal }
    }
  }
}

export type Judge = ReturnType<typeof createJudge>
