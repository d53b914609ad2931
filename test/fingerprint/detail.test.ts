import { describe, expect, it } from 'vitest'
import { BANDS, bandProducts, TILES } from '../../src/fingerprint/detail.ts'

const NAMES = ['aa', 'bb', 'ab'] as const
const BASIS = Float64Array.from({ length: 64 }, (_, i) => {
  const k = i >> 3
  return (k === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * (i & 7) + 1) * k * Math.PI) / 16)
})

/** The same by the definition, in doubles: every coefficient a sum of 64 products. */
function plainProducts(a: Uint8Array, b: Uint8Array, width: number, height: number): Record<'aa' | 'bb' | 'ab', number[]> {
  const zeros = (): number[] => Array.from({ length: TILES * TILES * BANDS }, () => 0)
  const out = { aa: zeros(), bb: zeros(), ab: zeros() }
  const count = zeros()
  for (let top = 0; top + 8 <= height; top += 8) {
    for (let left = top % 16; left + 8 <= width; left += 16) {
      const tile = Math.floor((top * TILES) / height) * TILES + Math.floor((left * TILES) / width)
      for (let i = 0; i < 64; i++) {
        let p = 0
        let q = 0
        for (let n = 0; n < 64; n++) {
          const weight = BASIS[(i >> 3) * 8 + (n >> 3)]! * BASIS[(i & 7) * 8 + (n & 7)]!
          const at = (top + (n >> 3)) * width + left + (n & 7)
          p += weight * a[at]!
          q += weight * b[at]!
        }
        const at = tile * BANDS + Math.max(i >> 3, i & 7)
        count[at]!++
        out.aa[at]! += p * p
        out.bb[at]! += q * q
        out.ab[at]! += p * q
      }
    }
  }
  for (const name of NAMES) out[name] = out[name].map((sum, at) => sum / Math.max(1, count[at]!))
  return out
}

const noise = (size: number, seed: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 19) & 255)

describe('products of DCT bands', () => {
  // Sizes that end inside a block, beside a chessboard square, in the middle of a strip of 4096 columns, and too small for a block.
  it.each([
    [64, 48],
    [101, 67],
    [8, 8],
    [23, 24],
    [4200, 24],
    [72, 4104],
    [7, 100],
  ])('are those of the definition at %ix%i', (width, height) => {
    const a = noise(width * height, 1)
    const b = a.map((value, i) => Math.max(0, value - (i % 5)))
    const own = bandProducts(a, b, width, height)
    const plain = plainProducts(a, b, width, height)
    const worst = NAMES.map((name) => Math.max(...own[name].map((x, i) => Math.abs(x - plain[name][i]!) / (1 + Math.abs(x)))))
    expect(Math.max(...worst)).toBeLessThan(1e-5)
  })

  it('are the same bits on every machine', () => {
    const { aa, bb, ab } = bandProducts(noise(320 * 180, 3), noise(320 * 180, 4), 320, 180)
    expect([aa[0], bb[11], ab[125]]).toMatchInlineSnapshot(`
      [
        1030032.9333333331,
        1631.456873903512,
        1228.2006877145527,
      ]
    `)
  })
})
