import type { Hex } from '../../proofs/types.ts'
import { decodeStored, type LogHead, NO_ENTRY, type Stored } from './entry.ts'
import { keysOf } from './indexes.ts'
import { nodesOf, numberKey, type Store } from './store.ts'
import { createEdge } from './tree.ts'

export type Verified = { ok: true; size: number } | { ok: false; firstBad: number; reason: string }

export const OTHER_TREE = 'the tree over the entries is not the one that the head names'
const OTHER_INDEXES = 'the indexes are not those of the entries'

/**
 * Goes through the entries from `from` up to the head, each tied to the one before; ends with the first that cannot be trusted. What was
 * pruned hides whom it followed: only the tree, built from 0, vouches for its place.
 */
export async function walk(
  store: Store,
  from: number,
  to: LogHead,
  each?: (stored: Stored) => Promise<unknown> | undefined,
): Promise<Verified> {
  let seq = from
  let prev: Hex | undefined = from === 0 ? NO_ENTRY : undefined
  for await (const [at, text] of store.entries.iterator({ gte: numberKey(from), lt: numberKey(to.size) })) {
    if (at !== numberKey(seq)) return { ok: false, firstBad: seq, reason: 'missing' }
    const stored = decodeStored(text)
    if (stored?.seq !== seq) return { ok: false, firstBad: seq, reason: 'unreadable' }
    if (prev !== undefined && stored.entry && stored.entry.prev !== prev) return await unlike(store, seq, prev)
    prev = stored.hash
    const waits = each?.(stored)
    if (waits) await waits
    seq++
  }
  if (seq !== to.size) return { ok: false, firstBad: seq, reason: 'missing' }
  if (prev !== undefined && to.size > 0 && prev !== to.hash)
    return { ok: false, firstBad: to.size - 1, reason: 'is not the one that the head names' }
  return { ok: true, size: to.size }
}

/** Two entries that do not fit: the leaf in the tree says which of them was changed. */
async function unlike(store: Store, seq: number, hash: Hex): Promise<Verified> {
  const leaf = await nodesOf(store)(0, seq - 1).catch(() => undefined)
  return leaf === undefined || leaf === hash
    ? { ok: false, firstBad: seq, reason: 'does not follow the entry before' }
    : { ok: false, firstBad: seq - 1, reason: 'is not the one that was written' }
}

/** The whole walk: from 0 the tree is built anew and the index keys are counted as well. */
export async function verifyStore(store: Store, from: number, to: LogHead, onEntry?: (seq: number) => void): Promise<Verified> {
  const built = createEdge()
  let keys = 0
  const result = await walk(store, from, to, (stored) => {
    if (from === 0) built.add(stored.hash, () => undefined)
    if (from === 0 && stored.entry) keys += keysOf(stored.entry).length
    onEntry?.(stored.seq)
    return undefined
  })
  if (!result.ok || from > 0) return result
  const firstBad = Math.max(0, to.size - 1)
  if (built.root() !== to.root) return { ok: false, firstBad, reason: OTHER_TREE }
  // Keys of entries that came while we walked do not count.
  for await (const key of store.by.keys()) if (key.slice(-14) < numberKey(to.size)) keys--
  return keys === 0 ? result : { ok: false, firstBad: 0, reason: OTHER_INDEXES }
}
