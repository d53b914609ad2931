import '../../polyfill.ts'
import type { WatchFunction } from './types.ts'

export type * from './types.ts'

/** See `WatchFunction`. What it needs is loaded when the loop begins. */
export const watch: WatchFunction = (options) => {
  const counts = {
    ...{ proofs: 0, verified: 0, unconfirmed: 0, false: 0, falseUntold: 0, unknownClass: 0, contradicted: 0, peers: 0 },
  }
  return {
    counts: () => ({ ...counts }),
    async *[Symbol.asyncIterator]() {
      const { watchInto } = await import('./iterate.ts')
      yield* watchInto(options, counts)
    },
  }
}
