import type { StatementKind } from '../../proofs/codec.ts'
import { decodeStored, type Entry, encodePruned, type LogHead } from './entry.ts'
import { damaged } from './errors.ts'
import { fieldsOf, keysOf } from './indexes.ts'
import { numberKey, type Store, SYNCED } from './store.ts'

// Pruning gives up what no dispute can need any more, and keeps its hash: every head that was ever signed stays provable.

export interface PruneRule {
  /** Unix milliseconds; entries written before it may go. */
  beforeMs: number
  /** Unix milliseconds; ids of statements older than it are forgotten too, since peers refuse such old ones. */
  forgetIdsBeforeMs: number
  onEntry?: (seq: number) => void
}

export interface Pruned {
  entries: number
  /** Bytes of text that went. */
  bytes: number
}

const PRUNE_BATCH = 1_000
/** Statements that only served the day: what convicts or answers a conviction stays. */
const PASSING: readonly StatementKind[] = ['window', 'sealed']
/** Byte of an answer's outcome within its ABI encoding: the fourth word of the struct, its last byte. Zero is a pass. */
const OUTCOME_AT = 2 + 4 * 64 - 2

/** Draws, self-tests, passes, and the statements that announced them. Proofs, votes, cases, transactions and whatever did not pass stay. */
export function isPassing(entry: Entry): boolean {
  const fields = fieldsOf(entry)
  switch (entry.kind) {
    case 'sample':
    case 'self-test':
      return true
    case 'verdict':
      return fields.outcome === 'pass'
    case 'statement-sent':
    case 'statement-received':
      if (fields.kind === 'answer') return String(fields.bytes).slice(OUTCOME_AT, OUTCOME_AT + 2) === '00'
      return PASSING.includes(fields.kind as StatementKind)
    default:
      return false
  }
}

export async function pruneStore(store: Store, head: LogHead, rule: PruneRule): Promise<Pruned> {
  const pruned = { entries: 0, bytes: 0 }
  let batch = store.db.batch()
  // The last entry stays whole: the head is tied to it.
  for await (const [key, text] of store.entries.iterator({ lt: numberKey(Math.max(0, head.size - 1)) })) {
    const stored = decodeStored(text)
    if (!stored) throw damaged(store.folder, Number.parseInt(key, 16), 'unreadable')
    const { entry } = stored
    rule.onEntry?.(stored.seq)
    if (!entry || entry.at >= rule.beforeMs || !isPassing(entry)) continue
    const left = encodePruned(stored)
    batch.put(key, left, { sublevel: store.entries })
    for (const index of keysOf(entry)) batch.del(index, { sublevel: store.by })
    if (entry.kind.startsWith('statement-')) {
      batch.del(key, { sublevel: store.statements })
      const { id } = fieldsOf(entry)
      if (entry.at < rule.forgetIdsBeforeMs && typeof id === 'string') batch.del(id, { sublevel: store.ids })
    }
    pruned.entries++
    pruned.bytes += text.length - left.length
    if (pruned.entries % PRUNE_BATCH === 0) {
      await batch.write(SYNCED)
      batch = store.db.batch()
    }
  }
  await batch.write(SYNCED)
  if (pruned.entries > 0) await compact(store)
  return pruned
}

/** LevelDB gives space back only when it rewrites its files. `level` is classic-level on Node; its types know the browser's part only. */
async function compact(store: Store): Promise<void> {
  const db = store.db as unknown as { compactRange(start: string, end: string): Promise<void> }
  await db.compactRange('!', '~')
}
