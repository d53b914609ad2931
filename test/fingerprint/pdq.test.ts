import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { boxCells, dhash64, pdq256 } from '../../src/fingerprint/pdq.ts'

interface Vector {
  width: number
  height: number
  firstPixels: number[]
  cells0to7: number[]
  cellSum: number
  pdq: string
  dhash: { hash: string; strong: string }
}

const vectors: Record<string, Vector> = JSON.parse(
  readFileSync(new URL('../../proofs/vectors/fingerprint.json', import.meta.url), 'utf8'),
)

const makers: Record<string, (x: number, y: number) => number> = {
  gradient: (x, y) => (x + 2 * y) & 255,
  rings: (x, y) => ((x * x + y * y) >>> 6) & 255,
  hash: (x, y) => ((x * 2654435761 + y * 40503) >>> 13) & 255,
  flat: () => 16,
  odd: (x, y) => ((x * 7) ^ (y * 13)) & 255,
  tiny: (x, y) => (x * y * 5) & 255,
}

describe('exact fingerprint', () => {
  it.each(Object.entries(vectors))('agrees with the reference bit for bit: %s', (name, vector) => {
    const { width, height } = vector
    const plane = new Uint8Array(width * height)
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) plane[y * width + x] = makers[name]?.(x, y) ?? 0
    expect([...plane.slice(0, 8)]).toEqual(vector.firstPixels)
    const cells = boxCells(plane, width, height, 64, 64)
    expect([...cells.slice(0, 8)]).toEqual(vector.cells0to7)
    expect(cells.reduce((a, b) => a + b, 0)).toBe(vector.cellSum)
    expect(pdq256(plane, width, height)).toBe(vector.pdq)
    expect(dhash64(plane, width, height)).toEqual(vector.dhash)
  })

  it('is quick enough for a 360p plane', () => {
    const plane = new Uint8Array(640 * 360).map((_, i) => (i * 31) & 255)
    for (let i = 0; i < 20; i++) pdq256(plane, 640, 360)
    const start = performance.now()
    for (let i = 0; i < 20; i++) pdq256(plane, 640, 360)
    const eachMs = (performance.now() - start) / 20
    expect(eachMs).toBeLessThan(10)
  })
})
