import type { Hex } from '../../proofs/types.ts'
import type { SeenSource, SeenVerdict } from './look.ts'

/** One segment that was seen without a receipt: hashes and numbers, never a picture, a byte or a name of the stream. */
export interface SeenEntry {
  readonly id: string
  readonly from: SeenSource
  readonly atMs: number
  /** Playlist as text without its query, or a hash of donor and manifest. */
  readonly stream: string
  readonly seq: number
  /** The node that a donor names; nobody else says it, so it is no evidence. */
  readonly orchestrator: Hex | null
  readonly sourceHash: Hex | null
  readonly verdicts: readonly SeenVerdict[]
  /** Why nothing was judged. */
  readonly missing: string | null
}

/** The newest of what was seen; in memory only. */
export interface SeenBook {
  add(entry: SeenEntry): void
  newest(limit: number): SeenEntry[]
  of(id: string): SeenEntry | undefined
}

const REMEMBERED = 1_000

export function createSeenBook(): SeenBook {
  const entries = new Map<string, SeenEntry>()
  return {
    add(entry) {
      entries.delete(entry.id)
      entries.set(entry.id, entry)
      for (const oldest of entries.keys()) {
        if (entries.size <= REMEMBERED) break
        entries.delete(oldest)
      }
    },
    newest: (limit) => [...entries.values()].slice(-limit).reverse(),
    of: (id) => entries.get(id),
  }
}
