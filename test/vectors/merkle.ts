import { frameLeaf, renditionLeaf, windowLeaf } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { hash, renditions } from '../helpers/fixtures.ts'
import { json } from './common.ts'
import { LOOKS, prints } from './evidence.ts'

const SIZES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13]

/** Standard trees with all of their proofs. */
export function merkle(): unknown {
  const ladder = renditions(3)
  const tree = merkleTree(ladder.map(renditionLeaf))
  const frames = prints(...LOOKS)
  const fingerprints = merkleTree(frames.map(frameLeaf))
  return {
    about:
      'Trees over leaf hashes. windows: leaf i is of (uint32 i, bytes32 i + 7); renditions, fingerprints: of the structs that are given.',
    windows: SIZES.map((size) => {
      const leaves = Array.from({ length: size }, (_, i) => windowLeaf(i, hash(i + 7)))
      const made = merkleTree(leaves)
      return { size, leaves, root: made.root, proofs: leaves.map((_, i) => made.proof(i)) }
    }),
    renditions: {
      values: ladder.map((rendition) => json('Rendition', rendition)),
      leaves: ladder.map(renditionLeaf),
      root: tree.root,
      proofs: ladder.map((_, i) => tree.proof(i)),
    },
    fingerprints: {
      values: frames.map((frame) => json('FrameFp', frame)),
      leaves: frames.map(frameLeaf),
      root: fingerprints.root,
      proofs: frames.map((_, i) => fingerprints.proof(i)),
    },
  }
}
