import type { AnyStatement } from '../../proofs/codec.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import type { Attester } from '../attest/attester.ts'
import type { BlsKeys } from '../attest/bls.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { WorkQueue } from '../base/queue.ts'
import type { WriteAhead } from '../base/write-ahead.ts'
import type { Chain } from '../chain/types.ts'
import type { Court } from '../court/court.ts'
import type { BlobCache } from '../fetch/blobs.ts'
import type { Drand } from '../fetch/drand.ts'
import type { Judge } from '../judge.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { EvidenceStore } from '../prooflog/evidence.ts'
import type { ProofLog } from '../prooflog/log.ts'
import type { Budget } from '../sample/budget.ts'
import type { CaseEvidence } from './case-evidence.ts'
import type { Ledger } from './ledger.ts'
import type { NetworkParams } from './network.ts'
import type { ScoreBook } from './score-book.ts'
import type { Tally } from './tally.ts'
import type { TrustFile } from './trust-file.ts'

/** What a daemon without a key lacks: without it the pipeline watches and says nothing. */
export interface Identity {
  attester: Attester
  bls: BlsKeys
}

/** Everything that the stages of the pipeline work with; built once by the daemon. */
export interface Bench {
  readonly domain: Domain
  readonly mode: 'observe' | 'attest' | 'dry-run' | 'active'
  readonly params: NetworkParams
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly chain: Chain
  /** Public randomness; without it draws take the hash of a block, which its proposer can choose: good enough for a network of one's own. */
  readonly drand?: Drand
  readonly log: ProofLog
  readonly writeAhead: WriteAhead
  readonly court: Court
  readonly judge: Judge
  readonly blobs: BlobCache
  readonly queue: WorkQueue
  /** What the operator lets checks cost in a day. */
  readonly budget: Budget
  readonly ledger: Ledger
  readonly tally: Tally
  /** What scores are made of; without it none are published. */
  readonly scores?: ScoreBook
  /** Keeps what we think of other members over restarts. */
  readonly trust?: TrustFile
  /** Our own address, whether we may sign or not; undefined without a key. */
  readonly address: Hex | undefined
  /** What we sign with; undefined without a key, and while nothing may be signed. Ask for it anew each time. */
  readonly identity: Identity | undefined
  readonly bundleDir: string
  /** Folder of what accused nodes answered. */
  readonly rebuttalDir: string
  readonly evidence: EvidenceStore
  /** Bytes of a case that its node serves no longer. */
  readonly caseEvidence: CaseEvidence
  /** Bytes of evidence kept beyond that of open cases. */
  readonly evidenceBytes: number
  /** Windows after which nothing can come of a receipt any more. */
  readonly keepWindows: number
  /** What judges here; a bundle names it. */
  readonly program: { name: 'fisherman'; version: string; decoder: string; platform: string }
  /** Aborts when the daemon stops. */
  readonly signal: AbortSignal
  /** Do we reach others at all? Otherwise bytes that we cannot have are nobody's fault but ours. */
  online(): boolean
  /** Has the operator asked for a pause? Nothing new is checked then; what is sealed is still opened. */
  paused(): boolean
  /** 32 random bytes. */
  randomHash(): Hex
  /** Writes a statement of ours to the log and then gossips it. */
  say(statement: AnyStatement): Promise<void>
  /** Runs work as soon as signing is allowed: at once where it is, never where it never will be. */
  onSigning(work: () => Promise<void>): void
  /** Runs work later; stops with the daemon and never throws past the logger. */
  later(ms: number, what: string, work: () => Promise<void>): void
}
