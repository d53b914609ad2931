import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { openProofLog } from '../../src/prooflog/log.ts'
import { together, verdictOf } from './log-load.ts'

const HELP = `npm run bench:log-year -- [options]

Writes a year of verdicts, each with the draw before it, into one proof log, prunes it every 30 days as a daemon would, and says how
large it gets: between two prunings, and at the end.

  --days N            days (default 365)
  --orchestrators N   (default 100), each with
  --samples N         samples a day (default 100)
  --keep-days N       what pruning keeps whole (default 30)
  --dir DIR           folder on the disk to measure (default: the system's temporary folder)`

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '365' },
    orchestrators: { type: 'string', default: '100' },
    samples: { type: 'string', default: '100' },
    'keep-days': { type: 'string', default: '30' },
    dir: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

const DAY_MS = 86_400_000
const PRUNE_EVERY_DAYS = 30
const [days, keepDays] = [Number(values.days), Number(values['keep-days'])]
const perDay = Number(values.orchestrators) * Number(values.samples)
const folder = mkdtempSync(join(values.dir, 'fisherman-bench-log-year-'))
let nowMs = Date.UTC(2026, 0, 1)
const log = await openProofLog({ folder, identity: 'bench' }, { clock: { ...systemClock, nowMs: () => nowMs } })
const gigabytes = (): number => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / 1e9

async function one(i: number): Promise<void> {
  const verdict = verdictOf(i)
  await log.append('sample', { transcoder: verdict.transcoder, index: i % 100, rendition: i % 3, windowId: String(i) })
  await log.append('verdict', verdict)
}

let peak = 0
try {
  const start = performance.now()
  for (let day = 0; day < days; day++) {
    const end = (day + 1) * perDay
    await together(perDay, (i) => one(day * perDay + i))
    nowMs += DAY_MS
    if ((day + 1) % PRUNE_EVERY_DAYS !== 0 && day + 1 !== days) continue
    const before = gigabytes()
    peak = Math.max(peak, before)
    const { entries } = await log.prune({ beforeMs: nowMs - keepDays * DAY_MS, forgetIdsBeforeMs: nowMs - keepDays * DAY_MS })
    console.log(
      `day ${day + 1}: ${end} verdicts, ${before.toFixed(2)} GB, ${gigabytes().toFixed(2)} GB after ${entries} entries were pruned`,
    )
  }
  const minutes = (performance.now() - start) / 60_000
  console.log(
    `${days * perDay} verdicts in ${log.head().size} entries: ${gigabytes().toFixed(2)} GB, at most ${peak.toFixed(2)} GB; ${minutes.toFixed(1)} min`,
  )
  if (days * perDay <= 500_000) console.log(`verify: ${(await log.verify()).ok ? 'ok' : 'DAMAGED'}`)
} finally {
  await log.close()
  rmSync(folder, { recursive: true, force: true })
}
