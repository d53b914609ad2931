import { CELLS } from './grids.ts'
import { Pair } from './pair.ts'
import { MOVES, nearest, type SourceTrack, type Track } from './track.ts'
import type { Features } from './types.ts'

/** PDQ quality below which the structure of a picture is mostly noise, and SSIM says nothing (perceptual research, measure 2). */
const SSIM_QUALITY = 10
/** A rendition frame stands still where it changes by less than this share of what the source changes. */
const STILL_SHARE = 0.12
/** Offsets tried by the shift test, in source frames. */
const SHIFTS = [-8, -7, -6, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7, 8]

const clamp = (i: number, frames: number): number => Math.max(0, Math.min(frames - 1, i))

/**
 * Times of a rendition, with its first frame moved to where the others say that it belongs: encoders give the first picture odd
 * times, and all others must not be looked for at the wrong moment for it.
 */
function pacedTimes(source: SourceTrack, own: Track): (j: number) => number {
  const early = (track: Track): number => (track.timesMs[1] ?? 0) - (track.timesMs[0] ?? 0) - track.stepMs
  const isOdd = own.frames > 2 && early(own) > own.stepMs / 2 && early(source) < source.stepMs / 2
  return (j) => (own.timesMs[j] ?? 0) - (isOdd && j > 0 ? early(own) : 0)
}

/** A neighbour in time is believed to be the right one only where it fits better by this share and a twentieth of a level. */
const CLEARLY = 0.9

/** Best source frame near each rendition frame: +-1, and +-2 in the first and last three, where encoders differ most. */
function align(pair: Pair): { base: number[]; best: number[]; matched: number[]; rmse: Float64Array } {
  const { source, own } = pair
  const base: number[] = []
  const matched: number[] = []
  const best: number[] = []
  const rmse = new Float64Array(own.frames)
  const timeOf = pacedTimes(source, own)
  for (let j = 0; j < own.frames; j++) {
    const centre = nearest(source, timeOf(j))
    const reach = j < 3 || j >= own.frames - 3 ? 2 : 1
    let bestAt = centre
    let least = Number.POSITIVE_INFINITY
    let there = Number.POSITIVE_INFINITY
    for (let i = Math.max(0, centre - reach); i <= Math.min(source.frames - 1, centre + reach); i++) {
      const value = pair.error(i, j)
      if (i === centre) there = value
      if (value < least) {
        least = value
        bestAt = i
      }
    }
    base.push(centre)
    best.push(bestAt)
    matched.push(least < there * CLEARLY - 0.05 ? bestAt : centre)
    rmse[j] = least
  }
  return { base, best, matched, rmse }
}

/** Mean RMSE where the whole rendition is taken k source frames off its time. */
function meanAt(pair: Pair, base: readonly number[], k: number): number {
  const { source, own } = pair
  let sum = 0
  let count = 0
  for (let j = 0; j < own.frames; j++) {
    const i = (base[j] ?? 0) + k
    if (i < 0 || i >= source.frames) continue
    sum += pair.error(i, j)
    count++
  }
  // Half of the frames must overlap, else a few lucky ones would decide.
  return count * 2 >= own.frames ? sum / count : Number.POSITIVE_INFINITY
}

/**
 * How much the source moves from one frame to another at least, where each of them may be a neighbour: a rate that was changed
 * takes frames that we cannot name, and a scene that halts for a moment must not look like a freeze of the rendition.
 */
function leastMotion(pair: Pair, i: number, before: number): number {
  let least = Number.POSITIVE_INFINITY
  for (const p of [i - 1, i, i + 1]) {
    for (const q of [before - 1, before, before + 1]) {
      if (q >= 0 && p < pair.source.frames && q < p) least = Math.min(least, pair.sourceMotion(p, q))
    }
  }
  return Number.isFinite(least) ? least : 0
}

interface TimeTest {
  moving: number
  frozen: number
  frozenAt: number
  shiftGain: number
  shiftFrames: number
}

function timeTest(pair: Pair, base: readonly number[]): TimeTest {
  const { source, own } = pair
  const offsets = [0, -1, 1].map((k) => ({ k, mean: meanAt(pair, base, k) }))
  // One frame off is honest rounding of time stamps; the right offset is used for what follows.
  const right = offsets.reduce((a, b) => (b.mean < a.mean * 0.98 ? b : a))
  // Where the rendition has more frames than the source, honest neighbours repeat: compare frames a whole lag apart.
  const stride = Math.max(1, Math.ceil(((source.lag * source.stepMs) / Math.max(1, own.stepMs)) * 0.98))
  const paced = Math.abs(own.stepMs / source.stepMs - 1) < 0.02 && source.steady
  let moving = 0
  let frozen = 0
  let frozenAt = -1
  for (let j = stride; j < own.frames; j++) {
    const i = clamp((base[j] ?? 0) + right.k, source.frames)
    const before = clamp((base[j - stride] ?? 0) + right.k, source.frames)
    if (i === before) continue
    const motion = paced ? pair.sourceMotion(i, before) : leastMotion(pair, i, before)
    if (motion < MOVES) continue
    moving++
    if (pair.ownMotion(j, j - stride) < STILL_SHARE * motion) {
      frozen++
      if (frozenAt < 0) frozenAt = j
    }
  }
  const best = SHIFTS.map((k) => ({ k, mean: meanAt(pair, base, k) })).reduce((a, b) => (b.mean < a.mean ? b : a))
  const honest = Math.min(...offsets.map((o) => o.mean))
  // Half a level of noise on both sides keeps the ratio of two tiny errors from meaning anything.
  const shiftGain = Number.isFinite(best.mean) ? (honest + 0.5) / (best.mean + 0.5) : 1
  return { moving, frozen, frozenAt, shiftGain, shiftFrames: best.k }
}

/** Worst cell of the time-averaged error, with each frame's own error in that cell and the frame that shows it most. */
function cellTest(pair: Pair, best: readonly number[]): Pick<Features, 'cell' | 'cellByFrame'> {
  const mean = pair.meanError('y', best)
  const gradient = pair.meanSlope('slope', best)
  const score = (i: number, error: number): number => Math.abs(error) / (2 + 0.25 * (gradient[i] ?? 0))
  let at = 0
  for (let i = 0; i < CELLS; i++) if (score(i, mean[i] ?? 0) > score(at, mean[at] ?? 0)) at = i
  const byFrame = Float64Array.from(best, (i, j) => score(at, pair.cellError(i, j, 'y', at)))
  const frame = byFrame.reduce((most, value, j) => (value > (byFrame[most] ?? 0) ? j : most), 0)
  return { cell: { value: score(at, mean[at] ?? 0), frame }, cellByFrame: byFrame.sort().reverse() }
}

/** Levels of chroma gradient that halve the weight of a cell's chroma error. */
const CHROMA_SLOPE = 8

type ChromaFeatures = Pick<Features, 'chromaMean' | 'chromaByFrame' | 'chromaCell' | 'chromaCellByFrame'>

/**
 * Chroma error by frame and by cell. Low bit rates wash out small coloured details and nothing else, so a cell counts less the
 * steeper the source's own chroma is there; a colour that was really changed is changed in even areas too.
 */
function chromaTest(pair: Pair, best: readonly number[]): ChromaFeatures {
  const meanU = pair.meanError('u', best)
  const meanV = pair.meanError('v', best)
  const weight = pair.meanSlope('chromaSlope', best).map((slope) => 1 / (1 + slope / CHROMA_SLOPE))
  const v = pair.weightedErrors('v', best, weight)
  const byFrame = pair.weightedErrors('u', best, weight).map((u, j) => u + (v[j] ?? 0))
  let at = 0
  const atCell = (i: number): number => (Math.abs(meanU[i] ?? 0) + Math.abs(meanV[i] ?? 0)) * (weight[i] ?? 0)
  for (let i = 0; i < CELLS; i++) if (atCell(i) > atCell(at)) at = i
  const cells = Float64Array.from(
    best,
    (i, j) => (Math.abs(pair.cellError(i, j, 'u', at)) + Math.abs(pair.cellError(i, j, 'v', at))) * (weight[at] ?? 0),
  )
  const frame = cells.reduce((most, value, j) => (value > (cells[most] ?? 0) ? j : most), 0)
  return {
    chromaMean: byFrame.reduce((a, b) => a + b, 0) / Math.max(1, best.length),
    chromaByFrame: byFrame,
    chromaCell: { value: atCell(at), frame },
    chromaCellByFrame: cells.sort().reverse(),
  }
}

/** Mean square of U and V about grey, in levels, below which a picture counts as grey: nothing could be lost. */
const GREY = 9

type ColourFeatures = Pick<Features, 'colourLoss' | 'colourByFrame'>

/**
 * How much of the source's colour is still there: the gain that best maps U and V about grey on the rendition's. It sees what the
 * error in levels cannot in a pale picture: all of its colour gone.
 */
function colourTest(pair: Pair, best: readonly number[]): ColourFeatures {
  let all = 0
  let kept = 0
  const byFrame = Float64Array.from(best, (i, j) => {
    const { energy, product } = pair.colour(i, j)
    all += energy
    kept += product
    return energy >= GREY * CELLS ? Math.max(0, 1 - product / energy) : 0
  })
  const loss = all >= GREY * CELLS * best.length ? Math.max(0, 1 - kept / all) : undefined
  return { colourLoss: loss, colourByFrame: byFrame }
}

/** Compares a rendition with its source, both as planes. Pure: the same planes give the same numbers. */
export function compare(source: SourceTrack, own: Track): Features {
  const pair = new Pair(source, own)
  const { base, best, matched, rmse } = align(pair)
  const frames = own.frames
  return {
    frames,
    sourceFrames: source.frames,
    matched,
    rmse,
    ssimLoss: Float64Array.from(best, (i, j) => ((source.quality[i] ?? 0) >= SSIM_QUALITY ? 1 - pair.ssim(i, j) : Number.NaN)),
    ...cellTest(pair, best),
    ...chromaTest(pair, best),
    ...colourTest(pair, best),
    ...timeTest(pair, base),
    meanRmse: rmse.reduce((a, b) => a + b, 0) / Math.max(1, frames),
  }
}
