import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_ROOT, logLeaf, logRoot, verifyConsistency, verifyInclusion } from '../../proofs/log-tree.ts'
import type { Hex } from '../../proofs/types.ts'
import { consistencyPath, createEdge, inclusionPath, loadEdge, rangeRoot } from '../../src/prooflog/tree.ts'

const LEAVES = Array.from({ length: 1_025 }, (_, i) => logLeaf(Buffer.from(`entry ${i}`)))
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
/** Every size to 40, and those around powers of two, where trees go wrong. */
const SIZES = [
  ...Array.from({ length: 40 }, (_, i) => i + 1),
  63,
  64,
  65,
  127,
  128,
  129,
  255,
  256,
  257,
  300,
  511,
  512,
  513,
  1024,
  1025,
]
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
      for (let index = 0; index < size; index += size > 64 ? 31 : 1) {
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
      for (let old = 0; old <= size; old += size > 64 ? 29 : 1) {
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
      fc.asyncProperty(fc.integer({ min: 2, max: 1025 }), fc.nat(), fc.nat(), async (size, at, where) => {
        const index = at % size
        const path = await inclusionPath(index, size, get)
        const forged = path.map((hash, i) => (i === where % path.length ? flip(hash) : hash))
        expect(verifyInclusion(leaf(index), index, size, forged, root(size))).toBe(false)
      }),
    )
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
