import { kindName } from './settings.ts'
import type { SimResult } from './sim.ts'
import { endedBy, quantile, rateBounds } from './survival.ts'

const CLAIMS: readonly { kind: string; share: number; days: number }[] = [
  { kind: 'cheats in 5 %', share: 0.99, days: 1.1 },
  { kind: 'cheats in 1 %', share: 0.99, days: 5.2 },
]
const CHECKS_A_SAMPLE = 1.15
const YEAR_DAYS = 365

export interface KindReport {
  kind: string
  nodeDays: number
  samples: number
  convicted: number
  /** Trials that the end of the simulation cut off. */
  cutOff: number
  /** Days until half, 95 % and 99 % of such nodes are convicted; null where too many were cut off. */
  days: { median: number | null; p95: number | null; p99: number | null }
  /** For the times that are promised: has the share that was promised been convicted by then? Null where luck may have decided. */
  inTime: Record<number, boolean | null>
  checksPerSample: number
  replaysPerDay: number
  alarms: number
}

export interface SimReport {
  kinds: KindReport[]
  honest: {
    nodeYears: number
    burstyStreams: number
    badShown: number
    convictions: number
    perNodeYear: { low: number; high: number }
  } | null
  /** Of honest and bursty nodes only: what peace costs. */
  checksPerSample: number
  cost: { gpuSecondsPerHour: number; gpuSecondsPerHourOfFisherman: number; gpuHoursPerDay: number }
  faults: SimResult['faults']
  hostile: { kind: string; outAfterDays: number | null }[]
  /** What was promised and what came out; null where this run cannot say. */
  claims: { claim: string; found: string; holds: boolean | null }[]
}

export function reportOf({ settings, kinds, honest, faults, hostile }: SimResult): SimReport {
  const { checkSeconds, replaySeconds, fishermen, days } = settings
  const rows = kinds.map(({ kind, trials, nodeDays, samples, checks, replays, alarms }): KindReport => {
    const at = (share: number) => quantile(trials, share) ?? null
    return {
      ...{ kind: kindName(kind), nodeDays, samples, alarms },
      convicted: trials.filter(({ ended }) => ended).length,
      cutOff: trials.filter(({ ended }) => !ended).length,
      inTime: Object.fromEntries(
        CLAIMS.filter((one) => one.kind === kindName(kind)).map((one) => [
          one.days,
          // The 99th of a hundred is one trial: with fewer it says nothing.
          trials.length < 100 ? null : (endedBy(trials, one.share, one.days) ?? null),
        ]),
      ),
      days: { median: at(0.5), p95: at(0.95), p99: at(0.99) },
      checksPerSample: samples === 0 ? 0 : checks / samples,
      replaysPerDay: nodeDays === 0 ? 0 : replays / nodeDays,
    }
  })
  const quiet = kinds.filter(({ kind }) => kind.name !== 'cheat')
  const sum = (of: (kind: SimResult['kinds'][number]) => number, over = kinds) => over.reduce((all, kind) => all + of(kind), 0)
  const checksPerSample =
    sum(({ checks }) => checks, quiet) /
    Math.max(
      1,
      sum(({ samples }) => samples, quiet),
    )
  const gpuSeconds = sum(({ checks, replays }) => checks * checkSeconds + replays * replaySeconds)
  const perHour = gpuSeconds / (24 * days)
  const report: SimReport = {
    kinds: rows,
    honest: honest ? { ...honest, perNodeYear: rateBounds(honest.convictions, honest.nodeYears) } : null,
    checksPerSample,
    cost: {
      gpuSecondsPerHour: perHour,
      gpuSecondsPerHourOfFisherman: perHour / fishermen,
      gpuHoursPerDay: (perHour * 24) / 3600,
    },
    faults,
    hostile: hostile.map(({ kind, outAfterDays }) => ({ kind, outAfterDays: outAfterDays ?? null })),
    claims: [],
  }
  return { ...report, claims: claimsOf(report) }
}

function claimsOf({ kinds, honest, checksPerSample, hostile }: SimReport): SimReport['claims'] {
  const ordinary = kinds.filter(({ kind }) => kind === 'honest' || kind === 'bursty')
  const framed = ordinary.reduce((all, { convicted }) => all + convicted, 0) + (honest?.convictions ?? 0)
  const isPeace = hostile.length === 0
  const years = ordinary.reduce((all, { nodeDays }) => all + nodeDays, 0) / YEAR_DAYS + (honest?.nodeYears ?? 0)
  return [
    ...CLAIMS.map(({ kind, share, days }) => {
      const row = kinds.find((one) => one.kind === kind)
      const found = row?.days.p99 ?? null
      const holds = row?.inTime[days] ?? null
      return {
        claim: `a node that ${kind} is convicted within ${days} days at ${share * 100} %`,
        found:
          found === null ? 'too many were cut off' : `${found.toFixed(2)} days${holds === null ? ', too few trials to say' : ''}`,
        holds,
      }
    }),
    {
      claim: 'no honest node is convicted',
      found: `${framed} in ${years.toFixed(1)} node-years`,
      holds: framed === 0,
    },
    {
      claim: `at most ${CHECKS_A_SAMPLE} checks a sample of honest nodes in peace`,
      found: checksPerSample.toFixed(3),
      // Members that take no part are waited for; the promise is about peace.
      holds: isPeace ? checksPerSample <= CHECKS_A_SAMPLE : null,
    },
  ]
}
