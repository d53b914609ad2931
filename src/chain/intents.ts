import type { Intent, IntentStore } from './types.ts'

/** An intent store that forgets: for commands that send one transaction, and for tests. */
export function memoryIntents(): IntentStore {
  const known = new Map<string, Intent>()
  return {
    async record(intent) {
      known.set(intent.id, structuredClone(intent))
    },
    async load(id) {
      const intent = known.get(id)
      return intent && structuredClone(intent)
    },
    all: () => [...known.values()],
  }
}
