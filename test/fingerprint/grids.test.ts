import { describe, expect, it } from 'vitest'
import { CELLS, COLS, GridStore, ROWS } from '../../src/fingerprint/grids.ts'
import { qualityOf } from '../../src/fingerprint/luma.ts'
import type { Planes } from '../../src/transcode/types.ts'

// Each kernel beside its definition, in doubles and without a trick; extremes of 0 and 255 are in the pictures.

const FRAMES = 4
const planes: Planes = {
  frames: FRAMES,
  timesMs: Float64Array.from({ length: FRAMES }, (_, i) => i * 40),
  data: Uint8Array.from({ length: FRAMES * 3 * 4096 }, (_, i) => {
    const noise = (Math.imul(i, 2654435761) >>> 17) & 1023
    return noise > 700 ? 255 : noise < 200 ? 0 : noise >> 2
  }),
}

/** Rows of 64/36 pixels each, by how much of each pixel lies in them. */
function plainGrid(frame: number, channel: number): number[] {
  const plane = planes.data.subarray((frame * 3 + channel) * 4096, (frame * 3 + channel + 1) * 4096)
  return Array.from({ length: CELLS }, (_, cell) => {
    const [row, column] = [Math.floor(cell / COLS), cell % COLS]
    let sum = 0
    for (let y = 0; y < 64; y++) {
      const overlap = Math.min(y + 1, ((row + 1) * 64) / ROWS) - Math.max(y, (row * 64) / ROWS)
      if (overlap > 0) sum += overlap * plane[y * 64 + column]!
    }
    // Sixteenths are exact; doubles of 64 / 36 are not.
    return Math.round(((sum * ROWS) / 64) * 16) / 16
  })
}

function plainSsim(a: readonly number[], b: readonly number[]): number {
  const scores: number[] = []
  for (let top = 0; top + 8 <= ROWS; top += 4) {
    for (let left = 0; left + 8 <= COLS; left += 4) {
      const cells = Array.from({ length: 64 }, (_, i) => (top + (i >> 3)) * COLS + left + (i & 7))
      const mean = (of: (i: number) => number): number => cells.reduce((sum, i) => sum + of(i), 0) / 64
      const [ma, mb] = [mean((i) => a[i]!), mean((i) => b[i]!)]
      const va = mean((i) => (a[i]! - ma) ** 2)
      const vb = mean((i) => (b[i]! - mb) ** 2)
      const covariance = mean((i) => (a[i]! - ma) * (b[i]! - mb))
      scores.push(((2 * ma * mb + 6.5025) * (2 * covariance + 58.5225)) / ((ma * ma + mb * mb + 6.5025) * (va + vb + 58.5225)))
    }
  }
  return scores.reduce((x, y) => x + y, 0) / scores.length
}

const store = new GridStore()
store.reserve(FRAMES * 3 + 1)
for (let frame = 0; frame < FRAMES; frame++) store.load(planes, frame, frame * 3)
const grids = Array.from({ length: FRAMES * 3 }, (_, grid) => plainGrid(Math.floor(grid / 3), grid % 3))
const [A, B] = [grids[0]!, grids[3]!]
const sum = (of: (i: number) => number): number => A.reduce((total, _, i) => total + of(i), 0)

describe('grids', () => {
  it('are the pixels averaged by area, exactly', () => {
    grids.forEach((plain, grid) => {
      expect(Array.from(store.cells(grid), (cell) => cell / 16)).toEqual(plain)
    })
    expect(store.cell(5, 700)).toBe(grids[5]![700])
  })

  it('stay where they are when room is made for more', () => {
    const before = [...store.cells(7)]
    store.reserve(100)
    expect([...store.cells(7)]).toEqual(before)
  })

  it('differ by the root of the mean square', () => {
    expect(store.rmse(0, 3)).toBeCloseTo(Math.sqrt(sum((i) => (A[i]! - B[i]!) ** 2) / CELLS), 10)
    expect(store.rmse(3, 3)).toBe(0)
  })

  it('differ by the root of the mean square of weighted cells', () => {
    const weights = A.map((_, i) => 1 / (1 + (i % 7)))
    store.setWeights(weights)
    expect(store.weightedRmse(0, 3)).toBeCloseTo(Math.sqrt(sum((i) => ((A[i]! - B[i]!) * weights[i]!) ** 2) / CELLS), 4)
  })

  it('have products about grey', () => {
    expect(store.aboutGrey(0, 3)).toBeCloseTo(
      sum((i) => (A[i]! - 128) * (B[i]! - 128)),
      4,
    )
    expect(store.aboutGrey(0, 0)).toBeCloseTo(
      sum((i) => (A[i]! - 128) ** 2),
      4,
    )
  })

  it('are averaged over frames, and so are differences', () => {
    const mean = store.meanOf(FRAMES, (n) => n * 3)
    const difference = store.meanOf(
      FRAMES - 1,
      (n) => n * 3 + 3,
      (n) => n * 3,
    )
    for (const cell of [0, 63, 64, 1000, CELLS - 1]) {
      expect(mean[cell]).toBeCloseTo((A[cell]! + B[cell]! + grids[6]![cell]! + grids[9]![cell]!) / 4, 10)
      expect(difference[cell]).toBeCloseTo((grids[9]![cell]! - A[cell]!) / 3, 10)
    }
  })

  it('have the largest step to a neighbour as gradient, summed over channels', () => {
    const slope = (grid: readonly number[], i: number): number => {
      const x = i % COLS
      const around = [x > 0 ? i - 1 : i, x + 1 < COLS ? i + 1 : i, i >= COLS ? i - COLS : i, i + COLS < CELLS ? i + COLS : i]
      return Math.max(...around.map((k) => Math.abs(grid[i]! - grid[k]!)))
    }
    store.gradient([1, 2], FRAMES * 3)
    expect(Array.from(store.cells(FRAMES * 3), (cell) => cell / 16)).toEqual(
      A.map((_, i) => slope(grids[1]!, i) + slope(grids[2]!, i)),
    )
  })

  it('have the mean SSIM of windows of 8x8 cells', () => {
    expect(store.ssim(0, 3)).toBeCloseTo(plainSsim(A, B), 10)
    expect(store.ssim(4, 4)).toBeCloseTo(1, 12)
  })

  it('have the quality of PDQ: whole percents of the steps between pixels', () => {
    const y = planes.data.subarray(0, 4096)
    let total = 0
    for (let i = 0; i < 4096; i++) {
      if (i < 4032) total += Math.trunc((Math.abs(y[i]! - y[i + 64]!) * 100) / 255)
      if (i % 64 < 63) total += Math.trunc((Math.abs(y[i]! - y[i + 1]!) * 100) / 255)
    }
    expect(qualityOf(planes, 0)).toBe(Math.min(100, Math.trunc(total / 90)))
    const even: Planes = { ...planes, data: planes.data.map((_, i) => (i % 64) * 2) }
    expect(qualityOf(even, 0)).toBe(0)
    expect(qualityOf({ ...planes, data: planes.data.map((_, i) => (i % 64) * 3) }, 0)).toBe(Math.trunc((63 * 64) / 90))
  })
})
