// The program as it is, with one more signal: SIGUSR2 collects all garbage, so that what /metrics says of the heap is what is really held.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', () => collect())

await import('../../bin/fisherman.mjs')
