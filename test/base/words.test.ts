import { describe, expect, it } from 'vitest'
import { createWords, flat } from '../../src/base/words.ts'
import { held } from '../helpers/heap.ts'

/** A part of a text of 100 kB, as a parser cuts it out. */
const part = (i: number) => `${String(i).padStart(42, '0')}${'x'.repeat(100_000)}`.replaceAll('y', 'z').slice(0, 42)

describe('a string that is held for long', () => {
  it('holds no longer one that it was cut out of', () => {
    const parts = () => Array.from({ length: 200 }, (_, i) => part(i))
    expect(held(parts).bytes).toBeGreaterThan(10_000_000)
    const { bytes, made } = held(() => parts().map(flat))
    expect(bytes).toBeLessThan(1_000_000)
    expect(made).toEqual(parts())
  })

  it('is there once, and its fellows beyond the bound are still right', () => {
    const words = createWords(3)
    const { bytes, made } = held(() => Array.from({ length: 100_000 }, (_, i) => words.one(`0x${'ab'.repeat(20)}${i % 3}`)))
    // An array of references: eight bytes each.
    expect(bytes).toBeLessThan(1_500_000)
    expect(new Set(made).size).toBe(3)
    for (let i = 0; i < 10; i++) expect(words.one(`word ${i} é`)).toBe(`word ${i} é`)
  })
})
