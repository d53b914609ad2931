import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { WriteAhead } from '../base/write-ahead.ts'
import type { Limits } from './limits.ts'
import type { Deployment, IntentStore, TransactionSigner } from './types.ts'

export interface ChainInit {
  rpcUrls: readonly string[]
  deployment: Deployment
  /** `simulate` (mode dry-run) logs the exact transaction and signs nothing. Default `live`. */
  send?: 'live' | 'simulate'
  /** Blocks before a transaction counts as mined, its own included. Default 1. */
  confirmations?: number
  /** Milliseconds between two questions for the newest block. Default 500: half of a block of the local network. */
  pollMs?: number
  rpcTimeoutMs?: number
  resubmitMs?: number
  giveUpMs?: number
  /** Wei per gas. Default 100 gwei. */
  maxFeePerGas?: bigint
  /** What may be spent and staked; no limits by default. */
  limits?: Limits
  /** Seconds. Default 60. */
  maxHeadAgeSec?: number
  /** File that keeps what was read of the chain's events, so that a restart goes on there; nothing is kept without. */
  spanFile?: string
  /** Milliseconds between two comparisons of all RPC endpoints, and two looks for what is final by now. Default 10,000. */
  compareMs?: number
  /** Stops polling, like close(). */
  signal?: AbortSignal
}

export interface ChainDeps {
  clock: Clock
  log: Logger
  intents?: IntentStore
  signer?: TransactionSigner
  /** Writes intents before they are acted on; by default nothing refuses. */
  writeAhead?: WriteAhead
  /** Why nothing may be sent at all now, in one line: the operator's kill switch. */
  halted?(): string | undefined
}
