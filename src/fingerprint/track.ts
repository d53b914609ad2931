import { median } from '../base/median.ts'
import type { Planes } from '../transcode/types.ts'
import { CELLS, type Grid, GridStore } from './grids.ts'
import { qualityOf, UNITS } from './luma.ts'
import type { ContentFacts } from './types.ts'

/** A track made ready for comparison. */
export interface Track {
  frames: number
  planes: Planes
  timesMs: Float64Array
  /** Median distance of two frames in milliseconds. */
  stepMs: number
  /** No two frames are much further apart than others. */
  steady: boolean
}

/** A source, prepared once, however many renditions it has. */
export interface SourceTrack extends Track {
  /** Grids of each frame, numbered by `sourceGrid`. */
  store: GridStore
  /** PDQ quality of each frame. */
  quality: number[]
  /** Frames apart at which the source is seen to move; slow scenes need more than one. */
  lag: number
  /** Pairs of frames that far apart which differ by at least `MOVES`. */
  moving: number
}

/** Y, U, V, the gradient of Y, and that of U plus that of V. */
export const SOURCE_GRIDS = ['y', 'u', 'v', 'slope', 'chromaSlope'] as const

export function sourceGrid(frame: number, channel: (typeof SOURCE_GRIDS)[number]): Grid {
  return frame * SOURCE_GRIDS.length + SOURCE_GRIDS.indexOf(channel)
}

/** RMSE in levels between two frames that counts as motion: twice what sensor noise makes of a 64x36 grid. */
export const MOVES = 1
/** Pairs that must move for a lag to be used; the same number that the time test needs. */
const ENOUGH = 8
const LAGS = [1, 2, 4, 8, 16]

/** Root of the mean squared difference of two frames of the source, in levels. */
export function motionOf({ store }: Pick<SourceTrack, 'store'>, a: number, b: number): number {
  return store.rmse(sourceGrid(a, 'y'), sourceGrid(b, 'y'))
}

function movingAt(source: Pick<SourceTrack, 'store' | 'frames'>, lag: number): number {
  let moving = 0
  for (let i = lag; i < source.frames; i++) if (motionOf(source, i, i - lag) >= MOVES) moving++
  return moving
}

/** The shortest lag at which the scene moves: in a slow one neighbours are equal even in honest work. */
function lagOf(source: Pick<SourceTrack, 'store' | 'frames'>): { lag: number; moving: number } {
  let most = 0
  for (const lag of LAGS) {
    const moving = movingAt(source, lag)
    if (moving >= ENOUGH) return { lag, moving }
    most = Math.max(most, moving)
  }
  return { lag: 1, moving: most }
}

/** Times without gaps: where the container gave none, frames are taken as evenly spaced in the order of display. */
function cleanTimes(times: Float64Array, frames: number): Float64Array {
  const usable = times.length >= frames && times.every((t, i) => Number.isFinite(t) && (i === 0 || t > (times[i - 1] ?? 0)))
  return usable ? times : Float64Array.from({ length: frames }, (_, i) => i * 40)
}

export function trackOf(planes: Planes): Track {
  const timesMs = cleanTimes(planes.timesMs, planes.frames)
  const steps = Array.from(timesMs.slice(1, planes.frames), (t, i) => t - (timesMs[i] ?? 0))
  const stepMs = steps.length > 0 ? median(steps) : 40
  return { frames: planes.frames, planes, timesMs, stepMs, steady: steps.every((step) => step < 1.3 * stepMs) }
}

export function sourceTrackOf(planes: Planes): SourceTrack {
  const { frames } = planes
  const store = new GridStore()
  store.reserve(frames * SOURCE_GRIDS.length)
  const quality: number[] = []
  for (let n = 0; n < frames; n++) {
    store.load(planes, n, sourceGrid(n, 'y'))
    store.gradient([sourceGrid(n, 'y')], sourceGrid(n, 'slope'))
    store.gradient([sourceGrid(n, 'u'), sourceGrid(n, 'v')], sourceGrid(n, 'chromaSlope'))
    quality.push(qualityOf(planes, n))
  }
  return { ...trackOf(planes), store, quality, ...lagOf({ store, frames }) }
}

/** Standard deviation of a grid, in levels. */
function deviationOf(cells: Int16Array): number {
  let sum = 0
  let squares = 0
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i] ?? 0
    sum += cell
    squares += cell * cell
  }
  return Math.sqrt(Math.max(0, squares / CELLS - (sum / CELLS) ** 2)) / UNITS
}

export function contentOf(source: SourceTrack): ContentFacts {
  const frames = Array.from({ length: source.frames }, (_, n) => n)
  const deviations = frames.map((n) => deviationOf(source.store.cells(sourceGrid(n, 'y'))))
  const excursion = frames.reduce((most, n) => Math.max(most, motionOf(source, n, 0)), 0)
  return { quality: median(source.quality), contrast: median(deviations), moving: source.moving, lag: source.lag, excursion }
}

/** Index of the source frame nearest to a time. */
export function nearest(track: Track, timeMs: number): number {
  let low = 0
  let high = track.frames - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((track.timesMs[middle] ?? 0) < timeMs) low = middle + 1
    else high = middle
  }
  const before = low - 1
  if (before >= 0 && timeMs - (track.timesMs[before] ?? 0) <= (track.timesMs[low] ?? 0) - timeMs) return before
  return low
}
