/** Named counts of the room. Names come from bounded sets (kinds, codes), never from what a stranger sent. */
export interface Counters {
  add(name: string, amount?: number): void
  /** A copy, sorted by name. */
  all(): Record<string, number>
}

export function createCounters(): Counters {
  const counts = new Map<string, number>()
  return {
    add: (name, amount = 1) => void counts.set(name, (counts.get(name) ?? 0) + amount),
    all: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
