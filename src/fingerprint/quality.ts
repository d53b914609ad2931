import { BANDS } from './detail.ts'
import type { DetailSeries, Features } from './types.ts'

/** Bands that an upscale from a third or a half of the size, a blur or a starved encode loses first. */
const DETAIL_BANDS = [3, 4, 5]
/** A band with less energy in the reference than this says nothing: there was no detail to lose. */
const MIN_ENERGY = 20
/** Half a squared level: quantisation noise, so that an empty band does not give an endless ratio. */
const FLOOR = 0.5

/** What the sampled full pictures and our own re-transcode say about the quality of a rendition; logarithms are of base 2. */
export interface Quality {
  /** Drop of energy in bands 3..5 against the scaled source. */
  detail?: number | undefined
  /** The same, counting only energy that goes with the source's: noise and sharpening bring back none of it. */
  coherence?: number | undefined
  /** Drops against our own re-transcode, the kindest of them. */
  detailOwn?: number | undefined
  coherenceOwn?: number | undefined
  /** The drop of coherent energy that a quarter of the sampled frames exceed. */
  coherencePart?: number | undefined
  /** Mean error of 64x36 luma against that of our own re-transcode. */
  errorRatio?: number | undefined
  /** The ratio that a quarter of the frames exceed. */
  errorPart?: number | undefined
}

type Energy = (frame: number, band: number) => number

const energyOf =
  (series: DetailSeries): Energy =>
  (frame, band) =>
    series.own[frame * BANDS + band] ?? 0

/** Energy of the rendition that is explained by the source; a picture that only looks busy has none. */
const coherentOf =
  (series: DetailSeries): Energy =>
  (frame, band) => {
    const source = series.source[frame * BANDS + band] ?? 0
    const cross = Math.max(0, series.cross[frame * BANDS + band] ?? 0)
    return source > 0 ? (cross * cross) / source : 0
  }

const sourceOf =
  (series: DetailSeries): Energy =>
  (frame, band) =>
    series.source[frame * BANDS + band] ?? 0

/** Mean log2 drop from one energy to another over the bands in which the source has any, and a set of frames taken together. */
function drop(source: Energy, from: Energy, to: Energy, frames: readonly number[]): number | undefined {
  const mean = (energy: Energy, band: number): number => frames.reduce((sum, f) => sum + energy(f, band), 0) / frames.length
  const drops = DETAIL_BANDS.flatMap((band) =>
    mean(source, band) >= MIN_ENERGY ? [Math.log2((mean(from, band) + FLOOR) / (mean(to, band) + FLOOR))] : [],
  )
  return drops.length > 0 ? drops.reduce((a, b) => a + b, 0) / drops.length : undefined
}

/** The value that a quarter of the values exceed. */
function upperQuartile(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.75)]
}

const least = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

/** Frames that a quarter needs to mean anything. */
const MIN_PART = 4

function partDrop(source: Energy, from: Energy, to: Energy, frames: number): number | undefined {
  const drops = Array.from({ length: frames }, (_, f) => drop(source, from, to, [f])).filter((value) => value !== undefined)
  return drops.length >= MIN_PART ? upperQuartile(drops) : undefined
}

/** How many times more error a rendition has than our own re-transcode; half a level on both sides takes out rounding. */
function errorRatios(own: Features, control: Features): { mean: number; part: number | undefined } {
  const ratio = (a: number, b: number): number => (a + 0.5) / (b + 0.5)
  const byFrame = Array.from(own.rmse, (value, j) => {
    const k = Math.min(control.frames - 1, Math.round((j * control.frames) / Math.max(1, own.frames)))
    return ratio(value, control.rmse[k] ?? 0)
  })
  return { mean: ratio(own.meanRmse, control.meanRmse), part: upperQuartile(byFrame) }
}

/** Log2 drop of detail of one of our own encodes against the source. */
export function detailDrop(series: DetailSeries): number | undefined {
  const frames = series.frames.map((_, f) => f)
  return drop(sourceOf(series), sourceOf(series), energyOf(series), frames)
}

/** The kinder of our encoders counts in each measure: an honest node may use either. */
export function qualityOf(
  features: Features,
  detail: DetailSeries | undefined,
  controls: readonly { features: Features; detail: DetailSeries | undefined }[],
): Quality {
  const ratios = controls.map((control) => errorRatios(features, control.features))
  const quality: Quality = { errorRatio: least(ratios.map(({ mean }) => mean)), errorPart: least(ratios.map(({ part }) => part)) }
  if (!detail || detail.frames.length === 0) return quality
  const all = detail.frames.map((_, f) => f)
  const source = sourceOf(detail)
  const yardsticks = controls.flatMap((control) => {
    const same = control.detail !== undefined && control.detail.frames.length === detail.frames.length
    return same && control.detail ? [control.detail] : []
  })
  return {
    ...quality,
    detail: drop(source, source, energyOf(detail), all),
    coherence: drop(source, source, coherentOf(detail), all),
    detailOwn: least(yardsticks.map((control) => drop(source, energyOf(control), energyOf(detail), all))),
    coherenceOwn: least(yardsticks.map((control) => drop(source, coherentOf(control), coherentOf(detail), all))),
    coherencePart: least(yardsticks.map((control) => partDrop(source, coherentOf(control), coherentOf(detail), all.length))),
  }
}
