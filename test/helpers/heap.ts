import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes on the heap, once all garbage is gone. */
export function collected(): number {
  collect()
  return process.memoryUsage().heapUsed
}

/** Bytes that the heap has more of, once all garbage is gone. */
export function held<T>(make: () => T): { bytes: number; made: T } {
  const before = collected()
  const made = make()
  return { bytes: collected() - before, made }
}
