import {
  type Code,
  countDown,
  f32x4,
  f64,
  f64x2,
  i16x8,
  i32,
  i32x4,
  i64x2,
  type Local,
  moduleOf,
  shuffle16,
  shuffle32,
  v128,
  Writer,
} from './assembler.ts'

/**
 * Sums over grids of 64x36 cells. A cell is a 16-bit integer in sixteenths of a level, which the grid's rows of 16/9 pixels come
 * out at exactly; so all sums but the weighted one are exact too, and their order cannot matter.
 */

const COLS = 64
const ROWS = 36
/** Bytes of a row of cells, and of a grid; vectors of eight cells in a row. */
const ROW = COLS * 2
export const GRID_BYTES = ROW * ROWS
const CHUNKS = Array.from({ length: COLS / 8 }, (_, i) => i)
/** 128 levels: grey in the chroma channels. */
const GREY = 128 * 16

const flat = (code: readonly Code[]): number[] => code.flat()
const zero: Code = v128.constant16(0)

/** grid(plane, out): 64x64 pixels of one byte to 64x36 cells. Nine rows of cells cover sixteen of pixels. */
function grid(): Writer {
  const p = new Writer('grid', 2)
  const [plane, out] = p.params as [Local, Local]
  const repeats = p.local('i32')
  const rows = Array.from({ length: 9 }, (_, r) =>
    CHUNKS.map((x) => {
      const parts: Code[] = []
      for (let y = Math.floor((16 * r) / 9); 9 * y < 16 * (r + 1); y++) {
        const ninths = Math.min(9 * (y + 1), 16 * (r + 1)) - Math.max(9 * y, 16 * r)
        parts.push(i16x8.mul(v128.load8x8(plane.get, y * COLS + x * 8), v128.constant16(ninths)))
      }
      return v128.store(
        out.get,
        parts.reduce((sum, part) => i16x8.add(sum, part)),
        r * ROW + x * 16,
      )
    }),
  )
  p.emit(repeats.set(i32.constant(4)))
  p.emit(countDown(repeats, [...flat(rows.flat()), ...plane.step(16 * COLS), ...out.step(9 * ROW)]))
  return p
}

/** Emits the sum over all cells of products of two numbers a cell, each below 2^12 in size: 64 of them fit into 32 bits. */
function products(p: Writer, pointers: readonly Local[], left: (at: number) => Code, right?: (at: number) => Code): void {
  const value = p.local('v128')
  const sum = p.local('v128')
  const total = p.local('v128')
  const groups = p.local('i32')
  const body: Code[] = [sum.set(zero)]
  for (let at = 0; at < 4 * ROW; at += 16) {
    body.push(value.set(left(at)), sum.set(i32x4.add(sum.get, i32x4.dot16(value.get, right ? right(at) : value.get))))
  }
  body.push(total.set(i64x2.add(total.get, i64x2.add(i64x2.widenLow32(sum.get), i64x2.widenHigh32(sum.get)))))
  body.push(...pointers.map((pointer) => pointer.step(4 * ROW)))
  p.emit(groups.set(i32.constant(ROWS / 4)), countDown(groups, flat(body)))
  p.emit(f64.add(f64.laneOfI64(total.get, 0), f64.laneOfI64(total.get, 1)))
}

/** squares(a, b): sum of (a - b)^2. */
function squares(): Writer {
  const p = new Writer('squares', 2, 'f64')
  const [a, b] = p.params as [Local, Local]
  products(p, [a, b], (at) => i16x8.sub(v128.load(a.get, at), v128.load(b.get, at)))
  return p
}

/** aboutGrey(a, b): sum of (a - grey)(b - grey). */
function aboutGrey(): Writer {
  const p = new Writer('aboutGrey', 2, 'f64')
  const [a, b] = p.params as [Local, Local]
  const from = (pointer: Local) => (at: number) => i16x8.sub(v128.load(pointer.get, at), v128.constant16(GREY))
  products(p, [a, b], from(a), from(b))
  return p
}

/** gather(sums, a, b): adds a - b to 32-bit sums. */
function gather(): Writer {
  const p = new Writer('gather', 3)
  const [sums, a, b] = p.params as [Local, Local, Local]
  const value = p.local('v128')
  const rows = p.local('i32')
  const body = CHUNKS.flatMap((x): Code[] => [
    value.set(i16x8.sub(v128.load(a.get, x * 16), v128.load(b.get, x * 16))),
    v128.store(sums.get, i32x4.add(v128.load(sums.get, x * 32), i32x4.widenLow16(value.get)), x * 32),
    v128.store(sums.get, i32x4.add(v128.load(sums.get, x * 32 + 16), i32x4.widenHigh16(value.get)), x * 32 + 16),
  ])
  p.emit(rows.set(i32.constant(ROWS)))
  p.emit(countDown(rows, [...flat(body), ...sums.step(2 * ROW), ...a.step(ROW), ...b.step(ROW)]))
  return p
}

/** weighted(a, b, weights): sum of ((a - b) weight)^2 with single-precision weights, in double precision from row to row. */
function weighted(): Writer {
  const p = new Writer('weighted', 3, 'f64')
  const [a, b, weights] = p.params as [Local, Local, Local]
  const value = p.local('v128')
  const part = p.local('v128')
  const sum = p.local('v128')
  const total = p.local('v128')
  const rows = p.local('i32')
  const body: Code[] = [sum.set(zero)]
  for (const x of CHUNKS) {
    body.push(value.set(i16x8.sub(v128.load(a.get, x * 16), v128.load(b.get, x * 16))))
    for (const half of [0, 1]) {
      const wide = half === 0 ? i32x4.widenLow16(value.get) : i32x4.widenHigh16(value.get)
      body.push(part.set(f32x4.mul(f32x4.fromInt(wide), v128.load(weights.get, x * 32 + half * 16))))
      body.push(sum.set(f32x4.add(sum.get, f32x4.mul(part.get, part.get))))
    }
  }
  const high = shuffle32(sum.get, sum.get, [2, 3, 2, 3])
  body.push(total.set(f64x2.add(total.get, f64x2.add(f64x2.fromLowFloat(sum.get), f64x2.fromLowFloat(high)))))
  body.push(a.step(ROW), b.step(ROW), weights.step(2 * ROW))
  p.emit(rows.set(i32.constant(ROWS)), countDown(rows, flat(body)))
  p.emit(f64.add(f64.lane(total.get, 0), f64.lane(total.get, 1)))
  return p
}

/** gradient(a, out): adds the largest difference to one of the four neighbours to `out`. `a` is the address of the row above the first. */
function gradient(): Writer {
  const p = new Writer('gradient', 2)
  const [a, out] = p.params as [Local, Local]
  const here = p.local('v128')
  const rows = p.local('i32')
  const row = (hasAbove: boolean, hasBelow: boolean): number[] => [
    ...flat(
      CHUNKS.flatMap((x): Code[] => {
        const at = ROW + x * 16
        const neighbours = [
          x === 0 ? shuffle16(here.get, here.get, [0, 0, 1, 2, 3, 4, 5, 6]) : v128.load(a.get, at - 2),
          x === CHUNKS.length - 1 ? shuffle16(here.get, here.get, [1, 2, 3, 4, 5, 6, 7, 7]) : v128.load(a.get, at + 2),
          ...(hasAbove ? [v128.load(a.get, at - ROW)] : []),
          ...(hasBelow ? [v128.load(a.get, at + ROW)] : []),
        ]
        const most = neighbours
          .map((neighbour) => i16x8.abs(i16x8.sub(here.get, neighbour)))
          .reduce((max, one) => i16x8.max(max, one))
        return [here.set(v128.load(a.get, at)), v128.store(out.get, i16x8.add(v128.load(out.get, x * 16), most), x * 16)]
      }),
    ),
    ...a.step(ROW),
    ...out.step(ROW),
  ]
  p.emit(row(false, true), rows.set(i32.constant(ROWS - 2)), countDown(rows, row(true, true)), row(true, false))
  return p
}

/** Sums that `structure` writes: five kinds, for each of nine rows of 4x4 blocks, for each pair of columns. */
export const STRUCTURE_SUMS = (ROWS / 4) * 5 * (COLS / 2)

/** structure(a, b, out): sums over four rows and two columns of a, b, a^2, b^2 and ab, each 32 numbers of 32 bits a row of blocks. */
function structure(): Writer {
  const p = new Writer('structure', 3)
  const [a, b, out] = p.params as [Local, Local, Local]
  const rows = p.local('i32')
  const sums = Array.from({ length: 5 }, () => p.local('v128'))
  const [left, right] = [p.local('v128'), p.local('v128')]
  const ones = v128.constant16(1)
  const body = CHUNKS.flatMap((x): Code[] => [
    ...sums.map((sum) => sum.set(zero)),
    ...[0, 1, 2, 3].flatMap((y): Code[] => {
      const terms = [
        [left.get, ones],
        [right.get, ones],
        [left.get, left.get],
        [right.get, right.get],
        [left.get, right.get],
      ] as const
      return [
        left.set(v128.load(a.get, y * ROW + x * 16)),
        right.set(v128.load(b.get, y * ROW + x * 16)),
        ...terms.map(([one, other], k) => (sums[k] as Local).set(i32x4.add((sums[k] as Local).get, i32x4.dot16(one, other)))),
      ]
    }),
    ...sums.map((sum, k) => v128.store(out.get, sum.get, k * 2 * COLS + x * 16)),
  ])
  p.emit(rows.set(i32.constant(ROWS / 4)))
  p.emit(countDown(rows, [...flat(body), ...a.step(4 * ROW), ...b.step(4 * ROW), ...out.step(5 * 2 * COLS)]))
  return p
}

export const GRID_MODULE = new WebAssembly.Module(
  moduleOf([grid(), squares(), aboutGrey(), gather(), weighted(), gradient(), structure()], 2),
)
