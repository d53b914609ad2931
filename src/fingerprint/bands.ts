import type { Bands } from './types.ts'
import { bandSums } from './wasm/dct.ts'

/** Coefficients of each band: those (u, v) with max(u, v) = band. */
const PER_BAND = [1, 3, 5, 7, 9, 11, 13, 15]

/** What two pictures have in common, one number a band 0..7: mean over blocks of the sum of products of their coefficients. */
export interface BandProducts {
  aa: Float64Array
  bb: Float64Array
  ab: Float64Array
}

/** Products of the 8x8 DCT bands of two luma pictures of one size, over a chessboard of blocks; zeros where no block fits. */
export function bandProducts(a: Uint8Array, b: Uint8Array, width: number, height: number): BandProducts {
  const { aa, bb, ab, blocks } = bandSums(a, b, width, height)
  const mean = (sums: Float64Array): Float64Array => sums.map((sum) => sum / Math.max(1, blocks))
  return { aa: mean(aa), bb: mean(bb), ab: mean(ab) }
}

/** Mean squared 8x8 DCT coefficient of bands 0..7 over the same blocks of several pictures. */
export function bandsOf(pictures: readonly Uint8Array[], width: number, height: number): Bands {
  const energy = new Float64Array(8)
  let blocks = 0
  // The kernel takes two pictures at once; a last odd one is its own partner.
  for (let i = 0; i < pictures.length; i += 2) {
    const a = pictures[i]
    const b = pictures[i + 1]
    if (!a) continue
    const sums = bandSums(a, b ?? a, width, height)
    blocks += sums.blocks * (b ? 2 : 1)
    for (let band = 0; band < 8; band++)
      energy[band] = (energy[band] ?? 0) + (sums.aa[band] ?? 0) + (b ? (sums.bb[band] ?? 0) : 0)
  }
  for (let band = 0; band < 8; band++) energy[band] = blocks > 0 ? (energy[band] ?? 0) / (blocks * (PER_BAND[band] ?? 1)) : 0
  return { energy, frames: pictures.length }
}

/** Half a squared level: quantisation noise, so that an empty band does not give an endless ratio. */
const FLOOR = 0.5

/** log2 of how much less energy `own` has than `reference` in one band. */
export function bandDrop(reference: Bands, own: Bands, band: number): number {
  return Math.log2(((reference.energy[band] ?? 0) + FLOOR) / ((own.energy[band] ?? 0) + FLOOR))
}
