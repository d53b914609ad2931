// The program as it is, with one thing more. SIGUSR2 collects all garbage, so that what /metrics says of the heap is what is really held, and
// writes beside the configuration how much of that is code that V8 made: it goes on translating a daemon at this pace for more than an hour (of
// 2.3 MB that a heap grew by between minutes 17 and 25, 1.0 were machine code and what belongs to it).
import { renameSync, writeFileSync } from 'node:fs'
import { getHeapCodeStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
const file = `${process.argv[process.argv.indexOf('--config') + 1]}.code`
process.on('SIGUSR2', () => {
  collect()
  const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics()
  writeFileSync(`${file}.new`, JSON.stringify(code + bytecode))
  renameSync(`${file}.new`, file)
})

await import('../../bin/fisherman.mjs')
