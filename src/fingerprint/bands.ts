import type { Bands } from './types.ts'

/** 8-point DCT-II, orthonormal, as a table of 64 numbers. */
const DCT = Float64Array.from({ length: 64 }, (_, i) => {
  const k = i >> 3
  const n = i & 7
  return (k === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * n + 1) * k * Math.PI) / 16)
})

/** A coefficient (u, v) belongs to band max(u, v): what a picture enlarged from 1/s of its size lacks above 8/s. */
const BAND = Uint8Array.from({ length: 64 }, (_, i) => Math.max(i >> 3, i & 7))
const PER_BAND = [1, 3, 5, 7, 9, 11, 13, 15]

/** Mean squared 8x8 DCT coefficient of bands 0..7 over the black squares of a chessboard of blocks: half the work, same mean. */
export function bandsOf(pictures: readonly Uint8Array[], width: number, height: number): Bands {
  const energy = new Float64Array(8)
  const half = new Float64Array(64)
  let blocks = 0
  for (const picture of pictures) {
    for (let top = 0; top + 8 <= height; top += 8) {
      for (let left = top % 16; left + 8 <= width; left += 16) {
        blocks++
        for (let y = 0; y < 8; y++) {
          const row = (top + y) * width + left
          for (let k = 0; k < 8; k++) {
            let sum = 0
            for (let n = 0; n < 8; n++) sum += (DCT[k * 8 + n] ?? 0) * (picture[row + n] ?? 0)
            half[y * 8 + k] = sum
          }
        }
        for (let k = 0; k < 8; k++) {
          for (let u = 0; u < 8; u++) {
            let sum = 0
            for (let n = 0; n < 8; n++) sum += (DCT[k * 8 + n] ?? 0) * (half[n * 8 + u] ?? 0)
            const band = BAND[k * 8 + u] ?? 0
            energy[band] = (energy[band] ?? 0) + sum * sum
          }
        }
      }
    }
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
