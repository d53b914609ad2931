import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkAfterCrash, checkChain, checkWords, createLedger } from './check.ts'
import { POINTS, randomOf } from './points.ts'
import { type Cut, createCrashWorld } from './world.ts'

const HELP = `npm run test:crash -- [options]

Kills a real daemon on a local chain by SIGKILL, at each named point and then at random instants, and checks after each time that
nothing acknowledged is lost, nothing is signed or said twice, and no transaction stands on the chain twice.

  --runs N      how many times (default 1000; about 5 s each)
  --seed N      of the random instants (default 1)`

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

/** Instants are scattered over a start and the first checks after it. */
const LONGEST_MS = 6_000
const [runs, random] = [Number(values.runs), randomOf(Number(values.seed))]
const home = mkdtempSync(join(tmpdir(), 'fisherman-test-crash-'))
const world = await createCrashWorld(home)
const ledger = createLedger()
let failed: unknown
try {
  for (let i = 0; i < runs; i++) {
    const cut: Cut = i < POINTS.length ? { point: POINTS[i] as string } : { afterMs: Math.floor(random() * LONGEST_MS) }
    const { journal, hit } = await world.run(cut)
    await checkAfterCrash(world, journal, ledger)
    checkWords(world)
    if (i < POINTS.length || (i + 1) % 20 === 0)
      console.log(
        `${i + 1} of ${runs}: ${'point' in cut ? `${cut.point}${hit ? '' : ' (not reached)'}` : `${cut.afterMs} ms`}, ok`,
      )
  }
  const sent = await checkChain(world)
  console.log(
    `${runs} kills: ${ledger.entries.size} acknowledged entries are there, ${ledger.signed.size} things signed once, ${sent} transactions stand once`,
  )
} catch (error) {
  failed = error
  console.error(error, `\nwhat is left: ${home}`)
} finally {
  await world.stop()
}
if (failed === undefined) rmSync(home, { recursive: true, force: true })
process.exit(failed === undefined ? 0 : 1)
