import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that the heap has more of, once all garbage is gone. */
export function held<T>(make: () => T): { bytes: number; made: T } {
  collect()
  const before = process.memoryUsage().heapUsed
  const made = make()
  collect()
  return { bytes: process.memoryUsage().heapUsed - before, made }
}
