import { setMaxListeners } from 'node:events'

/** One piece of work. Lower `priority` runs first; equal ones in the order of arrival. */
export interface Job {
  priority: number
  run(signal: AbortSignal): Promise<void>
  /** Called when it is pushed out by a more urgent one. */
  dropped?(): void
}

export interface WorkQueue {
  /** False when the queue is full and the job was dropped; the caller counts it. */
  add(job: Job): boolean
  size(): number
  running(): number
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>
  /** Drops what waits, aborts what runs, resolves when it has ended. */
  stop(): Promise<void>
}

export interface WorkQueueInit {
  concurrency: number
  /** Waiting jobs at most. A full queue drops the newest job of the least urgent kind, so that proofs outlive samples. */
  limit: number
  /** Called with what a job throws; a queue never stops for it. */
  onError(error: unknown): void
  /** Called when a waiting job is pushed out by a more urgent one. */
  onDrop?(job: Job): void
}

export function createQueue(init: WorkQueueInit): WorkQueue {
  const waiting: Job[] = []
  const active = new Set<Promise<void>>()
  const abort = new AbortController()
  setMaxListeners(0, abort.signal)
  let idlers: (() => void)[] = []

  const settle = () => {
    if (waiting.length > 0 || active.size > 0) return
    for (const resolve of idlers) resolve()
    idlers = []
  }

  const pump = () => {
    while (active.size < init.concurrency && !abort.signal.aborted) {
      const job = waiting.shift()
      if (!job) break
      const done = job
        .run(abort.signal)
        .catch((error: unknown) => {
          if (!abort.signal.aborted) init.onError(error)
        })
        .finally(() => {
          active.delete(done)
          pump()
          settle()
        })
      active.add(done)
    }
  }

  return {
    add(job) {
      if (abort.signal.aborted) return false
      if (waiting.length >= init.limit) {
        const last = waiting.at(-1)
        if (!last || last.priority <= job.priority) return false
        waiting.pop()
        last.dropped?.()
        init.onDrop?.(last)
      }
      const at = waiting.findIndex((other) => other.priority > job.priority)
      waiting.splice(at < 0 ? waiting.length : at, 0, job)
      pump()
      return true
    },
    size: () => waiting.length,
    running: () => active.size,
    idle: () => new Promise((resolve) => (waiting.length === 0 && active.size === 0 ? resolve() : idlers.push(resolve))),
    async stop() {
      waiting.length = 0
      abort.abort(new Error('queue stopped'))
      await Promise.all(active)
      settle()
    },
  }
}
