import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from './signature.ts'
import type { Hex } from './types.ts'

// The Merkle tree of RFC 6962 (Certificate Transparency), over the entries of one fisherman's proof log. Whoever kept an old head can be shown
// that today's log begins with it, and that one entry is in it, without having the rest.

/** Root of a log without entries: SHA-256 of nothing. */
export const EMPTY_ROOT: Hex = bytesToHex(sha256(new Uint8Array()))

/** SHA-256 over a zero byte and the entry. */
export function logLeaf(entry: Uint8Array): Hex {
  return bytesToHex(sha256.create().update(Uint8Array.of(0)).update(entry).digest())
}

/** SHA-256 over a one byte and both children. */
export function logNode(left: Hex, right: Hex): Hex {
  return bytesToHex(sha256.create().update(Uint8Array.of(1)).update(hexToBytes(left)).update(hexToBytes(right)).digest())
}

/** Largest power of two below n; n > 1. */
export function splitOf(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** Root over leaf hashes. */
export function logRoot(leaves: readonly Hex[]): Hex {
  if (leaves.length === 0) return EMPTY_ROOT
  if (leaves.length === 1) return leaves[0] as Hex
  const k = splitOf(leaves.length)
  return logNode(logRoot(leaves.slice(0, k)), logRoot(leaves.slice(k)))
}

/** Text is compared with text below, so every hash must be in its one spelling: a changed letter would be another proof of the same. */
function areHashes(hashes: readonly Hex[]): boolean {
  return hashes.every((hash) => /^0x[0-9a-f]{64}$/.test(hash))
}

/** Does this path lead from the leaf at `index` to the root of a log of `size` entries? (RFC 9162, 2.1.3.2) */
export function verifyInclusion(leaf: Hex, index: number, size: number, path: readonly Hex[], root: Hex): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes([leaf, root, ...path])) return false
  let [at, last, hash] = [index, size - 1, leaf]
  for (const sibling of path) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      hash = logNode(sibling, hash)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else hash = logNode(hash, sibling)
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && hash === root
}

/** Does a log of `size` entries begin with the log of `oldSize` entries? (RFC 9162, 2.1.4.2) An empty log is the beginning of every log. */
export function verifyConsistency(oldSize: number, size: number, oldRoot: Hex, root: Hex, path: readonly Hex[]): boolean {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size || !areHashes([oldRoot, root, ...path])) return false
  if (oldSize === size) return path.length === 0 && oldRoot === root
  if (oldSize === 0) return path.length === 0 && oldRoot === EMPTY_ROOT
  let [at, last] = [oldSize - 1, size - 1]
  while (at % 2 === 1) [at, last] = [half(at), half(last)]
  const nodes = isPowerOfTwo(oldSize) ? [oldRoot, ...path] : [...path]
  const first = nodes.shift()
  if (first === undefined) return false
  let [before, after] = [first, first]
  for (const node of nodes) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      before = logNode(node, before)
      after = logNode(node, after)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else after = logNode(after, node)
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && before === oldRoot && after === root
}

// Division and not a shift: a log may outgrow 32 bits.
function half(n: number): number {
  return Math.floor(n / 2)
}

/** By division, since a logarithm is rounded to a whole number beside every power from 2^49 on; n > 0. */
function isPowerOfTwo(n: number): boolean {
  let odd = n
  while (odd % 2 === 0) odd /= 2
  return odd === 1
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}
