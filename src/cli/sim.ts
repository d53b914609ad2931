import { FishermanError } from '../base/errors.ts'
import { table } from '../devnet/demo-report.ts'
import { reportOf, type SimReport } from '../sim/report.ts'
import { DEFAULTS, HOSTILE, type SimSettings, underAThird } from '../sim/settings.ts'
import { type SimDeps, simulate } from '../sim/sim.ts'
import { complain, usage } from './complain.ts'
import type { SimOptions } from './sim.options.ts'

export function simCommand(options: SimOptions): number {
  const bar = process.stderr.isTTY ? progress(process.stderr) : undefined
  try {
    const settings = settingsOf(options)
    const report = reportOf(simulate(settings, bar ? { onProgress: bar.show } : {}))
    bar?.clear()
    process.stdout.write(
      options.json ? `${JSON.stringify({ settings, ...report })}\n` : `${linesOf(settings, report).join('\n')}\n`,
    )
    return report.claims.some(({ holds }) => holds === false) ? 1 : 0
  } catch (error) {
    bar?.clear()
    if (!(error instanceof FishermanError)) throw error
    complain('sim', error)
    return 2
  }
}

function settingsOf({ kinds, hostile, json: _, checkSeconds, ...options }: SimOptions): SimSettings {
  const count = hostile ?? underAThird(options.fishermen)
  if (count > options.fishermen) throw usage(`--hostile ${count}: there are only ${options.fishermen} fishermen`)
  return {
    ...{ ...DEFAULTS, ...options, hostile: count, hostileKinds: HOSTILE.filter((kind) => kinds.includes(kind)) },
    ...{ checkSeconds, replaySeconds: 4 * checkSeconds },
  }
}

const inDays = (value: number | null) =>
  value === null ? '-' : value < 0.1 ? `${(value * 24).toFixed(1)} h` : `${value.toFixed(2)} d`

export function linesOf(settings: SimSettings, report: SimReport): string[] {
  const { honest, cost } = report
  const nodes = report.kinds.map((row) => [
    ...[row.kind, row.nodeDays.toFixed(1), String(row.samples), String(row.convicted), String(row.cutOff)],
    ...[inDays(row.days.median), inDays(row.days.p95), inDays(row.days.p99)],
    ...[row.checksPerSample.toFixed(3), row.replaysPerDay.toFixed(1), String(row.alarms)],
  ])
  const trust = report.faults.map(({ fault, ofHonest, ofOthers }) => [fault, String(ofHonest), String(ofOthers)])
  const out = report.hostile.map(({ kind, outAfterDays }) => `${kind} ${outAfterDays === null ? 'never' : inDays(outAfterDays)}`)
  return [
    table([
      [
        'nodes',
        'node-days',
        'samples',
        'convicted',
        'cut off',
        'median',
        '95 %',
        '99 %',
        'checks/sample',
        'replays/day',
        'alarms',
      ],
      ...nodes,
    ]),
    '',
    ...(honest
      ? [
          `Honest nodes with bursty content${settings.hostile > 0 ? ' and framers that show what misleads the judge' : ''}: ${honest.convictions} convicted in ${honest.nodeYears} node-years`,
          `(95 %: ${honest.perNodeYear.low.toPrecision(2)} to ${honest.perNodeYear.high.toPrecision(2)} a node-year), with ${honest.burstyStreams} bursty streams and ${honest.badShown} failing segments shown to all.`,
        ]
      : []),
    `Cost: ${cost.gpuSecondsPerHour.toFixed(0)} GPU seconds an hour for the network, ${cost.gpuSecondsPerHourOfFisherman.toFixed(1)} for a fisherman; ${cost.gpuHoursPerDay.toFixed(1)} GPU hours a day.`,
    ...(trust.length > 0 ? ['', table([['faults of members', 'of honest ones', 'of others'], ...trust])] : []),
    ...(out.length > 0 ? [`Out of the trust of half of the honest members after: ${out.join(', ')}`] : []),
    '',
    ...report.claims.map(
      ({ claim, found, holds }) => `${holds === null ? '  ?  ' : holds ? '  ok ' : '  NO '} ${claim}: ${found}`,
    ),
  ]
}

/** One line that stays in its place. */
function progress(stream: NodeJS.WriteStream): { show: NonNullable<SimDeps['onProgress']>; clear(): void } {
  const WIDTH = 30
  let last = ''
  return {
    show(part, done, total) {
      const full = Math.round((WIDTH * done) / total)
      const line = `${part.padEnd(13)} [${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${done}/${total}`
      if (line.slice(0, -`${done}/${total}`.length) === last) return
      last = line.slice(0, -`${done}/${total}`.length)
      stream.write(`\r${line}\u001b[K`)
    },
    clear: () => void stream.write('\r\u001b[K'),
  }
}
