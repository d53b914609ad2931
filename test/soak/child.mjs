// The program as it is, with one thing more. SIGUSR2 collects all garbage, so that what /metrics says of the heap is what is really held, and
// writes how much of that is code that V8 made beside the configuration: a daemon at this pace goes on being translated for more than an hour (of
// 2.3 MB that a heap grew by between minutes 17 and 25, 1.1 were machine code and what belongs to it), which ends by itself and is not the program's.
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
