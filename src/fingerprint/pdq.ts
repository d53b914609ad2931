import { drawnFrames, fingerprintOf } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import type { Pictures } from '../transcode/pictures.ts'

/**
 * The exact fingerprint: same bytes in, same bits out, on every honest machine. Integer arithmetic alone; every number below
 * stays under 2^53, so doubles hold it exactly and the order of a sum cannot matter.
 */

/** Weights that spread `size` pixels over `cells` cells: pixel i spans [cells*i, cells*(i+1)), cell c spans [size*c, size*(c+1)). */
interface Spread {
  /** Cell that a pixel begins in. */
  cell: Int32Array
  /** Weight in that cell; the rest falls into the next one or, where the picture is smaller than the grid, several. */
  head: Int32Array
}

const spreads = new Map<string, Spread>()

function spreadOf(size: number, cells: number): Spread {
  const key = `${size}:${cells}`
  const known = spreads.get(key)
  if (known) return known
  const cell = new Int32Array(size)
  const head = new Int32Array(size)
  for (let i = 0; i < size; i++) {
    const c = Math.floor((cells * i) / size)
    cell[i] = c
    head[i] = Math.min(cells * (i + 1), size * (c + 1)) - cells * i
  }
  const spread = { cell, head }
  // Sizes come from hostile files: the table must not grow without end.
  if (spreads.size > 256) spreads.clear()
  spreads.set(key, spread)
  return spread
}

/** Adds `value`, of a pixel `cells` units wide, to the cells that the pixel covers. */
function addSpread(
  out: Float64Array,
  base: number,
  stride: number,
  first: number,
  head: number,
  size: number,
  cells: number,
  value: number,
): void {
  let c = first
  let left = cells
  let part = head
  while (left > 0) {
    const at = base + c * stride
    out[at] = (out[at] ?? 0) + value * part
    left -= part
    c++
    part = Math.min(left, size)
  }
}

/**
 * Integer fractional box filter: plane (width x height, 8 bit) to cols x rows cells in 1/16 grey levels, rounded half up.
 * Rows are summed first, so that the inner loop adds whole pixels.
 */
export function boxCells(plane: Uint8Array, width: number, height: number, cols: number, rows: number): Float64Array {
  const across = spreadOf(width, cols)
  const down = spreadOf(height, rows)
  const sums = new Float64Array(cols * rows)
  const line = new Float64Array(cols)
  for (let y = 0; y < height; y++) {
    line.fill(0)
    const row = y * width
    if (width >= cols) {
      for (let x = 0; x < width; x++) {
        const value = plane[row + x] ?? 0
        const c = across.cell[x] ?? 0
        const head = across.head[x] ?? 0
        line[c] = (line[c] ?? 0) + value * head
        if (head < cols) line[c + 1] = (line[c + 1] ?? 0) + value * (cols - head)
      }
    } else {
      for (let x = 0; x < width; x++) {
        addSpread(line, 0, 1, across.cell[x] ?? 0, across.head[x] ?? 0, width, cols, plane[row + x] ?? 0)
      }
    }
    const first = down.cell[y] ?? 0
    const head = down.head[y] ?? 0
    for (let c = 0; c < cols; c++) addSpread(sums, c, cols, first, head, height, rows, line[c] ?? 0)
  }
  const area = width * height
  // floor((16 sum + area/2) / area): 16 x 255 x 64 x 64 x area < 2^53 up to 5 x 10^8 pixels.
  for (let i = 0; i < sums.length; i++) sums[i] = floorDiv(16 * (sums[i] ?? 0) + Math.floor(area / 2), area)
  return sums
}

/** Exact floor(a / b) of non-negative integers below 2^53: the rounded quotient of doubles may be one off near a whole number. */
function floorDiv(a: number, b: number): number {
  let q = Math.floor(a / b)
  if (q * b > a) q--
  else if ((q + 1) * b <= a) q++
  return q
}

/** round(16384 cos(pi k (2n+1) / 128)) for k = 1..16, n = 0..63. */
const COSINES = Float64Array.from({ length: 16 * 64 }, (_, i) =>
  Math.round(16384 * Math.cos((Math.PI * (1 + (i >> 6)) * (2 * (i & 63) + 1)) / 128)),
)

/** PDQ-256: bit 16(u-1)+(v-1) is set where that cosine coefficient exceeds the lower median; bit 0 is the least significant. */
export function pdq256(plane: Uint8Array, width: number, height: number): Hex {
  const cells = boxCells(plane, width, height, 64, 64)
  const half = new Float64Array(16 * 64)
  for (let u = 0; u < 16; u++) {
    for (let y = 0; y < 64; y++) {
      const c = COSINES[u * 64 + y] ?? 0
      for (let x = 0; x < 64; x++) half[u * 64 + x] = (half[u * 64 + x] ?? 0) + c * (cells[y * 64 + x] ?? 0)
    }
  }
  const coefficients = new Float64Array(256)
  for (let u = 0; u < 16; u++) {
    for (let v = 0; v < 16; v++) {
      let sum = 0
      for (let x = 0; x < 64; x++) sum += (COSINES[v * 64 + x] ?? 0) * (half[u * 64 + x] ?? 0)
      coefficients[u * 16 + v] = sum
    }
  }
  const median = coefficients.slice().sort()[127] ?? 0
  let hex = ''
  for (let nibble = 63; nibble >= 0; nibble--) {
    let value = 0
    for (let bit = 3; bit >= 0; bit--) value = value * 2 + ((coefficients[nibble * 4 + bit] ?? 0) > median ? 1 : 0)
    hex += value.toString(16)
  }
  return `0x${hex}`
}

/** 8 grey levels, in sixteenths: honest coding noise does not flip a bit of that strength. */
const STRONG_SIXTEENTHS = 128

/** dHash-64 with its strength mask: 9x8 cells, bit 8y+x = right > left, strong where they differ by 8 grey levels or more. */
export function dhash64(plane: Uint8Array, width: number, height: number): { hash: Hex; strong: Hex } {
  const cells = boxCells(plane, width, height, 9, 8)
  let hash = 0n
  let strong = 0n
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      const difference = (cells[y * 9 + x + 1] ?? 0) - (cells[y * 9 + x] ?? 0)
      const bit = 1n << BigInt(8 * y + x)
      if (difference > 0) hash |= bit
      if (Math.abs(difference) >= STRONG_SIXTEENTHS) strong |= bit
    }
  }
  const hex = (value: bigint): Hex => `0x${value.toString(16).padStart(16, '0')}`
  return { hash: hex(hash), strong: hex(strong) }
}

export interface Fingerprint {
  frames: number[]
  pdq: Hex[]
  value: Hex
}

export interface Draw {
  beacon: Hex
  sampleId: Hex
  fisherman: Hex
}

/** Frame numbers of the decoded rendition that a draw asks for. */
export function framesOf(draw: Draw, frames: number): number[] {
  return drawnFrames(draw.beacon, draw.sampleId, draw.fisherman, frames)
}

/** Fingerprint over drawn native luma planes; undefined where one of them did not come out of the decoder. */
export function fingerprintFrames(
  numbers: readonly number[],
  drawn: { width: number; height: number; frames: Pick<Pictures, 'get'> },
): Fingerprint | undefined {
  const hashes = new Map<number, Hex>()
  const pdq: Hex[] = []
  for (const number of numbers) {
    const plane = drawn.frames.get(number)
    if (!plane) return undefined
    const hash = hashes.get(number) ?? pdq256(plane, drawn.width, drawn.height)
    hashes.set(number, hash)
    pdq.push(hash)
  }
  return { frames: [...numbers], pdq, value: fingerprintOf(numbers, pdq) }
}
