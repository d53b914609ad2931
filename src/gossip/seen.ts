/** Set with a fixed number of places: the oldest entry leaves when a new one comes, so that no stranger can fill our memory. */
export interface BoundedMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
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
    size: () => entries.size,
  }
}

/** Entries that each cache holds: a day of a busy network (10,000 statements a kind), three times over; about 10 MB a cache when full. */
const MAX_SEEN = 32_768

/** What was accepted before. Kept in memory only: after a restart the store answers for what was kept on disk. */
export interface Seen {
  /** Ids (keccak256 of the payload) of statements accepted or sent by us. */
  ids: BoundedMap<true>
  /** `kind:subject:signer` -> Unix second until which a second statement is refused. */
  claims: BoundedMap<bigint>
  /** `transcoder:windowId` -> the different roots kept; two are the proof of an equivocation, more prove nothing more. */
  windows: BoundedMap<readonly string[]>
  /** fisherman -> Unix second at which the newest head of its log was signed. */
  heads: BoundedMap<bigint>
  /** faultId -> number of fraud proofs kept. */
  faults: BoundedMap<number>
}

export function createSeen(maxEntries = MAX_SEEN): Seen {
  return {
    ids: createBoundedMap(maxEntries),
    claims: createBoundedMap(maxEntries),
    windows: createBoundedMap(maxEntries),
    heads: createBoundedMap(maxEntries),
    faults: createBoundedMap(maxEntries),
  }
}
