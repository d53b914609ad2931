import { createHash } from 'node:crypto'
import type { DetailSeries } from './types.ts'

/** Sampled frames a second for the detail measures, and at most so many a job: 24 full pictures are enough to average over. */
const DETAIL_PER_SECOND = 3
const MAX_DETAIL_FRAMES = 24
const MIN_DETAIL_FRAMES = 6

/** A number in [0, 1) that nobody knows before the seed. */
function fraction(seed: string, slot: number): number {
  return createHash('sha256').update(`detail ${seed} ${slot}`).digest().readUInt32BE(0) / 2 ** 32
}

/**
 * Which source frames are looked at closely: one of each equal stretch of the segment, drawn from the seed, so that a node
 * cannot know before delivery on which frames it would have to work.
 */
export function drawDetailFrames(frames: number, durationMs: number, seed: string): number[] {
  const wanted = Math.round((durationMs / 1000) * DETAIL_PER_SECOND)
  const count = Math.min(frames, Math.max(MIN_DETAIL_FRAMES, Math.min(MAX_DETAIL_FRAMES, wanted)))
  return Array.from({ length: count }, (_, slot) =>
    Math.min(frames - 1, Math.floor(((slot + fraction(seed, slot)) * frames) / count)),
  )
}

/** Numbers of the frames nearest to given moments; both lists rise. */
export function framesAt(timesMs: readonly number[], moments: readonly number[]): number[] {
  let at = 0
  return moments.map((moment) => {
    while (at + 1 < timesMs.length && Math.abs((timesMs[at + 1] ?? 0) - moment) <= Math.abs((timesMs[at] ?? 0) - moment)) at++
    return at
  })
}

export const BANDS = 8

/** 8-point DCT-II, orthonormal. */
const DCT = Float64Array.from({ length: 64 }, (_, i) => {
  const k = i >> 3
  const n = i & 7
  return (k === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * n + 1) * k * Math.PI) / 16)
})
const BAND = Uint8Array.from({ length: 64 }, (_, i) => Math.max(i >> 3, i & 7))
const PER_BAND = [1, 3, 5, 7, 9, 11, 13, 15]

function dct(picture: Uint8Array, at: number, width: number, half: Float64Array, out: Float64Array): void {
  for (let y = 0; y < 8; y++) {
    const row = at + y * width
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
      out[k * 8 + u] = sum
    }
  }
}

/** Tiles of a picture, for what is done to a part of it. */
export const TILES = 4

interface Products {
  aa: Float64Array
  bb: Float64Array
  ab: Float64Array
}

const products = (size: number): Products => ({
  aa: new Float64Array(size),
  bb: new Float64Array(size),
  ab: new Float64Array(size),
})

/**
 * Products of the 8x8 DCT coefficients of two pictures, by tile and band: means over the coefficients of the black squares of a
 * chessboard of blocks, which is half the work and the same mean.
 */
export function bandProducts(a: Uint8Array, b: Uint8Array, width: number, height: number): Products {
  const sums = products(TILES * TILES * BANDS)
  const blocks = new Float64Array(TILES * TILES)
  const half = new Float64Array(64)
  const p = new Float64Array(64)
  const q = new Float64Array(64)
  for (let top = 0; top + 8 <= height; top += 8) {
    for (let left = top % 16; left + 8 <= width; left += 16) {
      const tile = Math.floor((top * TILES) / height) * TILES + Math.floor((left * TILES) / width)
      blocks[tile] = (blocks[tile] ?? 0) + 1
      dct(a, top * width + left, width, half, p)
      dct(b, top * width + left, width, half, q)
      for (let i = 0; i < 64; i++) {
        const at = tile * BANDS + (BAND[i] ?? 0)
        const x = p[i] ?? 0
        const y = q[i] ?? 0
        sums.aa[at] = (sums.aa[at] ?? 0) + x * x
        sums.bb[at] = (sums.bb[at] ?? 0) + y * y
        sums.ab[at] = (sums.ab[at] ?? 0) + x * y
      }
    }
  }
  for (const sum of [sums.aa, sums.bb, sums.ab]) {
    sum.forEach((value, at) => {
      const count = (blocks[Math.floor(at / BANDS)] ?? 0) * (PER_BAND[at % BANDS] ?? 1)
      sum[at] = count > 0 ? value / count : 0
    })
  }
  return sums
}

/** A sampled picture of a rendition beside the source's of the same moment. */
export interface DetailPair {
  frame: number
  aligned: boolean
  source: Uint8Array
  own: Uint8Array
}

/** Compares sampled full pictures of a rendition with the source's. */
export function detailOf(pairs: readonly DetailPair[], width: number, height: number): DetailSeries {
  const whole = products(pairs.length * BANDS)
  const tiles = products(TILES * TILES * BANDS)
  const counted = pairs.filter(({ aligned }) => aligned).length
  pairs.forEach(({ source, own, aligned }, f) => {
    const found = bandProducts(source, own, width, height)
    for (const name of ['aa', 'bb', 'ab'] as const) {
      found[name].forEach((value, at) => {
        const band = f * BANDS + (at % BANDS)
        // Tiles are of one size, so the picture is the mean of them.
        whole[name][band] = (whole[name][band] ?? 0) + value / (TILES * TILES)
        if (aligned) tiles[name][at] = (tiles[name][at] ?? 0) + value / counted
      })
    }
  })
  return {
    frames: pairs.map(({ frame }) => frame),
    aligned: pairs.map(({ aligned }) => aligned),
    source: whole.aa,
    own: whole.bb,
    cross: whole.ab,
    tiles: { source: tiles.aa, own: tiles.bb, cross: tiles.ab },
  }
}
