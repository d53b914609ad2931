import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes on the heap, once all garbage is gone. */
export function collected(): number {
  collect()
  return process.memoryUsage().heapUsed
}

/** Bytes that the heap has more of, once all garbage is gone; what the engine compiled and kept for itself meanwhile is among them. */
export function held<T>(make: () => T): { bytes: number; made: T } {
  const before = collected()
  const made = make()
  return { bytes: collected() - before, made }
}

/**
 * Bytes that the heap has more of after each round, at least. What a program keeps it keeps in every round; what the engine compiles and caches
 * for itself, hundreds of kilobytes at a time that is not foreseen, falls into one round or another.
 */
export async function leastHeld(rounds: number, make: (round: number) => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const before = collected()
    await make(round)
    least = Math.min(least, collected() - before)
  }
  return least
}
