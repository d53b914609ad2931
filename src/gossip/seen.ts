/** Set with a fixed number of places: the oldest entry leaves when a new one comes, so that no stranger can fill our memory. */
export interface BoundedMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  deleteWhere(isOver: (value: V) => boolean): void
  size(): number
}

export function createBoundedMap<V>(maxEntries: number): BoundedMap<V> {
  const entries = new Map<string, V>()
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.delete(key)
      for (const oldest of entries.keys()) {
        if (entries.size < maxEntries) break
        entries.delete(oldest)
      }
      entries.set(key, value)
    },
    delete: (key) => void entries.delete(key),
    deleteWhere(isOver) {
      for (const [key, value] of entries) if (isOver(value)) entries.delete(key)
    },
    size: () => entries.size,
  }
}

/** The same, whose entries leave by their age too: what no rule asks for any more takes no memory. */
export interface AgingMap<V> {
  /** Undefined from the second after its last. */
  get(key: string): V | undefined
  /** Kept through the second `untilSec`; setting it again never shortens that. */
  set(key: string, value: V, untilSec: number): void
  delete(key: string): void
  size(): number
}

/** Seconds between two looks for entries that are over. */
const SWEEP_SECONDS = 30

export function createAgingMap<V>(maxEntries: number, nowSec: () => number): AgingMap<V> {
  const entries = createBoundedMap<{ value: V; untilSec: number }>(maxEntries)
  let sweepAtSec = Number.NEGATIVE_INFINITY

  function live(key: string): { value: V; untilSec: number } | undefined {
    const entry = entries.get(key)
    return entry && entry.untilSec >= nowSec() ? entry : undefined
  }

  return {
    get: (key) => live(key)?.value,
    set(key, value, untilSec) {
      const now = nowSec()
      if (now >= sweepAtSec) {
        entries.deleteWhere((entry) => entry.untilSec < now)
        sweepAtSec = now + SWEEP_SECONDS
      }
      entries.set(key, { value, untilSec: Math.max(untilSec, live(key)?.untilSec ?? untilSec) })
    },
    delete: entries.delete,
    size: entries.size,
  }
}

/** One short string for some numbers of fixed lengths: half of what their hex digits take, and no list of joined pieces. */
export function keyOf(...parts: readonly string[]): string {
  return Buffer.from(parts.map((part) => (part.startsWith('0x') ? part.slice(2) : part)).join(''), 'hex').toString('latin1')
}

/** Characters of an address in a key. */
const ADDRESS = 20

/** Addresses as `keyOf` writes them, of one string that has them in a row. */
export function addressesOf(joined: string): string[] {
  return Array.from({ length: joined.length / ADDRESS }, (_, i) => joined.slice(i * ADDRESS, (i + 1) * ADDRESS))
}

/** Entries that each cache holds: a day of a busy network (10,000 statements a kind), three times over; about 6 MB a cache when full. */
const MAX_SEEN = 32_768
/**
 * Seconds for which an id is kept: until the statement is surely on disk, where it is asked for first. As long as a statement may be parked.
 */
export const ID_SECONDS = 600

/** What was accepted before. Kept in memory only: after a restart the store answers for what was kept on disk. */
export interface Seen {
  /** Ids (keccak256 of the payload) of statements accepted or sent by us. */
  ids: AgingMap<true>
  /** Kind, subject and signer of what may not be said twice, for as long as that matters; fraud proofs are beside. */
  claims: AgingMap<true>
  /** Transcoder and window -> the different roots kept; two are the proof of an equivocation, more prove nothing more. */
  windows: AgingMap<readonly string[]>
  /** fisherman -> Unix second at which the newest head of its log was signed. */
  heads: BoundedMap<bigint>
  /** Fault -> who reported it, in one string: two weeks of reports are many. */
  faults: AgingMap<string>
}

export function createSeen(nowSec: () => number, maxEntries = MAX_SEEN): Seen {
  return {
    ids: createAgingMap(maxEntries, nowSec),
    claims: createAgingMap(maxEntries, nowSec),
    windows: createAgingMap(maxEntries, nowSec),
    heads: createBoundedMap(maxEntries),
    faults: createAgingMap(maxEntries, nowSec),
  }
}
