import type { Hex } from '../../proofs/types.ts'
import { ENTRY_KINDS, type Entry, encodeEntry, encodePruned, entryHash, type Json, NO_ENTRY } from '../../src/prooflog/entry.ts'
import { consistencyPath, createEdge, inclusionPath } from '../../src/prooflog/tree.ts'
import { hash } from '../helpers/fixtures.ts'

/** A log of every kind, with texts that are easy to get wrong: sorted keys, escapes, characters beyond ASCII, nested lists. */
export function logEntries(): { texts: string[]; leaves: Hex[] } {
  const payloads: Json[] = ENTRY_KINDS.map((kind, i) => ({
    kind,
    z: i,
    a: [null, true, i / 4, '☂ "é"\n'],
    nested: { b: hash(i), '1': '2' },
  }))
  const leaves: Hex[] = []
  const texts = ENTRY_KINDS.map((kind, seq) => {
    const entry: Entry = {
      seq,
      prev: leaves.at(-1) ?? NO_ENTRY,
      at: 1_800_000_000_000 + seq,
      kind,
      payload: payloads[seq] as Json,
    }
    const text = encodeEntry(entry)
    leaves.push(entryHash(text))
    return text
  })
  return { texts, leaves }
}

export interface LogTree {
  roots: Hex[]
  inclusion(index: number, size: number): Promise<Hex[]>
  consistency(oldSize: number, size: number): Promise<Hex[]>
}

export function logTree(leaves: readonly Hex[]): LogTree {
  const nodes = new Map<string, Hex>()
  const edge = createEdge()
  const get = async (level: number, index: number) => nodes.get(`${level}/${index}`) as Hex
  const roots = [edge.root()]
  for (const leaf of leaves) {
    edge.add(leaf, (level, index, node) => nodes.set(`${level}/${index}`, node))
    roots.push(edge.root())
  }
  return {
    roots,
    inclusion: (index, size) => inclusionPath(index, size, get),
    consistency: (oldSize, size) => consistencyPath(oldSize, size, get),
  }
}

/** Entries, their tree, and every proof in it. */
export async function log(): Promise<unknown> {
  const { texts, leaves } = logEntries()
  const tree = logTree(leaves)
  const sizes = texts.map((_, i) => i + 1)
  const pairs = sizes.flatMap((size) => [...Array(size).keys()].map((index) => [index, size] as const))
  return {
    about: 'entries are UTF-8 texts; leaves[i] is of entries[i]; roots[n] is of the first n entries.',
    ...{ entries: texts, leaves, roots: tree.roots },
    pruned: { seq: 3, text: encodePruned({ seq: 3, hash: leaves[3] as Hex }), leaf: leaves[3] },
    inclusion: await Promise.all(pairs.map(async ([index, size]) => ({ index, size, path: await tree.inclusion(index, size) }))),
    consistency: await Promise.all(
      pairs.map(async ([oldSize, size]) => ({ oldSize, size, path: await tree.consistency(oldSize, size) })),
    ),
  }
}
