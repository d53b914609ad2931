import type { Domain, FaultClass, Hex } from '../../proofs/types.ts'
import type { Accusation } from './build.ts'

/** Signs transactions; every ethers signer is one. The key stays behind it. */
export interface TransactionSigner {
  getAddress(): Promise<string>
  signTransaction(transaction: UnsignedTransaction): Promise<string>
}

export interface UnsignedTransaction {
  type: 2
  chainId: bigint
  nonce: number
  /** null creates a contract. */
  to: Hex | null
  data: Hex
  /** Wei of the native coin. */
  value?: bigint
  gasLimit: bigint
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
}

/** Where everything of one network lies. */
export interface Deployment {
  chainId: bigint
  /** First block that can hold an event of these contracts. */
  deployBlock: bigint
  anchor: Hex
  verifier: Hex
  faultVerifier: Hex
  registry: Hex
  deposit: Hex
  delegation: Hex
  rounds: Hex
  serviceRegistry: Hex
  token: Hex
  treasury: Hex
  oracle: Hex
  depositSlasher: Hex
}

export interface Head {
  number: bigint
  hash: Hex
  timestampSec: number
}

/** A new head; `rewoundTo` is the last block that both chains share when blocks were taken back. */
export interface HeadEvent {
  head: Head
  rewoundTo?: bigint
}

/** One registered fisherman. */
export interface Member {
  address: Hex
  /** min(bond, cap) in wei of the token; counts from `activeFromSec` on and not while exiting. */
  weight: bigint
  blsPublicKey: Hex
  proofOfPossession: Hex
  activeFromSec: number
  exiting: boolean
}

export type CaseState = 'open' | 'answered' | 'convicted' | 'settled' | 'expired' | 'refunded' | 'rejected' | 'drawn'

/** One case as the chain's events tell it. Times are Unix seconds of chain time, amounts wei of the token. */
export interface CaseView {
  faultId: Hex
  faultClass: FaultClass
  transcoder: Hex
  /** Zero for two roots of one window. */
  receiptDigest: Hex
  state: CaseState
  opener?: Hex
  evidenceHash?: Hex
  bond?: bigint
  answerUntilSec?: number
  expiresAtSec?: number
  rebuttalHash?: Hex
  finder?: Hex
  amount?: bigint
  /** End of the wait for an appeal; an appeal moves it. */
  releaseAtSec?: number
  appellant?: Hex
  /** Transaction of the newest step that changed the state to open or convicted, and what it used. */
  tx: Hex
  gasUsed?: bigint
  blockNumber: bigint
}

export type Action =
  | ('open' | 'answer' | 'commit' | 'reveal' | 'convict')
  | ('reject' | 'draw' | 'expire' | 'fileAppeal' | 'settle' | 'appeal' | 'penalise')

/** What is written down before anything is signed, and again with each signed variant; holds no key. */
export interface Intent {
  /** `<faultId>:<action>`; the same work has the same id after a restart. */
  id: string
  faultId: Hex
  action: Action
  state: 'intended' | 'signed' | 'mined' | 'refused'
  to: Hex
  data: Hex
  /** Commit only: needed to reveal after a restart. */
  salt?: Hex
  nonce?: number
  /** All signed variants of this nonce, oldest first. */
  variants: { hash: Hex; raw: Hex; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint; gasLimit: bigint }[]
}

/** Where intents survive a crash. `record` must be durable before it resolves. */
export interface IntentStore {
  record(intent: Intent, options: { signal: AbortSignal }): Promise<void>
  load(id: string): Promise<Intent | undefined>
}

export type ActionResult =
  | { status: 'mined'; tx: Hex; gasUsed: bigint; blockNumber: bigint /** Taken, for reveal and convict. */; amount?: bigint }
  /** Somebody, perhaps we, did it before; nothing was sent. */
  | { status: 'already' }
  /** Mode `simulate`: the chain would have accepted it; nothing was signed. */
  | { status: 'simulated'; to: Hex; data: Hex; gas: bigint }
  /** The chain, or our own caution, refuses; `reason` is one line, `error` the contract's error where there is one. */
  | { status: 'refused'; reason: string; error?: string }

export interface Waiting {
  signal: AbortSignal
}

export interface Chain {
  readonly domain: Domain
  readonly deployment: Deployment
  /** Our own address; undefined without a key. */
  readonly address: Hex | undefined
  head(): Head
  /** Calls the listener after all state was brought to the new head; returns how to stop. */
  onHead(listener: (event: HeadEvent) => void): () => void
  /** Unix seconds of chain time: the last head's timestamp and what has passed since. */
  nowSec(): number
  /** Age of the head by the wall clock, in seconds; 0 where the chain's time runs ahead. */
  headAgeSec(): number
  /** The last trouble with the RPC, cleared by the next good answer. */
  trouble(): string | undefined
  round(): Promise<bigint>
  /** Hash of the first block with timestamp >= t; undefined while there is none. */
  beaconAt(timestampSec: number, options: Waiting): Promise<{ hash: Hex; blockNumber: bigint } | undefined>
  members(): Promise<Member[]>
  deposit(transcoder: Hex): Promise<{ amount: bigint; frozen: boolean }>
  isSigner(transcoder: Hex, signer: Hex, round: bigint): Promise<boolean>
  serviceUri(transcoder: Hex): Promise<string>
  isConvicted(faultId: Hex): boolean
  cases(): CaseView[]
  openCase(request: Accusation, options: Waiting): Promise<ActionResult>
  answer(request: { faultId: Hex; rebuttalHash: Hex }, options: Waiting): Promise<ActionResult>
  /** Brings the votes; `evidence` as proofs/evidence.ts encodes it. */
  convict(request: { faultClass: FaultClass; faultId: Hex; evidence: Hex }, options: Waiting): Promise<ActionResult>
  /** Commits, waits for the commitment's age, reveals. After a restart it goes on with the same commitment. */
  commitReveal(request: { faultClass: FaultClass; faultId: Hex; evidence: Hex }, options: Waiting): Promise<ActionResult>
  /** Brings votes that found no fault (reject) or got no bytes (draw). */
  dismiss(request: { action: 'reject' | 'draw'; faultId: Hex; evidence: Hex }, options: Waiting): Promise<ActionResult>
  expire(faultId: Hex, options: Waiting): Promise<ActionResult>
  /** Objects to a conviction with a bond; the oracle decides. */
  fileAppeal(request: { faultId: Hex; claimHash: Hex }, options: Waiting): Promise<ActionResult>
  settle(faultId: Hex, options: Waiting): Promise<ActionResult>
  /** Refunds what the oracle overturned. */
  appeal(faultId: Hex, options: Waiting): Promise<ActionResult>
  /** Takes the bonds of those who signed an overturned conviction. */
  penalise(request: { faultId: Hex; signers: readonly Hex[] }, options: Waiting): Promise<ActionResult>
  /** Stops polling; resolves when nothing runs any more. */
  close(): Promise<void>
}
