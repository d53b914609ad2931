import { setMaxListeners } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Time, injected everywhere, so that a test can hold it still. */
export interface Clock {
  /** Wall clock, Unix milliseconds; for people and for other machines. */
  nowMs(): number
  /** Never goes back; milliseconds since an arbitrary start. For durations and timers. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** Waits; rejects with the signal's reason when aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', stop, { once: true })
  })
}

/** Lets everything else that is due go first, sockets and timers too: for loops whose length others choose. */
export function breathe(): Promise<void> {
  return nextTurn()
}

/**
 * A signal that fires with its parent or after `ms`, whichever is first; nothing of it is left at the parent after `ms`. `AbortSignal.any` leaves an
 * entry there for as long as the parent lives, in Node 20, and a daemon's lives for months.
 */
export function deadline(ms: number, parent?: AbortSignal): AbortSignal {
  if (!parent) return AbortSignal.timeout(ms)
  const own = new AbortController()
  if (parent.aborted) {
    own.abort(parent.reason)
    return own.signal
  }
  // As many wait as there are requests under way; that is no leak.
  setMaxListeners(0, parent)
  const onAbort = () => {
    clearTimeout(timer)
    own.abort(parent.reason)
  }
  const timer = setTimeout(() => {
    parent.removeEventListener('abort', onAbort)
    own.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  }, ms)
  timer.unref()
  parent.addEventListener('abort', onAbort, { once: true })
  return own.signal
}

/** Works under a signal that fires with the first of these; nothing of it is left at them when the work has ended. */
export async function withEither<T>(signals: readonly AbortSignal[], work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController()
  const links = signals.map((signal) => {
    const onAbort = () => own.abort(signal.reason)
    if (signal.aborted) onAbort()
    setMaxListeners(0, signal)
    signal.addEventListener('abort', onAbort, { once: true })
    return () => signal.removeEventListener('abort', onAbort)
  })
  try {
    return await work(own.signal)
  } finally {
    for (const unlink of links) unlink()
  }
}

/** Runs `task` at once and then again `everyMs` after each end, until aborted. A throw is handed to `onError` and the loop goes on. */
export async function repeat(
  everyMs: number,
  task: (signal: AbortSignal) => Promise<void>,
  options: { signal: AbortSignal; onError: (error: unknown) => void },
): Promise<void> {
  const { signal, onError } = options
  while (!signal.aborted) {
    try {
      await task(signal)
    } catch (error) {
      if (signal.aborted) return
      onError(error)
    }
    await sleep(everyMs, signal).catch(() => undefined)
  }
}
