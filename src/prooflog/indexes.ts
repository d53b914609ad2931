import type { Hex } from '../../proofs/types.ts'
import type { Entry, EntryKind } from './entry.ts'
import { type Batch, numberKey, numberOfKey, putKey, type Store } from './store.ts'

// An entry can be found by its kind, by the orchestrator, outcome and case that its payload names, by the kind of its statement, and by time. Keys are
// `<field>/<value>/<number>` without values; the time index holds the first entry of each minute.

/** What is looked for: all that is given must fit. */
export interface Query {
  kind?: EntryKind
  /** Address in lower case: `transcoder` of the payload. */
  orchestrator?: string
  outcome?: string
  /** faultId of the payload. */
  faultId?: string
  /** Unix milliseconds; entries written then or later. */
  sinceMs?: number
  /** Entries with this number or a higher one. */
  from?: number
  /** Entries numbered below this one: where an earlier page ended. */
  below?: number
  /** At most so many, the newest ones; oldest first in any case. */
  limit?: number
}

const MINUTE_MS = 60_000
/** Values longer than any that we look for are cut from keys: a payload is ours, but nothing bounds it. */
const MAX_VALUE = 80

/** Index fields, most selective first, and where a payload has them. */
const FIELDS = [
  ['c', 'faultId', 'faultId'],
  ['o', 'transcoder', 'orchestrator'],
  ['r', 'outcome', 'outcome'],
] as const

type Fields = Readonly<Record<string, unknown>>

export function fieldsOf({ payload }: Pick<Entry, 'payload'>): Fields {
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? (payload as Fields) : {}
}

/** All index keys of an entry. */
export function keysOf(entry: Entry): string[] {
  const at = numberKey(entry.seq)
  const fields = fieldsOf(entry)
  const keys = [`k/${entry.kind}/${at}`]
  for (const [letter, name] of FIELDS) {
    const value = fields[name]
    if (typeof value === 'string' && value.length <= MAX_VALUE) keys.push(`${letter}/${value}/${at}`)
  }
  if (entry.kind.startsWith('statement-') && typeof fields.kind === 'string' && fields.kind.length <= MAX_VALUE)
    keys.push(`s/${fields.kind}/${at}`)
  return keys
}

/** Numbers from `from` on, ascending, of at most `limit` entries that hold a statement of these kinds. */
export async function statementsOf(store: Store, kinds: readonly string[], from: bigint, limit: number): Promise<number[]> {
  const found: number[] = []
  for (const kind of kinds)
    for await (const key of store.by.keys({ gte: `s/${kind}/${numberKey(from)}`, lt: `s/${kind}/~`, limit }))
      found.push(numberOfKey(key))
  return found.sort((a, b) => a - b).slice(0, limit)
}

/** Writes the time index: minutes only go up, also where the clock was set back. */
export interface MinuteHand {
  put(batch: Batch, store: Store, entry: Pick<Entry, 'seq' | 'at'>): void
  copy(): MinuteHand
}

export function createMinuteHand(minute = -1): MinuteHand {
  let last = minute
  return {
    put(batch, store, { seq, at }) {
      const now = Math.floor(at / MINUTE_MS)
      if (now <= last) return
      last = now
      batch.put(numberKey(now), numberKey(seq), { sublevel: store.minutes })
    },
    copy: () => createMinuteHand(last),
  }
}

export async function loadMinuteHand(store: Store): Promise<MinuteHand> {
  for await (const minute of store.minutes.keys({ reverse: true, limit: 1 })) return createMinuteHand(numberOfKey(minute))
  return createMinuteHand()
}

export function putIndexes(batch: Batch, store: Store, entry: Entry, hand: MinuteHand): void {
  for (const key of keysOf(entry)) putKey(batch, store, key)
  hand.put(batch, store, entry)
}

/** No entry before this number was written at or after the time; undefined when none at all was. */
async function firstSince(store: Store, sinceMs: number): Promise<number | undefined> {
  const minute = numberKey(Math.max(0, Math.floor(sinceMs / MINUTE_MS)))
  for await (const seq of store.minutes.values({ gte: minute, limit: 1 })) return numberOfKey(seq)
  // Within the newest minute that was written, or after it.
  for await (const [key, seq] of store.minutes.iterator({ reverse: true, limit: 1 }))
    return (numberOfKey(key) + 1) * MINUTE_MS > sinceMs ? numberOfKey(seq) : undefined
  return undefined
}

function fits(entry: Entry, query: Query): boolean {
  const fields = fieldsOf(entry)
  return (
    (query.kind === undefined || entry.kind === query.kind) &&
    (query.sinceMs === undefined || entry.at >= query.sinceMs) &&
    FIELDS.every(([, name, asked]) => query[asked] === undefined || fields[name] === query[asked])
  )
}

/** Numbers that may fit, newest first. */
async function* candidates(store: Store, query: Query, size: number): AsyncGenerator<number> {
  const since = query.sinceMs === undefined ? 0 : await firstSince(store, query.sinceMs)
  if (since === undefined) return
  const from = Math.max(since, query.from ?? 0)
  const named = FIELDS.find(([, , asked]) => query[asked] !== undefined)
  const prefix = named ? `${named[0]}/${query[named[2]]}/` : query.kind ? `k/${query.kind}/` : undefined
  if (prefix === undefined) for (let seq = size - 1; seq >= from; seq--) yield seq
  else
    for await (const key of store.by.keys({ gte: prefix + numberKey(from), lt: prefix + numberKey(size), reverse: true }))
      yield numberOfKey(key)
}

/** Entries that fit, newest first; `read` gives undefined for what was pruned. */
export async function* findNewest(
  store: Store,
  query: Query,
  size: number,
  read: (seq: number) => Promise<Entry | undefined>,
): AsyncGenerator<Entry> {
  let left = query.limit ?? Number.POSITIVE_INFINITY
  for await (const seq of candidates(store, query, size)) {
    if (left <= 0) return
    const entry = await read(seq)
    if (!entry || !fits(entry, query)) continue
    left--
    yield entry
  }
}

export async function hasId(store: Store, id: Hex): Promise<boolean> {
  return (await store.ids.get(id)) !== undefined
}
