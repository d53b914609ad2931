import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { agreed, FULL_TRUST, faulted, isTrusted, NEW_TRUST } from '../../src/court/trust.ts'

describe('trust', () => {
  it('falls to two thirds with a fault and grows by one with an agreed replay, up to its cap', () => {
    expect(faulted(NEW_TRUST)).toEqual({ value: 2, faults: 1 })
    expect(agreed(faulted(NEW_TRUST))).toEqual({ value: 3, faults: 1 })
    expect(agreed({ value: FULL_TRUST, faults: 0 }).value).toBe(FULL_TRUST)
  })

  it('is lost for good with the third fault, unless it was full in between', () => {
    const twice = faulted(faulted(NEW_TRUST))
    expect(isTrusted(twice)).toBe(true)
    const out = faulted(twice)
    expect(isTrusted(out)).toBe(false)
    expect(Array.from({ length: 50 }).reduce<typeof out>(agreed, out)).toEqual(out)
    const redeemed = Array.from({ length: 10 }).reduce<typeof twice>(agreed, twice)
    expect(isTrusted(faulted(redeemed))).toBe(true)
  })

  it('is lost by whoever lies half of the time', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (lies) => {
        const end = lies.reduce((trust, lie) => (lie ? faulted(trust) : agreed(trust)), NEW_TRUST)
        if (lies.filter(Boolean).length >= 20) expect(isTrusted(end)).toBe(false)
      }),
    )
  })
})
