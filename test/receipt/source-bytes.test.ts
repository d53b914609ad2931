import { expect, it } from 'vitest'
import { LIMITS } from '../../proofs/types.ts'
import { mostSourceBytes } from '../../src/receipt/row.ts'

it('a source has the length of its order, and, where an order of Livepeer names none, that of any segment', () => {
  expect(mostSourceBytes({ sourceBytes: 7n })).toBe(7n)
  expect(mostSourceBytes({ sourceBytes: 0n })).toBe(BigInt(LIMITS.segmentBytes))
})
