import type { Planes } from '../transcode/types.ts'

/** Comparison grid: 64x36, the aspect of most video, which evens out the coding noise of single rows. */
export const COLS = 64
export const ROWS = 36
export const CELLS = COLS * ROWS
const SIDE = 64
const PLANE = SIDE * SIDE

/** Each of the 36 rows covers 64/36 = 16/9 rows of the plane: first row and the weights of up to three of them. */
const WEIGHTS = Array.from({ length: ROWS }, (_, r) => {
  const from = (r * SIDE) / ROWS
  const to = ((r + 1) * SIDE) / ROWS
  const first = Math.floor(from)
  const weights: number[] = []
  for (let y = first; y < to; y++) weights.push(((Math.min(y + 1, to) - Math.max(y, from)) * ROWS) / SIDE)
  return { first, weights }
})

/** A channel (0 Y, 1 U, 2 V) of every frame on the 64x36 grid. */
export function gridOf(planes: Planes, channel: 0 | 1 | 2): Float32Array[] {
  return Array.from({ length: planes.frames }, (_, n) => {
    const base = (n * 3 + channel) * PLANE
    const grid = new Float32Array(CELLS)
    for (let r = 0; r < ROWS; r++) {
      const { first, weights } = WEIGHTS[r] ?? { first: 0, weights: [] }
      for (let k = 0; k < weights.length; k++) {
        const weight = weights[k] ?? 0
        const row = base + (first + k) * SIDE
        for (let x = 0; x < COLS; x++) grid[r * COLS + x] = (grid[r * COLS + x] ?? 0) + weight * (planes.data[row + x] ?? 0)
      }
    }
    return grid
  })
}

export function rmseOf(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0)
    sum += d * d
  }
  return Math.sqrt(sum / a.length)
}

/** Usual constants of SSIM for 8 bits: (0.01 x 255)^2 and (0.03 x 255)^2. */
const C1 = 6.5025
const C2 = 58.5225
const WINDOW = 8
const STEP = 4

/** Mean SSIM over windows of 8x8 cells, four cells apart. */
export function ssimOf(a: Float32Array, b: Float32Array): number {
  let total = 0
  let windows = 0
  for (let top = 0; top + WINDOW <= ROWS; top += STEP) {
    for (let left = 0; left + WINDOW <= COLS; left += STEP) {
      let sa = 0
      let sb = 0
      let saa = 0
      let sbb = 0
      let sab = 0
      for (let y = top; y < top + WINDOW; y++) {
        for (let i = y * COLS + left; i < y * COLS + left + WINDOW; i++) {
          const p = a[i] ?? 0
          const q = b[i] ?? 0
          sa += p
          sb += q
          saa += p * p
          sbb += q * q
          sab += p * q
        }
      }
      const n = WINDOW * WINDOW
      const ma = sa / n
      const mb = sb / n
      const numerator = (2 * ma * mb + C1) * (2 * (sab / n - ma * mb) + C2)
      total += numerator / ((ma * ma + mb * mb + C1) * (saa / n - ma * ma + sbb / n - mb * mb + C2))
      windows++
    }
  }
  return total / windows
}

/** PDQ's picture quality 0..100: how much gradient the 64x64 luma has. Flat, dark or foggy pictures are near 0. */
export function qualityOf(planes: Planes, frame: number): number {
  const base = frame * 3 * PLANE
  let sum = 0
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const here = planes.data[base + y * SIDE + x] ?? 0
      if (y + 1 < SIDE) sum += Math.trunc((Math.abs(here - (planes.data[base + (y + 1) * SIDE + x] ?? 0)) * 100) / 255)
      if (x + 1 < SIDE) sum += Math.trunc((Math.abs(here - (planes.data[base + y * SIDE + x + 1] ?? 0)) * 100) / 255)
    }
  }
  return Math.min(100, Math.trunc(sum / 90))
}

/** Local gradient of a grid: the largest difference to one of the four neighbours, one a cell. */
export function gradientOf(grid: Float32Array): Float32Array {
  const out = new Float32Array(CELLS)
  for (let y = 0; y < ROWS; y++) {
    for (let x = 0; x < COLS; x++) {
      const i = y * COLS + x
      const here = grid[i] ?? 0
      let most = 0
      if (x > 0) most = Math.max(most, Math.abs(here - (grid[i - 1] ?? 0)))
      if (x + 1 < COLS) most = Math.max(most, Math.abs(here - (grid[i + 1] ?? 0)))
      if (y > 0) most = Math.max(most, Math.abs(here - (grid[i - COLS] ?? 0)))
      if (y + 1 < ROWS) most = Math.max(most, Math.abs(here - (grid[i + COLS] ?? 0)))
      out[i] = most
    }
  }
  return out
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
