import { createHash } from 'node:crypto'
import type { DetailSeries } from './types.ts'
import { BANDS, bandSums, TILES } from './wasm/dct.ts'

export { BANDS, TILES }

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

/** Coefficients of each band: those (u, v) with max(u, v) = band. */
const PER_BAND = [1, 3, 5, 7, 9, 11, 13, 15]

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
  const sums = bandSums(a, b, width, height)
  const { blocks } = sums
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
  pictures: () => { source: Uint8Array; own: Uint8Array }
}

/** Compares sampled full pictures of a rendition with the source's. */
export function detailOf(pairs: readonly DetailPair[], width: number, height: number): DetailSeries {
  const whole = products(pairs.length * BANDS)
  const tiles = products(TILES * TILES * BANDS)
  const counted = pairs.filter(({ aligned }) => aligned).length
  pairs.forEach(({ pictures, aligned }, f) => {
    const { source, own } = pictures()
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
