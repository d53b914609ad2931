import { createHash } from 'node:crypto'
import { EMPTY_ROOT, splitOf } from '../../proofs/log-tree.ts'
import type { Hex } from '../../proofs/types.ts'

/** Hash of the whole subtree of 2^level entries that begins with entry index x 2^level; written once, never changed. */
export type GetNode = (level: number, index: number) => Promise<Hex>
export type PutNode = (level: number, index: number, hash: Hex) => void

/**
 * The right edge of a growing RFC 6962 tree: for each bit of its size, the root of one whole subtree. Adding an entry writes its leaf and on
 * average one node more.
 */
export interface Edge {
  readonly size: number
  add(leaf: Hex, put: PutNode): void
  root(): Hex
  copy(): Edge
}

/** Same as `logNode` of the specification, by the native hash: a log of millions is checked with it. */
function nodeHash(left: Hex, right: Hex): Hex {
  return `0x${createHash('sha256')
    .update('\x01')
    .update(Buffer.from(left.slice(2) + right.slice(2), 'hex'))
    .digest('hex')}`
}

export function createEdge(size = 0, roots: readonly (Hex | undefined)[] = []): Edge {
  const peaks = [...roots]
  let count = size
  return {
    get size() {
      return count
    },
    add(leaf, put) {
      let [level, index, hash] = [0, count, leaf]
      put(level, index, hash)
      for (let peak = peaks[level]; peak !== undefined; peak = peaks[level]) {
        hash = nodeHash(peak, hash)
        peaks[level] = undefined
        level++
        index = Math.floor(index / 2)
        put(level, index, hash)
      }
      peaks[level] = hash
      count++
    },
    root: () =>
      peaks.reduce<Hex | undefined>((root, peak) => (peak && root ? nodeHash(peak, root) : (peak ?? root)), undefined) ??
      EMPTY_ROOT,
    copy: () => createEdge(count, peaks),
  }
}

/** The edge of a stored tree of this size. */
export async function loadEdge(size: number, get: GetNode): Promise<Edge> {
  const peaks: (Hex | undefined)[] = []
  for (let level = 0; 2 ** level <= size; level++) {
    const whole = Math.floor(size / 2 ** level)
    peaks.push(whole % 2 === 1 ? await get(level, whole - 1) : undefined)
  }
  return createEdge(size, peaks)
}

/** Root over entries [from, from + count); whole subtrees are read, the ragged right edge is put together. */
export async function rangeRoot(from: number, count: number, get: GetNode): Promise<Hex> {
  if (count === 0) return EMPTY_ROOT
  const level = Math.log2(count)
  if (Number.isInteger(level) && from % count === 0) return await get(level, from / count)
  const left = splitOf(count)
  return nodeHash(await rangeRoot(from, left, get), await rangeRoot(from + left, count - left, get))
}

/** Siblings from the leaf up: PATH of RFC 6962, 2.1.1. */
export async function inclusionPath(index: number, size: number, get: GetNode): Promise<Hex[]> {
  const path = async (from: number, at: number, count: number): Promise<Hex[]> => {
    if (count <= 1) return []
    const left = splitOf(count)
    return at < left
      ? [...(await path(from, at, left)), await rangeRoot(from + left, count - left, get)]
      : [...(await path(from + left, at - left, count - left)), await rangeRoot(from, left, get)]
  }
  return await path(0, index, size)
}

/** What shows that a log of `size` begins with the log of `oldSize`: PROOF of RFC 6962, 2.1.2. */
export async function consistencyPath(oldSize: number, size: number, get: GetNode): Promise<Hex[]> {
  const path = async (from: number, old: number, count: number, isWhole: boolean): Promise<Hex[]> => {
    if (old === count) return isWhole ? [] : [await rangeRoot(from, count, get)]
    const left = splitOf(count)
    return old <= left
      ? [...(await path(from, old, left, isWhole)), await rangeRoot(from + left, count - left, get)]
      : [...(await path(from + left, old - left, count - left, false)), await rangeRoot(from, left, get)]
  }
  return oldSize === 0 || oldSize === size ? [] : await path(0, oldSize, size, true)
}
