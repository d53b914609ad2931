import { describe, expect, it } from 'vitest'
import { windowLeaf } from '../../proofs/digest.ts'
import { merkleRoot, merkleTree } from '../../proofs/merkle.ts'
import { hash } from '../helpers/fixtures.ts'

const leavesOf = (n: number) => Array.from({ length: n }, (_, i) => windowLeaf(i, hash(i + 7)))

describe('merkle tree', () => {
  it('proves every leaf of every size up to 40', () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = leavesOf(size)
      const tree = merkleTree(leaves)
      leaves.forEach((leaf, i) => {
        expect(merkleRoot(leaf, tree.proof(i))).toBe(tree.root)
      })
    }
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
