import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Bytes of bodies after which young garbage is collected. A socket brings each 64 KiB in a buffer of its own, and V8 counts those towards a limit of
 * 64 MiB: beyond it, some three times a second, it marks the whole heap in steps of up to 12 ms, in which nothing passes. Collected early they never
 * grow old and never come near the limit; that takes 0.4 ms. With 4 MiB a copy on its way to the disk outlives two collections and grows old after all.
 */
const EVERY_BYTES = 2 << 20

/** Told of all that passes; collects between two turns of the loop. */
export interface YoungCollector {
  passed(bytes: number): void
}

/** `collect` is for tests. */
export function createYoungCollector(collect: () => void = collectorOf()): YoungCollector {
  let bytes = 0
  let isDue = false
  return {
    passed(more) {
      bytes += more
      if (bytes < EVERY_BYTES || isDue) return
      isDue = true
      // Not in the middle of a piece that is being passed on.
      setImmediate(() => {
        bytes = 0
        isDue = false
        collect()
      })
    },
  }
}

/** V8's own collector, which programs see with a flag only. Where it cannot be had nothing is collected early. */
function collectorOf(): () => void {
  try {
    setFlagsFromString('--expose-gc')
    const gc: unknown = runInNewContext('gc')
    return typeof gc === 'function' ? () => gc({ type: 'minor' }) : () => undefined
  } catch {
    return () => undefined
  }
}
