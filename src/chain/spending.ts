import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { type Limits, mostOf, refusalByLimits, refusalOfGas, usageOf } from './limits.ts'
import type { Offer } from './transactor.ts'
import type { CaseView, Intent, IntentStore } from './types.ts'

/** Every offer is held against the operator's limits before it is signed: the first of a transaction, and each dearer one. */
export interface Spending {
  /** Why new work may not be sent at this offer, in one line that says what to do; undefined where it may. */
  refusalOf(work: Pick<Intent, 'action' | 'bond'>, offer: Offer, from: Hex): string | undefined
  /** Whether the limits keep this offer from taking the place of the newest variant. Said once in the log, and anew after it could rise. */
  holdsBack(intent: Intent, offer: Offer, from: Hex): boolean
  /** It came to its end. */
  forget(id: string): void
}

export interface SpendingDeps {
  clock: Clock
  log: Logger
  intents: Pick<IntentStore, 'all'>
  cases?(): readonly CaseView[]
}

/** Allows everything without limits. */
export function createSpending(limits: Limits | undefined, deps: SpendingDeps): Spending {
  const { clock, log, intents } = deps
  const told = new Set<string>()
  const usage = (from: Hex, feeNow?: bigint) => usageOf(intents.all(), deps.cases?.() ?? [], from, clock.nowMs(), feeNow)

  return {
    refusalOf({ action, bond }, offer, from) {
      if (!limits) return undefined
      const plan = { action, gasWei: mostOf(offer), ...(bond === undefined ? {} : { bond }) }
      return refusalByLimits(limits, usage(from, offer.maxFeePerGas), plan)
    },
    holdsBack({ id, action, faultId, nonce, variants }, offer, from) {
      const last = variants.at(-1)
      const reason = limits && refusalOfGas(limits, usage(from), mostOf(offer) - (last ? mostOf(last) : 0n))
      if (reason === undefined) {
        told.delete(id)
        return false
      }
      if (!told.has(id))
        log.warn('Transaction not mined in time, and money for a higher fee is refused: it waits, and its case may be lost', {
          ...{ action, faultId, nonce, reason },
        })
      told.add(id)
      return true
    },
    forget: (id) => void told.delete(id),
  }
}
