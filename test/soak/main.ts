import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { percent, runSoak } from './soak.ts'

const HELP = `npm run test:soak -- [options]

Runs a network of processes on a local chain, whose clocks go 15 times as fast as those of a public network (windows of 4 s for 60 s), and kills
fishermen, cuts or disturbs their way to the chain, and fills their disks, by chance. Then nothing may be missing: each provable fault is on the
chain once, each log holds, nothing was said twice, and memory, files, sockets and processes did not grow.

  --minutes N   of mischief (default 30); a quiet end comes after it
  --warm-up N   minutes after which memory counts (default: half of it, 15 at most)
  --seed N      of all that is random (default 1)
  --every N     milliseconds between two segments of a stream (default 6000)
  --report FILE where the report is written as JSON (default: standard output)`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'warm-up': { type: 'string' },
    seed: { type: 'string', default: '1' },
    every: { type: 'string', default: '6000' },
    report: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const minutes = Number(values.minutes)
const warmUpMinutes = values['warm-up'] === undefined ? Math.min(15, minutes / 2) : Number(values['warm-up'])
const home = mkdtempSync(join(tmpdir(), 'fisherman-test-soak-'))
const report = await runSoak(
  {
    ...{ home, minutes, warmUpMinutes, seed: Number(values.seed), everyMs: Number(values.every) },
    ...{ fishermen: 3, behaviours: ['honest', 'passthrough', 'freeze'] },
  },
  (line) => console.error(line),
)
const text = `${JSON.stringify(report, undefined, 2)}\n`
if (values.report === undefined) process.stdout.write(text)
else writeFileSync(values.report, text)
for (const [what, growth] of [
  ['heap', report.heap],
  ['heap without code', report.held],
] as const)
  if (growth) {
    const { perHour, low, high, startBytes } = growth
    const from = `${(startBytes / 1e6).toFixed(1)} MB`
    console.error(`${what}: ${percent(perHour)} an hour of ${from} (95 %: ${percent(low)} to ${percent(high)})`)
  }
if (report.ok) rmSync(home, { recursive: true, force: true })
else console.error(`what is left: ${home}`)
process.exit(report.ok ? 0 : 1)
