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

/** A signal that fires with its parent or after `ms`, whichever is first. */
export function deadline(ms: number, parent?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(ms)
  return parent ? AbortSignal.any([parent, timeout]) : timeout
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
