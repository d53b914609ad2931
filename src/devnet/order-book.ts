import type { Hex } from '../../proofs/types.ts'
import type { Ledger } from '../feed/ledger.ts'
import type { SignedOrder } from './orders.ts'
import type { Issued } from './windows.ts'

/** Answers each order once: two receipts for one order with other bytes would be an equivocation. */
export interface OrderBook {
  /** The answer, given or under way; 'gone' when it was given and is no longer kept. */
  find(orderHash: Hex): Promise<Issued> | 'gone' | undefined
  /** Runs the work unless the order is known; a failed work may be tried again. */
  once(order: SignedOrder, work: () => Promise<Issued>): Promise<Issued>
  /** Forgets the answer but not that there was one, as long as the order is valid. */
  drop(issued: Issued): void
}

export function createOrderBook(ledger: Pick<Ledger, 'now'>): OrderBook {
  const answers = new Map<Hex, Promise<Issued>>()
  /** Orders whose answer is gone, with the time after which they are refused anyway. */
  const spent = new Map<Hex, bigint>()
  return {
    find: (orderHash) => answers.get(orderHash) ?? (spent.has(orderHash) ? 'gone' : undefined),
    once({ orderHash }, work) {
      const known = answers.get(orderHash)
      if (known) return known
      const answer = work().catch((error: unknown) => {
        answers.delete(orderHash)
        throw error
      })
      answers.set(orderHash, answer)
      return answer
    },
    drop({ receipt, order }) {
      answers.delete(receipt.orderHash)
      spent.set(receipt.orderHash, order.expiresAt)
      const now = ledger.now()
      for (const [hash, expiresAt] of spent) if (expiresAt <= now) spent.delete(hash)
    },
  }
}
