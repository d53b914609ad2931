import { systemClock } from '../base/clock.ts'

/** A terminal and npm may both pass on one Ctrl-C; on a busy machine the second time comes late. */
const SAME_MS = 1_000

/**
 * A signal that fires with the first Ctrl-C, SIGTERM or SIGHUP; the second one ends the process at once. With `onHangUp` a SIGHUP means that instead,
 * for a daemon.
 */
export function untilSignal(onHangUp?: () => void): AbortSignal {
  const abort = new AbortController()
  let firstMs: number | undefined
  if (onHangUp) process.on('SIGHUP', onHangUp)
  for (const name of onHangUp ? (['SIGINT', 'SIGTERM'] as const) : (['SIGINT', 'SIGTERM', 'SIGHUP'] as const))
    process.on(name, () => {
      const nowMs = systemClock.monotonicMs()
      firstMs ??= nowMs
      if (nowMs - firstMs > SAME_MS) process.exit(130)
      abort.abort(new Error(`stopped by ${name}`))
    })
  return abort.signal
}
