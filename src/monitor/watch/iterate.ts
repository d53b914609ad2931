import { tmpdir } from 'node:os'
import { systemClock } from '../../base/clock.ts'
import { programPath } from '../../config/paths.ts'
import { domainOf } from './domain.ts'
import { follow } from './follow.ts'
import type { WatchCounts, WatchedProof, WatchOptions } from './types.ts'

interface Handed {
  proof: WatchedProof
  /** The consumer has seen it. */
  done(): void
}

/** Turns calls of `show` into a loop: each waits until the loop asks for the next one, so that nothing piles up here. */
export async function* watchInto(options: WatchOptions, counts: WatchCounts): AsyncGenerator<WatchedProof, void, undefined> {
  const { chainId, anchor, signal: outer, onEvent = () => undefined, ...init } = options
  const leaving = new AbortController()
  const signal = outer ? AbortSignal.any([outer, leaving.signal]) : leaving.signal
  let handed: Handed | undefined
  let ended = false
  let wake = (): void => undefined
  let drop = (_reason: unknown): void => undefined
  signal.addEventListener('abort', () => drop(signal.reason), { once: true })
  const running = follow(
    { ...init, domain: domainOf(chainId, anchor), scratchDir: tmpdir(), searchPath: programPath() },
    {
      clock: systemClock,
      onEvent,
      async show(proof) {
        signal.throwIfAborted()
        await new Promise<void>((resolve, reject) => {
          drop = reject
          handed = { proof, done: resolve }
          wake()
        })
      },
    },
    counts,
    { signal },
  ).finally(() => {
    ended = true
    wake()
  })
  // Thrown to the loop below.
  running.catch(() => undefined)
  try {
    for (;;) {
      const next = handed
      handed = undefined
      if (next) {
        yield next.proof
        next.done()
      } else if (ended) break
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
    await running
  } finally {
    leaving.abort(new Error('the loop was left'))
    await running.catch(() => undefined)
  }
}
