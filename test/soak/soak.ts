import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hex } from '../../proofs/types.ts'
import type { Behaviour } from '../../src/devnet/work.ts'
import { randomOf } from '../crash/points.ts'
import { type Account, type Heads, missingFaults, settleAccount } from './account.ts'
import { LINES, QUOTAS } from './fisherman.ts'
import { bytesIn, type Look, lookAt, naming } from './look.ts'
import { type Mischief, makeMischief } from './mischief.ts'
import { lowestOf, type Trend, trendOf } from './trend.ts'
import { createSoakWorld, type SoakWorld } from './world.ts'

export interface SoakInit {
  home: string
  minutes: number
  seed: number
  fishermen: number
  behaviours: readonly Behaviour[]
  /** Milliseconds between two segments of one stream. */
  everyMs: number
  /** Minutes after which memory counts. */
  warmUpMinutes: number
}

/** Heap that is held, as a share of what it was after the warm-up, in one hour; with 95 % limits. */
export interface Growth {
  startBytes: number
  perHour: number
  low: number
  high: number
  points: number
}

export interface SoakReport {
  ok: boolean
  complaints: string[]
  seconds: number
  seed: number
  mischief: Mischief
  /** Why no disk was filled; absent where some were. */
  noDisk?: string
  lives: Record<string, number>
  /** Of the fisherman that is never killed. */
  heap: Growth | undefined
  /** The same without the code that V8 made of it: what the program itself holds. */
  held: Growth | undefined
  first: Look | undefined
  last: Look | undefined
  /** Most of each over all fishermen. */
  most: {
    sockets: number
    files: number
    deleted: number
    children: number
    cacheBytes: number
    evidenceBytes: number
    lineBytes: number
  }
  account: Account
}

/** Growth of the heap that is too much: 5 % in an hour. */
export const MOST_GROWTH = 0.05
/** Minutes of one point: its lowest look. */
const SPAN_MINUTES = 0.5
/** Seconds that the last faults may take to be proven, after the mischief. */
const REST_SECONDS = 150
/** Windows after the last order in which its receipt may still come: the one that is open, and two for a node that is busy. */
const LAST_WINDOWS = 3n
/** Sockets and files that may come and go. */
const SLACK = 12

export async function runSoak(init: SoakInit, say: (line: string) => void): Promise<SoakReport> {
  const { home } = init
  const disks = Math.min(2, init.fishermen)
  // Each receipt of a node that passes the source through is a case for ever: a few of them are enough.
  const everyMs = (behaviour: Behaviour) => (behaviour === 'passthrough' ? 2 : 1) * init.everyMs
  const world = await createSoakWorld({ ...init, disks, everyMs })
  const complaints: string[] = []
  try {
    return await watch(init, world, say, complaints)
  } finally {
    await world.stop()
    const left = naming(home)
    if (left.length > 0) complaints.push(`${left.length} processes are left: ${left[0]?.command}`)
    say(complaints.length === 0 ? 'all is as it should be' : `${complaints.length} things are wrong:\n${complaints.join('\n')}`)
  }
}

async function watch(init: SoakInit, world: SoakWorld, say: (line: string) => void, complaints: string[]): Promise<SoakReport> {
  const { fishermen } = world
  await until('all fishermen are up', 90, async () => fishermen.every(({ reached }) => reached()))
  const startMs = performance.now()
  const minutesNow = () => (performance.now() - startMs) / 60_000
  const stop = new AbortController()
  const mischief = makeMischief({ fishermen, random: randomOf(init.seed), seconds: init.minutes < 5 ? 8 : 45 }, stop.signal)
  const heads: Heads = new Map()
  const looks: (readonly [minute: number, look: Look])[] = []
  const most = { sockets: 0, files: 0, deleted: 0, children: 0, cacheBytes: 0, evidenceBytes: 0, lineBytes: 0 }
  const everyMs = init.minutes < 5 ? 4_000 : 10_000

  async function look(): Promise<void> {
    const told: string[] = []
    for (const fisherman of fishermen) {
      const { name, party } = fisherman
      const at = fisherman.reached()
      const seen = at && (await lookAt(at))
      told.push(seen ? [...[seen.heap, seen.code].map(inMegabytes), seen.sockets, seen.files].join('/') : 'down')
      most.cacheBytes = Math.max(
        most.cacheBytes,
        bytesIn(join(party.dataDir, 'cache'), (file) => !file.endsWith('.part')),
      )
      most.evidenceBytes = Math.max(
        most.evidenceBytes,
        bytesIn(join(party.dataDir, 'bundles'), (file) => file.endsWith('.fishbundle')),
      )
      most.lineBytes = Math.max(
        most.lineBytes,
        bytesIn(join(init.home, 'logs'), (file) => file.startsWith(`${name}.own.log`)),
      )
      if (!at || !seen) continue
      for (const key of ['sockets', 'files', 'deleted', 'children'] as const) most[key] = Math.max(most[key], seen[key])
      if (fisherman === fishermen[0]) looks.push([minutesNow(), seen])
      const head = await headOf(at.url)
      if (head && head.size > 0) heads.set(name, [...(heads.get(name) ?? []), head].slice(-500))
    }
    const { kills, outages, fullDisks } = mischief.done
    const convicted = await world.convictions()
    say(
      `${minutesNow().toFixed(1)} min  heap MB/code MB/sockets/files ${told.join(' ')}  kills ${kills}, outages ${outages}, full disks ${fullDisks}  convicted ${convicted.size}`,
    )
  }

  while (minutesNow() < init.minutes) {
    await look()
    complaints.push(...world.dead())
    if (complaints.length > 0) break
    await sleep(everyMs)
  }
  stop.abort()
  await mischief.ended
  await world.stopOrders()
  say('no more mischief, no more orders: what was found must be proven now')
  // The last receipts lie in windows that are still open, and nobody knows of them before those are over.
  const { window: ordered = 0n } = await missingFaults(world)
  const isDone = async () => {
    const { faults, window } = await missingFaults(world)
    const isTold = window === undefined || window >= ordered + LAST_WINDOWS
    return isTold && faults.length === 0 && fishermen.every(({ reached }) => reached())
  }
  await until('all that is provable is proven', REST_SECONDS, isDone).catch((error: unknown) => complaints.push(String(error)))
  await look()
  await world.stopFishermen()
  const account = await settleAccount(world, heads)
  complaints.push(...account.complaints, ...fishermen.flatMap((fisherman) => fisherman.complaints))

  const settled = looks.filter(([minute]) => minute >= init.warmUpMinutes)
  const heap = growthOf(settled.map(([minute, { heap }]) => [minute, heap] as const))
  const held = growthOf(settled.map(([minute, { heap, code }]) => [minute, heap - code] as const))
  // A few looks say nothing of an hour: below five minutes it is a figure only.
  if (heap && init.minutes - init.warmUpMinutes >= 5 && heap.low > MOST_GROWTH)
    complaints.push(`the heap grows by ${percent(heap.perHour)} an hour, at least ${percent(heap.low)}`)
  for (const key of ['sockets', 'files', 'deleted'] as const) {
    const [early, late] = [middleOf(settled.slice(0, 6), key), middleOf(settled.slice(-6), key)]
    if (late > early + SLACK) complaints.push(`${key} that are open went from ${early} to ${late}`)
  }
  if (most.cacheBytes > QUOTAS.cacheBytes)
    complaints.push(`the cache held ${most.cacheBytes} bytes, its quota is ${QUOTAS.cacheBytes}`)
  // Evidence of open cases stays in any case.
  if (most.evidenceBytes > 3 * QUOTAS.evidenceBytes) complaints.push(`evidence held ${most.evidenceBytes} bytes`)
  if (most.lineBytes > (LINES.keep + 1) * LINES.maxBytes)
    complaints.push(`the log lines of one fisherman took ${most.lineBytes} bytes`)
  const noDisk = fishermen[0]?.noDisk
  return {
    ok: complaints.length === 0,
    complaints,
    seconds: Math.round(minutesNow() * 60),
    seed: init.seed,
    mischief: mischief.done,
    ...(noDisk === undefined ? {} : { noDisk }),
    lives: Object.fromEntries(fishermen.map(({ name, lives }) => [name, lives()])),
    ...{ heap, held },
    first: settled[0]?.[1],
    last: looks.at(-1)?.[1],
    most,
    account,
  }
}

function growthOf(points: readonly (readonly [minute: number, bytes: number])[]): Growth | undefined {
  const lowest = lowestOf(points, SPAN_MINUTES)
  const trend: Trend | undefined = trendOf(lowest)
  if (!trend) return undefined
  const startBytes = lowest.slice(0, 5).reduce((sum, [, bytes]) => sum + bytes, 0) / Math.min(5, lowest.length)
  const share = (perMinute: number) => (perMinute * 60) / startBytes
  const { slope, low, high } = trend
  return { startBytes, perHour: share(slope), low: share(low), high: share(high), points: trend.points }
}

function middleOf(looks: readonly (readonly [number, Look])[], key: 'sockets' | 'files' | 'deleted'): number {
  const sorted = looks.map(([, look]) => look[key]).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const inMegabytes = (bytes: number) => (bytes / 1e6).toFixed(1)

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

async function headOf(url: string): Promise<{ size: number; root: Hex } | undefined> {
  try {
    const answer = await fetch(`${url}/api/v1/log?limit=1`, { signal: AbortSignal.timeout(5_000) })
    return answer.ok ? ((await answer.json()) as { head: { size: number; root: Hex } }).head : undefined
  } catch {
    return undefined
  }
}

async function until(what: string, seconds: number, condition: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + seconds * 1000; !(await condition()); await sleep(500))
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
}
