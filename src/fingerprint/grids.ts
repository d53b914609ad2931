import type { Planes } from '../transcode/types.ts'
import { ssimOf, UNITS } from './luma.ts'
import { type Procedure, start } from './wasm/assembler.ts'
import { GRID_BYTES, GRID_MODULE, STRUCTURE_SUMS } from './wasm/grids.ts'

/** Comparison grid: 64x36, the aspect of most video, which evens out the coding noise of single rows. */
export const COLS = 64
export const ROWS = 36
export const CELLS = COLS * ROWS

/** Bytes of the planes of a frame and of one channel. */
const FRAME = 3 * 4096
const CHANNEL = 4096

/** Layout of the memory: one frame's planes, sums of 32 bits a cell, weights of single precision, an empty grid, the grids. */
const SUMS = FRAME
const WEIGHTS = SUMS + 2 * GRID_BYTES
const EMPTY = WEIGHTS + 2 * GRID_BYTES
const GRIDS = EMPTY + GRID_BYTES
const PAGE = 65_536

/** Number of a grid in its store. */
export type Grid = number

/**
 * Grids of 64x36 cells in the memory of the kernels that sum over them. All pictures of a source are kept, and those of one
 * rendition after the other. Sums are exact but for the weighted one, and the same on every machine.
 */
export class GridStore {
  readonly #memory: WebAssembly.Memory
  readonly #grid: Procedure
  readonly #squares: Procedure
  readonly #aboutGrey: Procedure
  readonly #gather: Procedure
  readonly #weighted: Procedure
  readonly #gradient: Procedure
  readonly #structure: Procedure
  #cells: Int16Array

  constructor() {
    const { memory, procedure } = start(GRID_MODULE)
    this.#memory = memory
    this.#grid = procedure('grid')
    this.#squares = procedure('squares')
    this.#aboutGrey = procedure('aboutGrey')
    this.#gather = procedure('gather')
    this.#weighted = procedure('weighted')
    this.#gradient = procedure('gradient')
    this.#structure = procedure('structure')
    this.#cells = new Int16Array(memory.buffer)
  }

  /** Makes room for so many grids; what is there stays. */
  reserve(grids: number): void {
    const missing = GRIDS + grids * GRID_BYTES - this.#memory.buffer.byteLength
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE))
    this.#cells = new Int16Array(this.#memory.buffer)
  }

  /** Makes the grids of Y, U and V of one frame of planes: three grids from `first`. */
  load(planes: Planes, frame: number, first: Grid): void {
    new Uint8Array(this.#memory.buffer, 0, FRAME).set(planes.data.subarray(frame * FRAME, (frame + 1) * FRAME))
    for (let channel = 0; channel < 3; channel++) this.#grid(channel * CHANNEL, addressOf(first + channel))
  }

  /** Cells of a grid, in sixteenths of a level; good until room is made for more. */
  cells(grid: Grid): Int16Array {
    return this.#cells.subarray(addressOf(grid) / 2, addressOf(grid) / 2 + CELLS)
  }

  /** One cell, in levels. */
  cell(grid: Grid, at: number): number {
    return (this.#cells[addressOf(grid) / 2 + at] ?? 0) / UNITS
  }

  /** Root of the mean squared difference, in levels. */
  rmse(a: Grid, b: Grid): number {
    return Math.sqrt(this.#squares(addressOf(a), addressOf(b)) / (UNITS * UNITS * CELLS))
  }

  /** Sum over the cells of the product of two colours about grey, in squared levels. */
  aboutGrey(a: Grid, b: Grid): number {
    return this.#aboutGrey(addressOf(a), addressOf(b)) / (UNITS * UNITS)
  }

  /** Mean SSIM of windows of 8x8 cells, four cells apart. */
  ssim(a: Grid, b: Grid): number {
    this.#structure(addressOf(a), addressOf(b), SUMS)
    return ssimOf(new Int32Array(this.#memory.buffer, SUMS, STRUCTURE_SUMS))
  }

  /** Writes the largest difference of each cell to one of its four neighbours, summed over some grids. */
  gradient(of: readonly Grid[], out: Grid): void {
    this.cells(out).fill(0)
    // The kernel begins at the row above the first, and does not look at it.
    for (const grid of of) this.#gradient(addressOf(grid) - COLS * 2, addressOf(out))
  }

  /** Mean over a number of grids of each cell, in levels, less that of as many others where they are given. */
  meanOf(count: number, plus: (n: number) => Grid, minus?: (n: number) => Grid): Float64Array {
    const sums = new Int32Array(this.#memory.buffer, SUMS, CELLS)
    sums.fill(0)
    for (let n = 0; n < count; n++) this.#gather(SUMS, addressOf(plus(n)), minus ? addressOf(minus(n)) : EMPTY)
    const mean = new Float64Array(CELLS)
    for (let i = 0; i < CELLS; i++) mean[i] = (sums[i] ?? 0) / (UNITS * Math.max(1, count))
    return mean
  }

  /** Weights of the cells for `weightedRmse`. */
  setWeights(weights: ArrayLike<number>): void {
    new Float32Array(this.#memory.buffer, WEIGHTS, CELLS).set(weights)
  }

  weightedRmse(a: Grid, b: Grid): number {
    return Math.sqrt(this.#weighted(addressOf(a), addressOf(b), WEIGHTS) / (UNITS * UNITS * CELLS))
  }
}

function addressOf(grid: Grid): number {
  return GRIDS + grid * GRID_BYTES
}
