import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hexToBytes, recoverAddress } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
import { recoverKey } from '../../src/gossip/recover.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const word = (value: bigint) => value.toString(16).padStart(64, '0')

describe('the fast recovery', () => {
  it('finds who signed', () => {
    for (let n = 0; n < 20; n++) {
      const signature = wallet(n).signingKey.sign(hash(n)).serialized as Hex
      expect(recoverAddress(hash(n), signature, recoverKey)).toBe(addressOf(wallet(n)))
    }
  })

  it('says the same as the slow one of any signature at all', () => {
    const edge = fc.constantFrom(0n, 1n, 2n, ORDER / 2n, ORDER / 2n + 1n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n)
    const scalar = fc.oneof(edge, fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }))
    fc.assert(
      fc.property(scalar, scalar, scalar, fc.constantFrom('1b', '1c', '00', '1d'), (digest, r, s, v) => {
        const [message, signature] = [`0x${word(digest)}` as Hex, `0x${word(r)}${word(s)}${v}` as Hex]
        expect(recoverAddress(message, signature, recoverKey)).toBe(recoverAddress(message, signature))
      }),
      { numRuns: 1_000 },
    )
  })

  it('wants 65 bytes of key, as the address is made of', () => {
    const signature = hexToBytes(wallet(0).signingKey.sign(hash(1)).serialized as Hex).subarray(0, 64)
    expect(recoverKey(hexToBytes(hash(1)), signature, 0)?.length).toBe(65)
  })
})
