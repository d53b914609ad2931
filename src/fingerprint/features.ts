import { CELLS, rmseOf, ssimOf } from './luma.ts'
import { nearest, type SourceTrack, type Track } from './track.ts'
import type { Features } from './types.ts'

/** PDQ quality below which the structure of a picture is mostly noise, and SSIM says nothing (perceptual research, measure 2). */
const SSIM_QUALITY = 10
/** RMSE in levels between neighbours of the source that counts as motion for the time test. */
const MOVES = 1
/** A rendition frame stands still where it changes by less than this share of what the source changes. */
const STILL_SHARE = 0.12
/** Offsets tried by the shift test, in source frames. */
const SHIFTS = [-8, -7, -6, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7, 8]

const clamp = (i: number, frames: number): number => Math.max(0, Math.min(frames - 1, i))

/** Best source frame near each rendition frame: +-1, and +-2 in the first and last three, where encoders differ most. */
function align(source: SourceTrack, own: Track): { base: number[]; best: number[]; rmse: Float64Array } {
  const base: number[] = []
  const best: number[] = []
  const rmse = new Float64Array(own.frames)
  for (let j = 0; j < own.frames; j++) {
    const centre = nearest(source, own.timesMs[j] ?? 0)
    const reach = j < 3 || j >= own.frames - 3 ? 2 : 1
    let bestAt = centre
    let least = Number.POSITIVE_INFINITY
    for (let i = Math.max(0, centre - reach); i <= Math.min(source.frames - 1, centre + reach); i++) {
      const value = distance(source, own, i, j)
      if (value < least) {
        least = value
        bestAt = i
      }
    }
    base.push(centre)
    best.push(bestAt)
    rmse[j] = least
  }
  return { base, best, rmse }
}

function distance(source: Track, own: Track, i: number, j: number): number {
  const a = source.luma[i]
  const b = own.luma[j]
  return a && b ? rmseOf(a, b) : Number.POSITIVE_INFINITY
}

/** Mean RMSE where the whole rendition is taken k source frames off its time. */
function meanAt(source: SourceTrack, own: Track, base: readonly number[], k: number): number {
  let sum = 0
  let count = 0
  for (let j = 0; j < own.frames; j++) {
    const i = (base[j] ?? 0) + k
    if (i < 0 || i >= source.frames) continue
    sum += distance(source, own, i, j)
    count++
  }
  // Half of the frames must overlap, else a few lucky ones would decide.
  return count * 2 >= own.frames ? sum / count : Number.POSITIVE_INFINITY
}

interface TimeTest {
  moving: number
  frozen: number
  frozenAt: number
  shiftGain: number
  shiftFrames: number
}

function timeTest(source: SourceTrack, own: Track, base: readonly number[]): TimeTest {
  const offsets = [0, -1, 1].map((k) => ({ k, mean: meanAt(source, own, base, k) }))
  // One frame off is honest rounding of time stamps; the right offset is used for what follows.
  const right = offsets.reduce((a, b) => (b.mean < a.mean * 0.98 ? b : a))
  // Where the rendition has more frames than the source, honest neighbours repeat: compare frames one source step apart.
  const stride = Math.max(1, Math.ceil((source.stepMs / Math.max(1, own.stepMs)) * 0.98))
  let moving = 0
  let frozen = 0
  let frozenAt = -1
  for (let j = stride; j < own.frames; j++) {
    const i = clamp((base[j] ?? 0) + right.k, source.frames)
    const before = clamp((base[j - stride] ?? 0) + right.k, source.frames)
    const a = source.luma[i]
    const b = source.luma[before]
    const p = own.luma[j]
    const q = own.luma[j - stride]
    if (i === before || !a || !b || !p || !q) continue
    const motion = rmseOf(a, b)
    if (motion < MOVES) continue
    moving++
    if (rmseOf(p, q) < STILL_SHARE * motion) {
      frozen++
      if (frozenAt < 0) frozenAt = j
    }
  }
  const best = SHIFTS.map((k) => ({ k, mean: meanAt(source, own, base, k) })).reduce((a, b) => (b.mean < a.mean ? b : a))
  const honest = Math.min(...offsets.map((o) => o.mean))
  // Half a level of noise on both sides keeps the ratio of two tiny errors from meaning anything.
  const shiftGain = Number.isFinite(best.mean) ? (honest + 0.5) / (best.mean + 0.5) : 1
  return { moving, frozen, frozenAt, shiftGain, shiftFrames: best.k }
}

/** Largest cell of a time-averaged field, with each frame's own value in that cell and the frame that shows it most. */
function worstCell(frames: number, fieldOf: (j: number, i: number) => number, score: (i: number, mean: number) => number) {
  let worst = 0
  let at = 0
  for (let i = 0; i < CELLS; i++) {
    let sum = 0
    for (let j = 0; j < frames; j++) sum += fieldOf(j, i)
    const value = score(i, sum / Math.max(1, frames))
    if (value > worst) {
      worst = value
      at = i
    }
  }
  const byFrame = Float64Array.from({ length: frames }, (_, j) => score(at, fieldOf(j, at)))
  const frame = byFrame.reduce((most, value, j) => (value > (byFrame[most] ?? 0) ? j : most), 0)
  return { peak: { value: worst, frame }, byFrame: byFrame.sort().reverse() }
}

/** Compares a rendition with its source, both as planes. Pure: the same planes give the same numbers. */
export function compare(source: SourceTrack, own: Track): Features {
  const { base, best, rmse } = align(source, own)
  const frames = own.frames
  const ssimLoss = new Float64Array(frames)
  const gradient = new Float32Array(CELLS)
  const chromaByFrame = new Float64Array(frames)
  const errors: Float32Array[] = []
  const du: Float32Array[] = []
  const dv: Float32Array[] = []
  const minus = (a: Float32Array | undefined, b: Float32Array | undefined): Float32Array =>
    Float32Array.from({ length: CELLS }, (_, i) => (a?.[i] ?? 0) - (b?.[i] ?? 0))
  const zero = new Float32Array(CELLS)
  for (let j = 0; j < frames; j++) {
    const i = best[j] ?? 0
    const a = source.luma[i] ?? zero
    const b = own.luma[j] ?? zero
    ssimLoss[j] = (source.quality[i] ?? 0) >= SSIM_QUALITY ? 1 - ssimOf(a, b) : Number.NaN
    const slope = source.gradient[i] ?? zero
    for (let c = 0; c < CELLS; c++) gradient[c] = (gradient[c] ?? 0) + (slope[c] ?? 0) / frames
    errors.push(minus(b, a))
    du.push(minus(own.u[j], source.u[i]))
    dv.push(minus(own.v[j], source.v[i]))
    chromaByFrame[j] = rmseOf(du[j] ?? zero, zero) + rmseOf(dv[j] ?? zero, zero)
  }
  const cell = worstCell(
    frames,
    (j, i) => errors[j]?.[i] ?? 0,
    (i, mean) => Math.abs(mean) / (2 + 0.25 * (gradient[i] ?? 0)),
  )
  // |mean dU| + |mean dV|: both fields at once need their own pass.
  const meanOf = (field: readonly Float32Array[]): Float32Array =>
    Float32Array.from({ length: CELLS }, (_, i) => field.reduce((sum, grid) => sum + (grid[i] ?? 0), 0) / Math.max(1, frames))
  const meanU = meanOf(du)
  const meanV = meanOf(dv)
  let chromaAt = 0
  const chromaAtCell = (i: number): number => Math.abs(meanU[i] ?? 0) + Math.abs(meanV[i] ?? 0)
  for (let i = 0; i < CELLS; i++) if (chromaAtCell(i) > chromaAtCell(chromaAt)) chromaAt = i
  const chromaCells = Float64Array.from({ length: frames }, (_, j) => Math.abs(du[j]?.[chromaAt] ?? 0) + Math.abs(dv[j]?.[chromaAt] ?? 0))
  const chromaFrame = chromaCells.reduce((most, value, j) => (value > (chromaCells[most] ?? 0) ? j : most), 0)
  const time = timeTest(source, own, base)
  return {
    frames,
    sourceFrames: source.frames,
    rmse,
    ssimLoss,
    cell: cell.peak,
    cellByFrame: cell.byFrame,
    chromaMean: chromaByFrame.reduce((a, b) => a + b, 0) / Math.max(1, frames),
    chromaByFrame,
    chromaCell: { value: chromaAtCell(chromaAt), frame: chromaFrame },
    chromaCellByFrame: chromaCells.sort().reverse(),
    ...time,
    meanRmse: rmse.reduce((a, b) => a + b, 0) / Math.max(1, frames),
  }
}
