/** A signal that fires with the first Ctrl-C, SIGTERM or SIGHUP; the second one ends the process at once. */
export function untilSignal(): AbortSignal {
  const abort = new AbortController()
  let count = 0
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (++count > 1) process.exit(130)
      abort.abort(new Error(`stopped by ${name}`))
    })
  return abort.signal
}
