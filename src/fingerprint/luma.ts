import type { Planes } from '../transcode/types.ts'

/** Units of a level in which cells of grids are kept. */
export const UNITS = 16

const SIDE = 64
const PLANE = SIDE * SIDE

/** Usual constants of SSIM for 8 bits: (0.01 x 255)^2 and (0.03 x 255)^2. */
const C1 = 6.5025
const C2 = 58.5225
/** Windows are 8x8 cells, four cells apart: two rows of 4x4 blocks and four pairs of columns. */
const BLOCK_ROWS = 9
const PAIRS = 32
const KINDS = 5
/** Cells of a window, in sixteenths of a level, and of the products of two. */
const WINDOW = 64 * UNITS
const SQUARES = WINDOW * UNITS
const window = new Float64Array(KINDS)

/** Mean SSIM from the sums of a, b, a^2, b^2, ab over blocks of four rows and two columns, as the kernel writes them. */
export function ssimOf(sums: Int32Array): number {
  let total = 0
  for (let y = 0; y + 1 < BLOCK_ROWS; y++) {
    for (let x = 0; x + 4 <= PAIRS; x += 2) {
      for (let kind = 0; kind < KINDS; kind++) {
        const above = (y * KINDS + kind) * PAIRS + x
        let sum = 0
        for (let i = above; i < above + 4; i++) sum += (sums[i] ?? 0) + (sums[i + KINDS * PAIRS] ?? 0)
        window[kind] = sum
      }
      const ma = (window[0] ?? 0) / WINDOW
      const mb = (window[1] ?? 0) / WINDOW
      const covariance = (window[4] ?? 0) / SQUARES - ma * mb
      const variances = (window[2] ?? 0) / SQUARES - ma * ma + (window[3] ?? 0) / SQUARES - mb * mb
      total += ((2 * ma * mb + C1) * (2 * covariance + C2)) / ((ma * ma + mb * mb + C1) * (variances + C2))
    }
  }
  return total / ((BLOCK_ROWS - 1) * (PAIRS / 2 - 1))
}

/** Percent of the full range that a difference of levels is, without its fraction. */
const PERCENT = Uint8Array.from({ length: 256 }, (_, difference) => Math.trunc((difference * 100) / 255))

/** PDQ's picture quality 0..100: how much gradient the 64x64 luma has. Flat, dark or foggy pictures are near 0. */
export function qualityOf(planes: Planes, frame: number): number {
  const luma = planes.data.subarray(frame * 3 * PLANE, frame * 3 * PLANE + PLANE)
  let sum = 0
  for (let i = 0; i < PLANE - SIDE; i++) sum += PERCENT[Math.abs((luma[i] ?? 0) - (luma[i + SIDE] ?? 0))] ?? 0
  for (let i = 0; i < PLANE; i++) if ((i & 63) !== 63) sum += PERCENT[Math.abs((luma[i] ?? 0) - (luma[i + 1] ?? 0))] ?? 0
  return Math.min(100, Math.trunc(sum / 90))
}
