import {
  type Code,
  countDown,
  f32x4,
  i16x8,
  i32,
  i32x4,
  type Local,
  moduleOf,
  shuffle32,
  start,
  v128,
  Writer,
} from './assembler.ts'

/**
 * Products of the 8x8 DCT coefficients of two pictures, over one row of blocks. Float32 in one fixed order: the same numbers on
 * every machine. The transform is the scaled one of Arai, Agui and Nakajima, five multiplications a row; its scale is taken out
 * of the sums afterwards.
 */

/** Pixels of a row of blocks that fit at once. */
export const STRIP_WIDTH = 4096
const STRIP_BYTES = 8 * STRIP_WIDTH

/** Layout of the memory: sums (aa, bb, ab: 64 floats each), coefficients of `a`, first pass, the strips. */
const SUM_BYTES = 256
const SUMS = 0
const COEFFICIENTS = 3 * SUM_BYTES
const HALF = COEFFICIENTS + 256
const STRIP_A = 4096
const STRIP_B = STRIP_A + STRIP_BYTES

const C4 = Math.SQRT1_2
const C6 = Math.cos((6 * Math.PI) / 16)
const Q = Math.cos((2 * Math.PI) / 16) - C6
const R = Math.cos((2 * Math.PI) / 16) + C6

/** What 1-D coefficient k of the scaled transform must be multiplied by to be orthonormal. */
const SCALE = Array.from({ length: 8 }, (_, k) => (k === 0 ? 1 : 1 / (Math.SQRT2 * Math.cos((k * Math.PI) / 16))) / Math.sqrt(8))

type Emit = (...code: Code[]) => void

/** The 1-D transform in place over eight vectors; the answer's k-th local holds coefficient k. */
function transform(emit: Emit, d: readonly Local[], scratch: readonly Local[]): Local[] {
  const { add, sub, mul, constant } = f32x4
  const [d0, d1, d2, d3, d4, d5, d6, d7] = d as [Local, Local, Local, Local, Local, Local, Local, Local]
  const [s, t] = scratch as [Local, Local]
  /** (x, y) becomes (x + y, x - y). */
  const butterfly = (x: Local, y: Local): void => {
    emit(s.set(sub(x.get, y.get)), x.set(add(x.get, y.get)), y.set(s.get))
  }
  butterfly(d0, d7)
  butterfly(d1, d6)
  butterfly(d2, d5)
  butterfly(d3, d4)
  // Even half: d0..d3 hold the sums.
  butterfly(d0, d3)
  butterfly(d1, d2)
  butterfly(d0, d1)
  emit(d2.set(mul(add(d2.get, d3.get), constant(C4))))
  butterfly(d3, d2)
  // Odd half: d7, d6, d5, d4 hold the differences 0..3.
  emit(d4.set(add(d4.get, d5.get)), d5.set(add(d5.get, d6.get)), d6.set(add(d6.get, d7.get)))
  emit(t.set(mul(sub(d4.get, d6.get), constant(C6))))
  emit(d4.set(add(mul(d4.get, constant(Q)), t.get)), d6.set(add(mul(d6.get, constant(R)), t.get)))
  emit(d5.set(mul(d5.get, constant(C4))))
  butterfly(d7, d5)
  butterfly(d5, d4)
  butterfly(d7, d6)
  return [d0, d7, d3, d4, d1, d5, d2, d6]
}

/** Four vectors as the columns of a 4x4 matrix whose rows they were. */
function transposed(emit: Emit, rows: readonly Local[], scratch: readonly Local[]): Code[] {
  const [a, b, c, d] = rows as [Local, Local, Local, Local]
  const [s, t] = scratch as [Local, Local]
  emit(s.set(shuffle32(a.get, b.get, [0, 4, 1, 5])), t.set(shuffle32(c.get, d.get, [0, 4, 1, 5])))
  emit(a.set(shuffle32(a.get, b.get, [2, 6, 3, 7])), c.set(shuffle32(c.get, d.get, [2, 6, 3, 7])))
  return [
    shuffle32(s.get, t.get, [0, 1, 4, 5]),
    shuffle32(s.get, t.get, [2, 3, 6, 7]),
    shuffle32(a.get, c.get, [0, 1, 4, 5]),
    shuffle32(a.get, c.get, [2, 3, 6, 7]),
  ]
}

/** Emits both passes over the block at `pixels`; `take` gets each vector of four coefficients (u = 4 half.., v). */
function block(
  emit: Emit,
  at: { pixels: Local; stride: Local; row: Local },
  d: readonly Local[],
  scratch: readonly Local[],
  take: (half: number, v: number, value: Code) => void,
): void {
  const zero = i32.constant(0)
  for (let half = 0; half < 2; half++) {
    emit(at.row.set(at.pixels.get))
    d.forEach((lane, y) => {
      if (y > 0) emit(at.row.set(i32.add(at.row.get, at.stride.get)))
      emit(lane.set(f32x4.fromInt(i32x4.widenLow16(i16x8.widenLow8(v128.load32Zero(at.row.get, half * 4))))))
    })
    const order = transform(emit, d, scratch)
    for (let part = 0; part < 2; part++) {
      transposed(emit, order.slice(part * 4, part * 4 + 4), scratch).forEach((column, x) => {
        emit(v128.store(zero, column, HALF + (half * 4 + x) * 32 + part * 16))
      })
    }
  }
  for (let half = 0; half < 2; half++) {
    d.forEach((lane, x) => {
      emit(lane.set(v128.load(zero, HALF + x * 32 + half * 16)))
    })
    transform(emit, d, scratch).forEach((value, v) => {
      take(half, v, value.get)
    })
  }
}

/** strip(a, b, stride, blocks): adds the products of so many blocks, 16 pixels apart, to the sums. */
function strip(): Writer {
  const procedure = new Writer('strip', 4)
  const [a, b, stride, blocks] = procedure.params as [Local, Local, Local, Local]
  const row = procedure.local('i32')
  const d = Array.from({ length: 8 }, () => procedure.local('v128'))
  const scratch = [procedure.local('v128'), procedure.local('v128')]
  const [other] = scratch as [Local]
  const zero = i32.constant(0)
  const body: Code[] = []
  const emit: Emit = (...code) => body.push(...code)
  block(emit, { pixels: a, stride, row }, d, scratch, (half, v, value) => {
    emit(v128.store(zero, value, COEFFICIENTS + (half * 8 + v) * 16))
  })
  block(emit, { pixels: b, stride, row }, d, scratch, (half, v, value) => {
    const at = (half * 8 + v) * 16
    const add = (sum: number, x: Code, y: Code): void => {
      const offset = SUMS + sum * SUM_BYTES + at
      emit(v128.store(zero, f32x4.add(v128.load(zero, offset), f32x4.mul(x, y)), offset))
    }
    emit(other.set(v128.load(zero, COEFFICIENTS + at)))
    add(0, other.get, other.get)
    add(1, value, value)
    add(2, other.get, value)
  })
  procedure.emit(countDown(blocks, [...body.flat(), ...a.step(16), ...b.step(16)]))
  return procedure
}

const kernel = start(new WebAssembly.Module(moduleOf([strip()], 2)))
const addStrip = kernel.procedure('strip')
const { buffer } = kernel.memory
const sums = new Float32Array(buffer, SUMS, 3 * 64)
const strips = [new Uint8Array(buffer, STRIP_A, STRIP_BYTES), new Uint8Array(buffer, STRIP_B, STRIP_BYTES)]

/** The sums lie as [u / 4][v][u % 4]; this is the squared scale of each. */
const WEIGHT = Float64Array.from({ length: 64 }, (_, i) => ((SCALE[uOf(i)] ?? 0) * (SCALE[vOf(i)] ?? 0)) ** 2)
/** A coefficient (u, v) belongs to band max(u, v): what a picture enlarged from 1/s of its size lacks above 8/s. */
const BAND = Uint8Array.from({ length: 64 }, (_, i) => Math.max(uOf(i), vOf(i)))

function uOf(i: number): number {
  return (i >> 5) * 4 + (i & 3)
}

function vOf(i: number): number {
  return (i >> 2) & 7
}

/** Tiles of a picture in each direction, for what is done to a part of it, and bands of each. */
export const TILES = 4
export const BANDS = 8

/** Sums of products of coefficients: a times a, b times b, a times b; index is tile x 8 + band. */
export interface BandSums {
  aa: Float64Array
  bb: Float64Array
  ab: Float64Array
  /** Blocks of each tile. */
  blocks: Float64Array
}

/** Band sums of two pictures of one size over the black squares of a chessboard of 8x8 blocks: half the work, same mean. */
export function bandSums(a: Uint8Array, b: Uint8Array, width: number, height: number): BandSums {
  const size = TILES * TILES * BANDS
  const out: BandSums = {
    aa: new Float64Array(size),
    bb: new Float64Array(size),
    ab: new Float64Array(size),
    blocks: new Float64Array(TILES * TILES),
  }
  for (let top = 0; top + 8 <= height; top += 8) {
    for (let left = 0; left < width; left += STRIP_WIDTH) {
      const across = Math.min(STRIP_WIDTH, width - left)
      fill(0, a, top * width + left, width, across)
      fill(1, b, top * width + left, width, across)
      for (let column = 0; column < TILES; column++) {
        // Blocks begin at first + 16 k; a block belongs to the tile that its first pixel lies in.
        const first = top % 16
        const blockAt = (x: number): number => Math.max(0, Math.ceil((Math.min(x - left, across - 7) - first) / 16))
        const from = blockAt((column * width) / TILES)
        const count = blockAt(((column + 1) * width) / TILES) - from
        if (count <= 0) continue
        sums.fill(0)
        addStrip(STRIP_A + first + 16 * from, STRIP_B + first + 16 * from, across, count)
        collect(out, Math.floor((top * TILES) / height) * TILES + column, count)
      }
    }
  }
  return out
}

/** Adds the kernel's sums to those of a tile. */
function collect(out: BandSums, tile: number, blocks: number): void {
  out.blocks[tile] = (out.blocks[tile] ?? 0) + blocks
  for (let i = 0; i < 64; i++) {
    const at = tile * BANDS + (BAND[i] ?? 0)
    const weight = WEIGHT[i] ?? 0
    out.aa[at] = (out.aa[at] ?? 0) + (sums[i] ?? 0) * weight
    out.bb[at] = (out.bb[at] ?? 0) + (sums[64 + i] ?? 0) * weight
    out.ab[at] = (out.ab[at] ?? 0) + (sums[128 + i] ?? 0) * weight
  }
}

/** Copies eight rows of a picture, or of a part of it, into a strip. */
function fill(strip: 0 | 1, picture: Uint8Array, from: number, width: number, across: number): void {
  const out = strips[strip]
  if (across === width) out?.set(picture.subarray(from, from + 8 * width))
  else for (let y = 0; y < 8; y++) out?.set(picture.subarray(from + y * width, from + y * width + across), y * across)
}
