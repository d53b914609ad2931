import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_ROOT, logLeaf, logNode, logRoot, splitOf, verifyConsistency, verifyInclusion } from '../../proofs/log-tree.ts'
import type { Hex } from '../../proofs/types.ts'
import { consistencyPath, createEdge, inclusionPath, loadEdge, rangeRoot } from '../../src/prooflog/tree.ts'

const LEAVES = Array.from({ length: 2_049 }, (_, i) => logLeaf(Buffer.from(`entry ${i}`)))
const leaf = (i: number) => LEAVES[i] as Hex
const nodes = new Map<string, Hex>()
const edge = createEdge()
/** Root after each number of entries, as the growing log saw it. */
const roots = [
  edge.root(),
  ...LEAVES.map((hash) => {
    edge.add(hash, (level, index, node) => nodes.set(`${level}/${index}`, node))
    return edge.root()
  }),
]
const root = (size: number) => roots[size] as Hex
const get = async (level: number, index: number): Promise<Hex> => {
  const node = nodes.get(`${level}/${index}`)
  if (!node) throw new Error(`no node ${level}/${index}`)
  return node
}
/** Every size to 300, and those around powers of two, where trees go wrong. */
const SIZES = [
  ...Array.from({ length: 300 }, (_, i) => i + 1),
  ...[9, 10, 11].flatMap((power) => [2 ** power - 1, 2 ** power, 2 ** power + 1]),
]
/** All places of a small log; of a larger one the ends, those around each split, and some that differ from size to size. */
function placesOf(size: number): number[] {
  if (size <= 64) return Array.from({ length: size }, (_, i) => i)
  const split = splitOf(size)
  const spread = [1, 2, 3].map((n) => (n * 7919 * size) % size)
  return [...new Set([0, 1, split - 1, split, split + splitOf(Math.max(2, size - split)), ...spread, size - 2, size - 1])].filter(
    (at) => at < size,
  )
}
const flip = (hash: Hex): Hex => `${hash.slice(0, -1)}${hash.endsWith('0') ? '1' : '0'}` as Hex

describe('the tree of a log', () => {
  // The first two are the specification's own: SHA-256 of nothing, and of one zero byte.
  it('has the roots of RFC 6962', () => {
    expect(EMPTY_ROOT).toBe('0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(logLeaf(new Uint8Array())).toBe('0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
    for (let size = 0; size <= 300; size++) expect(root(size), `${size} entries`).toBe(logRoot(LEAVES.slice(0, size)))
  })

  it('is found again from its stored nodes at every size', async () => {
    for (let size = 0; size <= 300; size++) {
      expect((await loadEdge(size, get)).root()).toBe(root(size))
      expect(await rangeRoot(0, size, get)).toBe(root(size))
    }
  })

  it('proves that every entry is in it, and no other', async () => {
    for (const size of SIZES)
      for (const index of placesOf(size)) {
        const path = await inclusionPath(index, size, get)
        expect(verifyInclusion(leaf(index), index, size, path, root(size)), `${index} of ${size}`).toBe(true)
        expect(verifyInclusion(flip(leaf(index)), index, size, path, root(size))).toBe(false)
        expect(verifyInclusion(leaf(index), index, size, path, root(size - 1))).toBe(false)
        expect(verifyInclusion(leaf(index), index, size, [...path, leaf(0)], root(size))).toBe(false)
        if (path.length > 0) expect(verifyInclusion(leaf(index), index, size, path.slice(1), root(size))).toBe(false)
        if (size > 1) expect(verifyInclusion(leaf(index), (index + 1) % size, size, path, root(size))).toBe(false)
      }
  })

  it('proves that it begins with every earlier log, and with no other', async () => {
    for (const size of SIZES)
      for (const old of [...placesOf(size), size]) {
        const path = await consistencyPath(old, size, get)
        expect(verifyConsistency(old, size, root(old), root(size), path), `${old} of ${size}`).toBe(true)
        expect(verifyConsistency(old, size, flip(root(old)), root(size), path)).toBe(false)
        if (old > 0 && old < size) {
          expect(verifyConsistency(old, size, root(old), flip(root(size)), path)).toBe(false)
          expect(verifyConsistency(old, size, root(old), root(size), path.slice(1))).toBe(false)
          expect(verifyConsistency(old, size, root(old), root(size), [...path, leaf(0)])).toBe(false)
        }
      }
  })

  it('takes no changed path, whatever is changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 2049 }), fc.nat(), fc.nat(), async (size, at, where) => {
        const index = at % size
        const path = await inclusionPath(index, size, get)
        const forged = path.map((hash, i) => (i === where % path.length ? flip(hash) : hash))
        expect(verifyInclusion(leaf(index), index, size, forged, root(size))).toBe(false)
      }),
    )
  })

  // Not by a logarithm: doubles round it to a whole number beside every power of two from 2^49 on.
  it('proves the history of a log of any size that a number can hold', () => {
    const [before, old, added] = [root(2), leaf(7), leaf(8)]
    for (let power = 1; power <= 52; power++) {
      const size = 2 ** power + 1
      const roots = [logNode(before, old), logNode(before, logNode(old, added))] as const
      expect(verifyConsistency(size, size + 1, ...roots, [old, added, before]), `2^${power} + 1`).toBe(true)
    }
  })

  it('takes one spelling of a hash only', async () => {
    const path = await inclusionPath(4, 9, get)
    const spelt = (change: (hash: Hex) => string) => path.map((hash, i) => (i === 1 ? (change(hash) as Hex) : hash))
    const upper = (hash: Hex) => `0x${hash.slice(2).toUpperCase()}`
    for (const forged of [spelt(upper), spelt((hash) => `${hash}zz`), spelt((hash) => hash.slice(2))])
      expect(verifyInclusion(leaf(4), 4, 9, forged, root(9))).toBe(false)
    expect(verifyInclusion(upper(leaf(4)) as Hex, 4, 9, path, root(9))).toBe(false)
    const history = await consistencyPath(5, 9, get)
    expect(verifyConsistency(5, 9, root(5), root(9), history)).toBe(true)
    expect(verifyConsistency(5, 9, root(5), root(9), history.map(upper) as Hex[])).toBe(false)
  })

  it.each([
    [-1, 5],
    [5, 5],
    [0.5, 5],
    [0, Number.NaN],
  ])('says no to entry %d of %d', (index, size) => {
    expect(verifyInclusion(leaf(0), index, size, [], root(1))).toBe(false)
  })
})
