// The program as it is, with two things more. SIGUSR2 collects all garbage, so that what /metrics says of the heap is what is really held. And
// V8 translates what is used often after a tenth of its usual budget: a daemon at this pace goes on being translated for most of an hour (0.85 MB
// of the 0.88 that a heap grew by between minutes 40 and 60), and that growth, which ends by itself, would hide the other kind.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--interrupt-budget=6758')
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', () => collect())

await import('../../bin/fisherman.mjs')
