import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRateLimiter } from '../../src/base/rate.ts'

describe('the rate limiter', () => {
  it('lets a burst through, then one each interval', () => {
    let nowMs = 0
    const limiter = createRateLimiter({ burst: 3, everyMs: 100 }, { nowMs: () => nowMs })
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false])
    expect(limiter.take('b')).toBe(true)
    nowMs = 99
    expect(limiter.take('a')).toBe(false)
    nowMs = 100
    expect([limiter.allows('a'), limiter.take('a'), limiter.allows('a'), limiter.take('a')]).toEqual([true, true, false, false])
    nowMs = 10_000
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false])
  })

  it('never lets more through than burst plus time over interval', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(40), { maxLength: 200 }),
        (burst, everyMs, steps) => {
          let nowMs = 5
          const limiter = createRateLimiter({ burst, everyMs }, { nowMs: () => nowMs })
          let taken = 0
          for (const step of steps) {
            nowMs += step
            if (limiter.take('k')) taken++
          }
          expect(taken).toBeLessThanOrEqual(burst + (nowMs - 5) / everyMs)
        },
      ),
    )
  })

  it('remembers a bounded number of keys and drops idle ones first', () => {
    let nowMs = 0
    const limiter = createRateLimiter({ burst: 1, everyMs: 100, maxKeys: 3 }, { nowMs: () => nowMs })
    for (const key of ['a', 'b', 'c']) limiter.take(key)
    nowMs = 100
    limiter.take('b')
    limiter.take('d')
    expect(limiter.size()).toBe(2)
    expect(limiter.take('b')).toBe(false)
    for (let i = 0; i < 50; i++) limiter.take(`k${i}`)
    expect(limiter.size()).toBeLessThanOrEqual(3)
  })

  it('refuses a quota that makes no sense', () => {
    expect(() => createRateLimiter({ burst: 0, everyMs: 1 }, { nowMs: () => 0 })).toThrow(RangeError)
    expect(() => createRateLimiter({ burst: 1, everyMs: 0 }, { nowMs: () => 0 })).toThrow(RangeError)
    expect(() => createRateLimiter({ burst: Number.NaN, everyMs: 1 }, { nowMs: () => 0 })).toThrow(RangeError)
  })
})
