import { BANDS, TILES } from './detail.ts'
import type { DetailSeries, Features } from './types.ts'

/** Bands that an upscale from a third or a half of the size, a blur or a starved encode loses first. */
const DETAIL_BANDS = [3, 4, 5]
/** A band with less energy in the source than this says nothing about a loss against the source: encoders drop it. */
const MIN_ENERGY = 20
/** Against our own re-transcode every band counts that it kept: what one honest encoder keeps, another does. */
const FINE_BANDS = [3, 4, 5, 6, 7]
const MIN_KEPT = 3
/** Half a squared level: quantisation noise, so that an empty band does not give an endless ratio. */
const FLOOR = 0.5

/** What the sampled full pictures and our own re-transcode say about the quality of a rendition; logarithms are of base 2. */
export interface Quality {
  /** Drop of energy in bands 3..5 against the scaled source. */
  detail?: number | undefined
  /** Without a control: the drop of coherent energy against the source that a quarter of the frames, or two of the tiles, exceed. */
  loss?: number | undefined
  /** Drop in the bands that our own re-transcode kept, against it; the kindest of them. */
  detailOwn?: number | undefined
  /** The same, counting only energy that goes with the source's: noise and sharpening bring back none of it. */
  coherenceOwn?: number | undefined
  /** The drop of coherent energy that a quarter of the sampled frames exceed. */
  coherencePart?: number | undefined
  /** The drop of the second worst of 16 tiles of the picture. */
  coherenceTile?: number | undefined
  /** Mean error of 64x36 luma against that of our own re-transcode. */
  errorRatio?: number | undefined
  /** The ratio that a quarter of the frames exceed. */
  errorPart?: number | undefined
}

type Products = Pick<DetailSeries, 'source' | 'own' | 'cross'>
type Energy = (frame: number, band: number) => number

const energyOf =
  (series: Products): Energy =>
  (frame, band) =>
    series.own[frame * BANDS + band] ?? 0

/** Energy of the rendition that is explained by the source; a picture that only looks busy has none. */
const coherentOf =
  (series: Products): Energy =>
  (frame, band) => {
    const source = series.source[frame * BANDS + band] ?? 0
    const cross = Math.max(0, series.cross[frame * BANDS + band] ?? 0)
    return source > 0 ? (cross * cross) / source : 0
  }

const sourceOf =
  (series: Products): Energy =>
  (frame, band) =>
    series.source[frame * BANDS + band] ?? 0

interface Scale {
  bands: readonly number[]
  /** Least mean energy of `reference` that makes a band count. */
  least: number
  reference: Energy
}

/** Mean log2 drop from one energy to another over the bands that count, and a set of frames or tiles taken together. */
function drop(scale: Scale, from: Energy, to: Energy, at: readonly number[]): number | undefined {
  const mean = (energy: Energy, band: number): number => at.reduce((sum, f) => sum + energy(f, band), 0) / at.length
  const drops = scale.bands.flatMap((band) =>
    mean(scale.reference, band) >= scale.least ? [Math.log2((mean(from, band) + FLOOR) / (mean(to, band) + FLOOR))] : [],
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

const ALL_TILES = Array.from({ length: TILES * TILES }, (_, t) => t)

/** Frames that a quarter needs to mean anything. */
const MIN_PART = 4

function dropsOf(scale: Scale, from: Energy, to: Energy, at: readonly number[]): number[] {
  return at.flatMap((f) => drop(scale, from, to, [f]) ?? [])
}

const energies = (products: Products) => ({
  source: sourceOf(products),
  own: energyOf(products),
  coherent: coherentOf(products),
})

type Beside = Pick<Quality, 'detailOwn' | 'coherenceOwn' | 'coherencePart' | 'coherenceTile'>

/** Drops of detail against one of our own re-transcodes. */
function besideControl(detail: DetailSeries, control: DetailSeries): Beside {
  const frames = detail.frames.map((_, f) => f)
  const aligned = frames.filter((f) => detail.aligned[f] && control.aligned[f])
  const mine = energies(detail)
  const theirs = energies(control)
  const scale: Scale = { bands: FINE_BANDS, least: MIN_KEPT, reference: theirs.coherent }
  const parts = dropsOf(scale, theirs.coherent, mine.coherent, aligned)
  const tiles = { mine: energies(detail.tiles), theirs: energies(control.tiles) }
  const byTile = dropsOf(
    { ...scale, reference: tiles.theirs.coherent },
    tiles.theirs.coherent,
    tiles.mine.coherent,
    ALL_TILES,
  ).sort((a, b) => b - a)
  const enough = aligned.length >= MIN_PART
  return {
    detailOwn: drop(scale, theirs.own, mine.own, frames),
    ...(enough
      ? {
          coherenceOwn: drop(scale, theirs.coherent, mine.coherent, aligned),
          coherencePart: parts.length >= MIN_PART ? upperQuartile(parts) : undefined,
          // One tile may be a corner with little in it.
          coherenceTile: byTile[1],
        }
      : {}),
  }
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

/** What the source has of the bands that are lost first: the scale of every drop against it. */
const againstSource = (source: Energy): Scale => ({ bands: DETAIL_BANDS, least: MIN_ENERGY, reference: source })

/** Log2 drop of detail of one of our own encodes against the source. */
export function detailDrop(series: DetailSeries): number | undefined {
  const { source, own } = energies(series)
  return drop(
    againstSource(source),
    source,
    own,
    series.frames.map((_, f) => f),
  )
}

/** The worse of a quarter of the frames and of the second worst tile, against the source. */
function lossOf(detail: DetailSeries): number | undefined {
  const aligned = detail.frames.flatMap((_, f) => (detail.aligned[f] ? [f] : []))
  if (aligned.length < MIN_PART) return undefined
  const drops = (of: Products, at: readonly number[]): number[] => {
    const { source, coherent } = energies(of)
    return dropsOf(againstSource(source), source, coherent, at)
  }
  const frames = drops(detail, aligned)
  const tiles = drops(detail.tiles, ALL_TILES).sort((a, b) => b - a)
  return frames.length >= MIN_PART ? Math.max(upperQuartile(frames) ?? 0, tiles[1] ?? 0) : undefined
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
  const yardsticks = controls.flatMap((control) => {
    const same = control.detail !== undefined && control.detail.frames.length === detail.frames.length
    return same && control.detail ? [besideControl(detail, control.detail)] : []
  })
  const of = (name: keyof Beside): number | undefined => least(yardsticks.map((beside) => beside[name]))
  return {
    ...quality,
    detail: detailDrop(detail),
    loss: lossOf(detail),
    detailOwn: of('detailOwn'),
    coherenceOwn: of('coherenceOwn'),
    coherencePart: of('coherencePart'),
    coherenceTile: of('coherenceTile'),
  }
}
