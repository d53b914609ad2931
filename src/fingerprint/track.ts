import type { Planes } from '../transcode/types.ts'
import { gradientOf, gridOf, median, qualityOf, rmseOf } from './luma.ts'
import type { ContentFacts } from './types.ts'

/** A track made ready for comparison; done once for a source, however many renditions it has. */
export interface Track {
  frames: number
  timesMs: Float64Array
  luma: Float32Array[]
  u: Float32Array[]
  v: Float32Array[]
  /** Median distance of two frames in milliseconds. */
  stepMs: number
  /** No two frames are much further apart than others. */
  steady: boolean
}

export interface SourceTrack extends Track {
  /** PDQ quality of each frame. */
  quality: number[]
  gradient: Float32Array[]
  /** Gradient of U plus that of V. */
  chromaGradient: Float32Array[]
  /** Frames apart at which the source is seen to move; slow scenes need more than one. */
  lag: number
  /** Pairs of frames that far apart which differ by at least `MOVES`. */
  moving: number
}

/** RMSE in levels between two frames that counts as motion: twice what sensor noise makes of a 64x36 grid. */
export const MOVES = 1
/** Pairs that must move for a lag to be used; the same number that the time test needs. */
const ENOUGH = 8
const LAGS = [1, 2, 4, 8, 16]

function movingAt(luma: readonly Float32Array[], lag: number): number {
  let moving = 0
  for (let i = lag; i < luma.length; i++) {
    const a = luma[i]
    const b = luma[i - lag]
    if (a && b && rmseOf(a, b) >= MOVES) moving++
  }
  return moving
}

/** The shortest lag at which the scene moves: in a slow one neighbours are equal even in honest work. */
function lagOf(luma: readonly Float32Array[]): { lag: number; moving: number } {
  const counts = LAGS.map((lag) => ({ lag, moving: movingAt(luma, lag) }))
  return counts.find(({ moving }) => moving >= ENOUGH) ?? { lag: 1, moving: Math.max(...counts.map(({ moving }) => moving)) }
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
  return {
    frames: planes.frames,
    timesMs,
    luma: gridOf(planes, 0),
    u: gridOf(planes, 1),
    v: gridOf(planes, 2),
    stepMs,
    steady: steps.every((step) => step < 1.3 * stepMs),
  }
}

export function sourceTrackOf(planes: Planes): SourceTrack {
  const track = trackOf(planes)
  return {
    ...track,
    ...lagOf(track.luma),
    quality: track.luma.map((_, n) => qualityOf(planes, n)),
    gradient: track.luma.map((grid) => gradientOf(grid)),
    chromaGradient: track.u.map((grid, n) => {
      const v = track.v[n]
      const slope = v && gradientOf(v)
      return gradientOf(grid).map((value, i) => value + (slope?.[i] ?? 0))
    }),
  }
}

export function contentOf(source: SourceTrack): ContentFacts {
  const deviations = source.luma.map((grid) => {
    const mean = grid.reduce((a, b) => a + b, 0) / grid.length
    return Math.sqrt(grid.reduce((sum, x) => sum + (x - mean) ** 2, 0) / grid.length)
  })
  const first = source.luma[0]
  const excursion = source.luma.reduce((most, grid) => (first ? Math.max(most, rmseOf(grid, first)) : most), 0)
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
