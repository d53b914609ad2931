import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { windowLeaf } from '../../proofs/digest.ts'
import { merkleRoot, merkleTree } from '../../proofs/merkle.ts'
import type { Hex } from '../../proofs/types.ts'
import { hash } from '../helpers/fixtures.ts'

const LEAVES = Array.from({ length: 4_097 }, (_, i) => windowLeaf(i, hash(i + 7)))
const leavesOf = (n: number) => LEAVES.slice(0, n)
/** All places of a small tree; of a larger one the ends and some that differ from size to size. */
const placesOf = (size: number) =>
  size <= 40 ? [...Array(size).keys()] : [...new Set([0, size - 1, size >> 1, (size * 7919) % size, (size * size - 3) % size])]
const flip = (value: Hex): Hex => `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}` as Hex

describe('merkle tree', () => {
  it('proves leaves of every size up to 300, and around powers of two up to a whole window', () => {
    const around = [9, 10, 11, 12].flatMap((power) => [2 ** power - 1, 2 ** power, 2 ** power + 1])
    for (const size of [...Array(301).keys(), ...around]) {
      const tree = merkleTree(leavesOf(size))
      if (size === 0) expect(tree.root).toBe(hash(0))
      for (const place of placesOf(size)) {
        const path = tree.proof(place)
        expect(merkleRoot(LEAVES[place] as Hex, path), `${place} of ${size}`).toBe(tree.root)
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)))
        expect(merkleRoot(windowLeaf(size, hash(1)), path), `a stranger at ${place} of ${size}`).not.toBe(tree.root)
      }
    }
  })

  it('takes no forged path, whatever is changed', () => {
    const trees = [2, 3, 7, 8, 9, 64, 100, 257].map((size) => ({ size, tree: merkleTree(leavesOf(size)) }))
    fc.assert(
      fc.property(fc.constantFrom(...trees), fc.nat(), fc.nat(), fc.nat(5), ({ size, tree }, at, where, how) => {
        const place = at % size
        const path = tree.proof(place)
        const step = where % path.length
        const forged = [
          path.map((value, i) => (i === step ? flip(value) : value)),
          path.filter((_, i) => i !== step),
          [...path.slice(0, step), hash(1), ...path.slice(step)],
          path.map((value, i) => (i === step ? (LEAVES[place] as Hex) : value)),
          [...path, tree.root],
          [],
        ][how] as Hex[]
        expect(merkleRoot(LEAVES[place] as Hex, forged)).not.toBe(tree.root)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses a leaf that is not in it, whatever path is shown', () => {
    const tree = merkleTree(leavesOf(9))
    for (let i = 0; i < 9; i++) expect(merkleRoot(windowLeaf(i, hash(999)), tree.proof(i))).not.toBe(tree.root)
  })

  it('does not depend on the order of its leaves', () => {
    const leaves = leavesOf(13)
    expect(merkleTree([...leaves].reverse()).root).toBe(merkleTree(leaves).root)
  })

  it('has a zero root without leaves and no proof outside of its list', () => {
    expect(merkleTree([]).root).toBe(hash(0))
    expect(() => merkleTree(leavesOf(3)).proof(3)).toThrow(RangeError)
  })

  // Roots made by OpenZeppelin's own merkle-tree package from the same leaf values.
  it('agrees with the standard tree on a golden root', () => {
    expect(merkleTree(leavesOf(5)).root).toBe('0xe4566e34defd851133ad119c1560784ebac6648b068252c9f710ebe719cf6a6e')
  })
})
