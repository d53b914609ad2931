import { bandDrop } from './bands.ts'
import type { Bands, Features } from './types.ts'

/** Bands that an upscale from a third or a half of the size, a blur or a starved encode loses first. */
const DETAIL_BANDS = [3, 4, 5]
/** A band with less energy in the reference than this says nothing: there was no detail to lose. */
const MIN_ENERGY = 20

/** Mean log2 drop over bands 3..5 that hold detail in the reference; undefined where none of them does. */
export function detailDrop(reference: Bands, own: Bands): number | undefined {
  const usable = DETAIL_BANDS.filter((band) => (reference.energy[band] ?? 0) >= MIN_ENERGY)
  if (usable.length === 0 || reference.frames === 0 || own.frames === 0) return undefined
  return usable.reduce((sum, band) => sum + bandDrop(reference, own, band), 0) / usable.length
}

/** How many times more error a rendition has than our own re-transcode; half a level on both sides takes out rounding. */
export function errorRatio(own: Features, control: Features): number {
  return (own.meanRmse + 0.5) / (control.meanRmse + 0.5)
}
