import type { StatementKind } from '../../proofs/codec.ts'

/**
 * Statements that may wait for the daemon, by kind. At most 4 KiB each, so 10 MB in all. Votes and proofs decide cases and are few; sealed and opened
 * answers come in bursts when a window closes.
 */
export const QUEUE_LIMITS: Readonly<Record<StatementKind, number>> = {
  window: 256,
  sealed: 512,
  answer: 512,
  vote: 1_024,
  'fraud-proof': 256,
  head: 256,
}

/** Delivered before anything else, in this order. Windows, seals and answers keep the order in which they came: a seal precedes its answer. */
const URGENT: readonly StatementKind[] = ['fraud-proof', 'vote']

export interface DeliveryQueue<T> {
  hasRoom(kind: StatementKind): boolean
  /** False, and nothing taken, when the kind's queue is full. */
  push(kind: StatementKind, item: T): boolean
  /** Resolves when the kind has room; rejects when the signal fires. */
  waitForRoom(kind: StatementKind, options: { signal: AbortSignal }): Promise<void>
  size(): number
  /** Nothing is taken any more; resolves when the delivery under way has ended. What still waits is dropped: the pull brings it again. */
  stop(): Promise<void>
}

/** Bounded queue between validation and the daemon, one delivery at a time. */
export function createDeliveryQueue<T>(
  deliver: (item: T) => Promise<void>,
  limits: Readonly<Record<StatementKind, number>> = QUEUE_LIMITS,
): DeliveryQueue<T> {
  const lanes: { kind: StatementKind; item: T }[][] = [...URGENT.map(() => []), []]
  const counts = new Map<StatementKind, number>()
  const waiting = new Set<() => void>()
  let running: Promise<void> | undefined
  let stopped = false

  const hasRoom = (kind: StatementKind) => !stopped && (counts.get(kind) ?? 0) < limits[kind]

  async function drain(): Promise<void> {
    for (;;) {
      const next = stopped ? undefined : lanes.find((lane) => lane.length > 0)?.shift()
      if (!next) break
      await deliver(next.item)
      counts.set(next.kind, (counts.get(next.kind) ?? 1) - 1)
      for (const wake of waiting) wake()
    }
    running = undefined
  }

  return {
    hasRoom,
    push(kind, item) {
      if (!hasRoom(kind)) return false
      const urgent = URGENT.indexOf(kind)
      lanes[urgent < 0 ? URGENT.length : urgent]?.push({ kind, item })
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      // In a later microtask: the caller marks the statement as seen before anyone acts on it.
      running ??= Promise.resolve().then(drain)
      return true
    },
    async waitForRoom(kind, { signal }) {
      while (!hasRoom(kind)) {
        signal.throwIfAborted()
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake)
            signal.removeEventListener('abort', wake)
            resolve()
          }
          waiting.add(wake)
          signal.addEventListener('abort', wake, { once: true })
        })
      }
    },
    size: () => lanes.reduce((sum, lane) => sum + lane.length, 0),
    async stop() {
      stopped = true
      await running
    },
  }
}
