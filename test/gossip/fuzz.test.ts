import { beforeAll, describe, expect, it } from 'vitest'
import { STATEMENT_KINDS } from '../../proofs/codec.ts'
import { fuzzKind, prepare } from './fuzz.ts'

// 2,000 mutated messages a kind; `npm run test:fuzz` makes it 100,000 in all.

beforeAll(prepare)

describe('mutated messages', () => {
  it.each(STATEMENT_KINDS)(
    'of kind %s get the right answer, and leave nothing behind where it is no',
    { timeout: 60_000 },
    async (kind) => {
      const tally = await fuzzKind(kind, 2_000)
      expect(tally.runs).toBeGreaterThan(1_900)
      expect(Math.min(tally.accepted, tally.ignored, tally.rejected)).toBeGreaterThan(20)
    },
  )
})
