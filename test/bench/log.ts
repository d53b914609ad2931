import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Level } from 'level'
import { verifyInclusion } from '../../proofs/log-tree.ts'
import { systemClock } from '../../src/base/clock.ts'
import { encodeEntry, entryHash } from '../../src/prooflog/entry.ts'
import { openProofLog } from '../../src/prooflog/log.ts'
import { together, verdictOf, WRITERS } from './log-load.ts'

const HELP = `npm run bench:log -- [options]

Times the proof log against plain synced puts of the same bytes into LevelDB, in the same run.

  --entries N   entries of the large log (default 1000000)
  --alone N     appends one after the other (default 2000)
  --dir DIR     folder on the disk to measure (default: the system's temporary folder)`

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    alone: { type: 'string', default: '2000' },
    dir: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

const folder = mkdtempSync(join(values.dir, 'fisherman-bench-log-'))

const at = (sorted: readonly number[], share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN

/** Milliseconds of each call, one after the other. */
async function alone(count: number, call: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await call(i)
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)
}

try {
  const [count, single] = [Number(values.entries), Number(values.alone)]
  const log = await openProofLog({ folder: join(folder, 'log'), identity: 'bench' }, { clock: systemClock })
  const plain = new Level<string, string>(join(folder, 'plain'))
  const text = (i: number): string =>
    encodeEntry({ seq: i, prev: `0x${'0'.repeat(64)}`, at: 0, kind: 'verdict', payload: verdictOf(i) })
  const put = (i: number): Promise<unknown> => plain.put(String(i), text(i), { sync: true } as object)
  const add = (i: number): Promise<unknown> => log.append('verdict', verdictOf(i))
  console.log(`an entry has ${text(7).length} bytes`)
  const [puts, adds] = [await alone(single, put), await alone(single, add)]
  for (const share of [0.5, 0.99])
    console.log(
      `append, one at a time, p${share * 100}: ${at(adds, share).toFixed(2)} ms; plain put ${at(puts, share).toFixed(2)} ms`,
    )
  const some = Math.min(count, 50_000)
  const [putRate, addRate] = [await together(some, put), await together(some, add)]
  console.log(
    `${WRITERS} writers: ${addRate.toFixed(0)} entries/s; plain puts ${putRate.toFixed(0)}/s; ratio ${(putRate / addRate).toFixed(2)}`,
  )
  await together(Math.max(0, count - log.head().size), add)
  const { size, root } = log.head()
  const proofs = await alone(1_000, async (i) => {
    const index = (i * 7919) % size
    await log.proveInclusion(index)
  })
  console.log(`inclusion proof from ${size}: p50 ${at(proofs, 0.5).toFixed(2)} ms, p99 ${at(proofs, 0.99).toFixed(2)} ms`)
  const leaf = entryHash(encodeEntry(await log.read(5)))
  if (!verifyInclusion(leaf, 5, size, await log.proveInclusion(5), root)) throw new Error('a proof does not hold')
  const start = performance.now()
  const verified = await log.verify()
  console.log(`verify ${size} entries: ${((performance.now() - start) / 1000).toFixed(1)} s, ${verified.ok ? 'ok' : 'DAMAGED'}`)
  const opening = performance.now()
  await log.close()
  await (await openProofLog({ folder: join(folder, 'log') }, { clock: systemClock })).close()
  console.log(`close and open again: ${(performance.now() - opening).toFixed(0)} ms`)
  await plain.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
