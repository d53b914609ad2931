import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkAfterCrash, checkCases, checkChain, checkWords, createLedger } from './check.ts'
import { POINTS, randomOf } from './points.ts'
import { type Cut, createCrashWorld } from './world.ts'

const HELP = `npm run test:crash -- [options]

Kills a real daemon on a local chain by SIGKILL, at each named point and then at random instants, and checks after each time that
nothing acknowledged is lost, nothing is signed or said twice, no transaction stands on the chain twice, and no case is lost.

  --runs N      how many times (default 500; about 5 s each)
  --random      only random points and instants: without it each named point comes first
  --seed N      of the random ones (default 1)`

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    random: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

/** Instants are scattered over a start and the first checks after it. */
const LONGEST_MS = 6_000
/** Kills between two lives that are left alone: all that was found before must be proven then. */
const REST_EVERY = 25
const [runs, random] = [Number(values.runs), randomOf(Number(values.seed))]
const home = mkdtempSync(join(tmpdir(), 'fisherman-test-crash-'))
const world = await createCrashWorld(home)
const ledger = createLedger()
let failed: unknown
let cases = 0

/** Each named point once, then points and instants by chance. */
function cutOf(i: number): Cut {
  const point = POINTS[values.random ? Math.floor(random() * POINTS.length) : i]
  const byPoint = point !== undefined && (!values.random || random() < 0.5)
  if (byPoint) return { point, count: values.random ? 1 + Math.floor(random() * 2) : 1 }
  return { afterMs: Math.floor(random() * LONGEST_MS) }
}

function nameOf(cut: Cut): string {
  if ('point' in cut) return cut.point
  return 'afterMs' in cut ? `${cut.afterMs} ms` : 'until all is proven'
}

try {
  for (let i = 0; i < runs; i++) {
    const cut = cutOf(i)
    const { journal, hit } = await world.run(cut)
    await checkAfterCrash(world, journal, ledger)
    checkWords(world)
    if (i < POINTS.length) console.log(`${i + 1} of ${runs}: ${nameOf(cut)}${hit ? '' : ' (not reached)'}, ok`)
    if ((i + 1) % REST_EVERY !== 0) continue
    cases = await checkCases(world, ledger)
    console.log(`${i + 1} of ${runs}: ${cases} cases found so far, all proven`)
  }
  const sent = await checkChain(world)
  console.log(
    `${runs} kills: ${ledger.entries.size} acknowledged entries are there, ${ledger.signed.size} things signed once, ${sent} transactions stand once, ${cases} cases proven`,
  )
} catch (error) {
  failed = error
  console.error(error, `\nwhat is left: ${home}`)
} finally {
  await world.stop()
}
if (failed === undefined) rmSync(home, { recursive: true, force: true })
process.exit(failed === undefined ? 0 : 1)
