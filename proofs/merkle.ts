import { keccak256 } from 'ethers'
import { ZERO_HASH } from './digest.ts'
import type { Hex } from './types.ts'

/** A tree over leaf hashes, laid out as OpenZeppelin's standard tree: leaves sorted by hash, sorted pairs. */
export interface MerkleTree {
  readonly root: Hex
  /** Proof for the leaf at this position of the list that the tree was built from. */
  proof(position: number): Hex[]
}

function hashPair(a: Hex, b: Hex): Hex {
  const [low, high] = a < b ? [a, b] : [b, a]
  return keccak256(`0x${low.slice(2)}${high.slice(2)}`) as Hex
}

/** Builds the tree; the root of no leaves is zero, which no proof can reach. */
export function merkleTree(leaves: readonly Hex[]): MerkleTree {
  const order = leaves
    .map((hash, position) => ({ hash, position }))
    .sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0))
  const nodes = new Array<Hex>(Math.max(0, 2 * order.length - 1))
  const nodeOf = new Array<number>(order.length)
  order.forEach(({ hash, position }, i) => {
    nodes[nodes.length - 1 - i] = hash
    nodeOf[position] = nodes.length - 1 - i
  })
  const at = (i: number) => nodes[i] as Hex
  for (let i = nodes.length - 1 - order.length; i >= 0; i--) nodes[i] = hashPair(at(2 * i + 1), at(2 * i + 2))
  return {
    root: nodes[0] ?? ZERO_HASH,
    proof(position) {
      let i = nodeOf[position]
      if (i === undefined) throw new RangeError(`no leaf at position ${position} of ${leaves.length}`)
      const path: Hex[] = []
      for (; i > 0; i = (i - 1) >> 1) path.push(at(i % 2 === 0 ? i - 1 : i + 1))
      return path
    },
  }
}

/** Root that this leaf and path lead to. */
export function merkleRoot(leaf: Hex, path: readonly Hex[]): Hex {
  return path.reduce(hashPair, leaf)
}
