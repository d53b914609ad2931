import { describe, expect, it } from 'vitest'
import { lowestOf, trendOf } from './trend.ts'

/** Noise that is the same each time, about -1 to 1. */
const noise = (i: number) => Math.sin(i * 12.9898) * Math.cos(i * 78.233)

describe('the trend of a heap', () => {
  it('finds the slope in noise, with wild points, and limits that hold it', () => {
    const points = Array.from({ length: 60 }, (_, i) => [i, 100 + 0.2 * i + noise(i) + (i % 9 === 0 ? 40 : 0)] as const)
    const trend = trendOf(points)
    expect(trend?.slope).toBeGreaterThan(0.15)
    expect(trend?.slope).toBeLessThan(0.25)
    expect(trend?.low).toBeLessThan(0.2)
    expect(trend?.low).toBeGreaterThan(0)
    expect(trend?.high).toBeGreaterThan(0.2)
  })

  it('does not call noise growth', () => {
    const trend = trendOf(Array.from({ length: 60 }, (_, i) => [i, 100 + noise(i)] as const))
    expect(trend?.low).toBeLessThan(0)
    expect(trend?.high).toBeGreaterThan(0)
  })

  it('says nothing of three points, and is exact on a straight line', () => {
    expect(trendOf([[0, 1], [1, 2], [2, 3]])).toBeUndefined() // biome-ignore format: points
    expect(trendOf([0, 1, 2, 3, 4, 5].map((x) => [x, 3 * x] as const))).toMatchObject({ slope: 3, low: 3, high: 3 })
  })

  it('takes the lowest point of each span', () => {
    expect(lowestOf([[0, 5], [4, 3], [11, 8], [12, 9]], 10)).toEqual([[4, 3], [11, 8]]) // biome-ignore format: points
  })
})
