import { setTimeout as sleep } from 'node:timers/promises'
import type { Fisherman } from './fisherman.ts'
import { WEATHERS } from './proxy.ts'

/** What was done to the fishermen so far. */
export interface Mischief {
  kills: number
  outages: number
  fullDisks: number
}

export interface MischiefInit {
  fishermen: readonly Fisherman[]
  random(): number
  /** Seconds between two, and that one lasts, at most. */
  seconds: number
}

/** The first one is never killed: its memory is what a long run is judged by. */
const SPARED = 1

/** Kills, outages and full disks by chance, until aborted; then all is well again. */
export function makeMischief(
  { fishermen, random, seconds }: MischiefInit,
  signal: AbortSignal,
): { done: Mischief; ended: Promise<void> } {
  const done: Mischief = { kills: 0, outages: 0, fullDisks: 0 }
  const some = (from: number, to: number) => from + random() * (to - from)
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const pause = (time: number) => sleep(time * 1000, undefined, { signal }).catch(() => undefined)
  const busy = new Set<string>()
  const lasting = new Set<Promise<void>>()

  /** For a while; one of a kind at a time on each fisherman. */
  function during(name: string, start: () => boolean, end: () => void, count: () => void): void {
    if (busy.has(name) || !start()) return
    busy.add(name)
    count()
    const one = pause(some(seconds / 4, seconds)).then(() => {
      end()
      busy.delete(name)
      lasting.delete(one)
    })
    lasting.add(one)
  }

  function outage(those: readonly Fisherman[]): void {
    const weather = oneOf(WEATHERS)
    for (const fisherman of those)
      during(
        `${fisherman.name} way`,
        () => {
          fisherman.setWeather(weather)
          return true
        },
        () => fisherman.setWeather('fine'),
        () => done.outages++,
      )
  }

  async function run(): Promise<void> {
    // Each kind comes first once, then by chance.
    for (let i = 0; !signal.aborted; i++) {
      await pause(some(seconds / 8, seconds / 2))
      if (signal.aborted) break
      const kind = i < 3 ? i : Math.floor(random() * 4)
      if (kind === 0 && oneOf(fishermen.slice(SPARED)).kill()) done.kills++
      else if (kind === 1)
        during('disk', ...onDisk(oneOf(fishermen.filter(({ noDisk }) => noDisk === undefined))), () => done.fullDisks++)
      else if (kind === 2) outage([oneOf(fishermen)])
      else if (kind === 3) outage(fishermen)
    }
    await Promise.all(lasting)
  }
  return { done, ended: run() }
}

function onDisk(fisherman: Fisherman | undefined): [() => boolean, () => void] {
  return [() => fisherman?.fillDisk() ?? false, () => fisherman?.freeDisk()]
}
