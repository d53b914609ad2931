import type { Planes } from '../transcode/types.ts'
import { COLS, ROWS, UNITS } from './grids.ts'

const SIDE = 64
const PLANE = SIDE * SIDE

/** Usual constants of SSIM for 8 bits: (0.01 x 255)^2 and (0.03 x 255)^2. */
const C1 = 6.5025
const C2 = 58.5225
/** Windows are 8x8 cells, four cells apart: each is made of four blocks of 4x4, which are summed once. */
const BLOCK = 4
const BLOCKS_X = COLS / BLOCK
const BLOCKS_Y = ROWS / BLOCK
const blockSums = Array.from({ length: 5 }, () => new Float64Array(BLOCKS_X * BLOCKS_Y))

/** Mean SSIM of two grids in sixteenths of a level, over windows of 8x8 cells, four cells apart. */
export function ssimOf(a: Int16Array, b: Int16Array): number {
  const [sa, sb, saa, sbb, sab] = blockSums as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
  for (let block = 0; block < BLOCKS_X * BLOCKS_Y; block++) {
    const top = Math.floor(block / BLOCKS_X) * BLOCK * COLS + (block % BLOCKS_X) * BLOCK
    let p1 = 0
    let q1 = 0
    let p2 = 0
    let q2 = 0
    let pq = 0
    for (let y = 0; y < BLOCK; y++) {
      for (let i = top + y * COLS; i < top + y * COLS + BLOCK; i++) {
        const p = a[i] ?? 0
        const q = b[i] ?? 0
        p1 += p
        q1 += q
        p2 += p * p
        q2 += q * q
        pq += p * q
      }
    }
    sa[block] = p1
    sb[block] = q1
    saa[block] = p2
    sbb[block] = q2
    sab[block] = pq
  }
  const n = 4 * BLOCK * BLOCK * UNITS
  const window = (sums: Float64Array, at: number): number =>
    (sums[at] ?? 0) + (sums[at + 1] ?? 0) + (sums[at + BLOCKS_X] ?? 0) + (sums[at + BLOCKS_X + 1] ?? 0)
  let total = 0
  for (let y = 0; y + 1 < BLOCKS_Y; y++) {
    for (let x = 0; x + 1 < BLOCKS_X; x++) {
      const at = y * BLOCKS_X + x
      const ma = window(sa, at) / n
      const mb = window(sb, at) / n
      const square = n * UNITS
      const numerator = (2 * ma * mb + C1) * (2 * (window(sab, at) / square - ma * mb) + C2)
      const spread = window(saa, at) / square - ma * ma + window(sbb, at) / square - mb * mb
      total += numerator / ((ma * ma + mb * mb + C1) * (spread + C2))
    }
  }
  return total / ((BLOCKS_X - 1) * (BLOCKS_Y - 1))
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

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
