import type { Domain, Hex } from '../../proofs/types.ts'

/** What an orchestrator must know of the chain, already at hand: nothing here waits. */
export interface Ledger {
  readonly domain: Domain
  readonly windowSeconds: number
  /** Time of the newest block, Unix seconds; never goes back. */
  now(): bigint
  round(): bigint
  /** Is this a registered fisherman? */
  isMember(address: Hex): boolean
}
