import type { Entry } from './entry.ts'
import { fieldsOf } from './indexes.ts'

// A case is told by its `case` entries, one a step. Some of them are notes of ours that the chain knows nothing of: they say nothing about where
// the case stands, so everybody who asks for that folds the entries here.

/** States that are ours alone: the chain never says them. */
const OURS: readonly unknown[] = ['found', 'reported', 'lost']
/** States of the chain after which nobody can do anything about a case. */
export const ENDED: readonly string[] = ['settled', 'expired', 'refunded', 'rejected', 'drawn']

/** Where a case stands, by its entries. */
export interface CaseStanding {
  faultId: string
  faultClass: string
  /** Orchestrator that it is about; empty where no entry names it. */
  transcoder: string
  /** What the chain said last; a note of ours only while it has said nothing. */
  state: string
  /** Unix milliseconds of the entry that says the state. */
  sinceMs: number
  /** The last known ones: a step that does not name them takes nothing back. */
  evidenceHash: string | null
  /** Wei, as a decimal string. */
  amount: string | null
  rebuttalHash: string | null
}

/** Where a case stands after one more of its `case` entries; undefined for an entry without a case. Oldest entries come first. */
export function afterStep(before: CaseStanding | undefined, entry: Pick<Entry, 'at' | 'payload'>): CaseStanding | undefined {
  const fields = fieldsOf(entry)
  const faultId = textOf(fields.faultId)
  if (faultId === null) return before
  const isNote = before !== undefined && OURS.includes(fields.state)
  return {
    faultId,
    faultClass: textOf(fields.faultClass) ?? before?.faultClass ?? '',
    transcoder: textOf(fields.transcoder) ?? before?.transcoder ?? '',
    ...(isNote ? { state: before.state, sinceMs: before.sinceMs } : { state: textOf(fields.state) ?? '', sinceMs: entry.at }),
    evidenceHash: textOf(fields.evidenceHash) ?? before?.evidenceHash ?? null,
    amount: textOf(fields.amount) ?? before?.amount ?? null,
    rebuttalHash: textOf(fields.rebuttalHash) ?? before?.rebuttalHash ?? null,
  }
}

/** Where all cases stand, by their faults; `entries` are all `case` entries, oldest first. */
export function standingsOf(entries: Iterable<Pick<Entry, 'at' | 'payload'>>): Map<string, CaseStanding> {
  const standings = new Map<string, CaseStanding>()
  for (const entry of entries) {
    const faultId = fieldsOf(entry).faultId
    if (typeof faultId !== 'string') continue
    const now = afterStep(standings.get(faultId), entry)
    if (now) standings.set(faultId, now)
  }
  return standings
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
