import { describe, expect, it } from 'vitest'
import { randomnessOf, roundAt, timeOfRound, verifyRound } from '../../src/attest/drand.ts'
import { ROUNDS } from '../helpers/drand.ts'

describe('rounds of quicknet', () => {
  it.each(ROUNDS)('$round is the network’s', ({ round, signature, randomness }) => {
    expect(verifyRound(round, signature)).toBe(true)
    if (randomness) expect(randomnessOf(signature)).toBe(randomness)
  })

  it('are of one number, one network, and unchanged', () => {
    const [first, second] = [ROUNDS[0]!, ROUNDS[1]!]
    expect(verifyRound(first.round + 1, first.signature)).toBe(false)
    expect(verifyRound(first.round, second.signature)).toBe(false)
    // The same round of another network of the same people.
    const foreign = '0xb09eacd45767c4d58306b98901ad0d6086e2663766f3a4ec71d00cf26f0f49eaf248abc7151c60cf419c4e8b37e80412'
    expect(verifyRound(1000, foreign)).toBe(false)
    for (const at of [2, 40, 97]) {
      const digit = first.signature[at] === '0' ? '1' : '0'
      expect(
        verifyRound(first.round, `${first.signature.slice(0, at)}${digit}${first.signature.slice(at + 1)}` as `0x${string}`),
      ).toBe(false)
    }
    expect(verifyRound(first.round, '0x')).toBe(false)
    expect(verifyRound(first.round, first.signature, '0x00')).toBe(false)
  })

  it('begin at a known second, each three seconds', () => {
    expect(timeOfRound(1)).toBe(1_692_803_367)
    for (const round of [1, 2, 1000, 32_281_667]) {
      expect(roundAt(timeOfRound(round))).toBe(round)
      expect(roundAt(timeOfRound(round) + 1)).toBe(round + 1)
      expect(roundAt(timeOfRound(round) - 2)).toBe(round)
    }
    expect(roundAt(0)).toBe(1)
  })
})
