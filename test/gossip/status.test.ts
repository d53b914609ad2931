import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeStatus, encodeStatus } from '../../src/gossip/status.ts'

const status = fc.record({
  verdictVersion: fc.integer({ min: 0, max: 0xffff_ffff }),
  chainTimeSec: fc.integer({ min: 0, max: 2 ** 40 }),
  kept: fc.maxSafeNat(),
  peers: fc.integer({ min: 0, max: 0xffff }),
})

describe('a status', () => {
  it('survives the wire, also with fields of a later version behind it', () => {
    fc.assert(
      fc.property(status, fc.uint8Array({ maxLength: 64 }), (one, more) => {
        expect(decodeStatus(Uint8Array.from([...encodeStatus(one), ...more]))).toEqual(one)
      }),
    )
  })

  it('of any bytes is read as numbers that can be compared, or refused as a violation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        if (bytes.length < 22) expect(() => decodeStatus(bytes)).toThrowError(expect.objectContaining({ code: 'pull-violation' }))
        else expect(Number.isSafeInteger(decodeStatus(bytes).chainTimeSec)).toBe(true)
      }),
    )
  })

  it('tells a crowd of peers and a clock before 1970 as the nearest number that fits', () => {
    const bytes = encodeStatus({ verdictVersion: 1, chainTimeSec: -5, kept: 1, peers: 100_000 })
    expect(decodeStatus(bytes)).toEqual({ verdictVersion: 1, chainTimeSec: 0, kept: 1, peers: 0xffff })
  })
})
