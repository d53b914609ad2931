import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readWeights } from '../../src/config/weights.ts'

const folder = mkdtempSync(join(tmpdir(), 'fisherman-weights-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (text: string) => {
  const path = join(folder, 'weights.yaml')
  writeFileSync(path, text)
  return path
}

describe('a file of weights', () => {
  it('adds presets to those that everybody has', () => {
    expect([...readWeights(undefined).keys()]).toEqual(['low-latency', 'archive', 'balanced'])
    const all = readWeights(file('presets:\n  sport: { success: 2, speed: 6 }\n  films: { success: 1, quality: 3.5 }\n'))
    expect(all.get('sport')).toEqual({ success: 2, speed: 6 })
    expect(all.size).toBe(5)
  })
  it.each([
    ['preset: { a: { success: 1 } }', /preset: is not known; did you mean presets\?/],
    ['presets: { sport: { success: 1, sped: 3 } }', /presets\.sport\.sped: is not known; did you mean speed\?/],
    ['presets: { sport: { success: 1, colour: 3 } }', /colour: is not known; there are success, speed, quality, capacity, price/],
    ['presets: { sport: { speed: 1 } }', /success must weigh more than 0/],
    ['presets: { sport: { success: -1 } }', /presets\.sport\.success: .*from 0 to 1000/],
    ['presets: { sport: { success: much } }', /presets\.sport\.success: .*weights are numbers/],
    ['presets: { balanced: { success: 1 } }', /means the same everywhere/],
    ['presets: { "Big One": { success: 1 } }', /lower-case letters/],
    ['presets: {}', /must name 1 to 50 presets/],
    ['presets: []', /weights are numbers/],
  ])('refuses %s', (text, says) => {
    expect(() => readWeights(file(text))).toThrow(says)
  })
})
