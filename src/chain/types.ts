import type { Domain, FaultClass, Hex, LogHead } from '../../proofs/types.ts'
import type { Accusation } from './build.ts'
import type { Limits, Usage } from './limits.ts'

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
  /** Livepeer's Controller; only where it is not the one of the chain that everybody knows. */
  controller?: Hex
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

/** How sure a block is to stay: in our chain; unlikely to go (tag `safe`); never taken back (tag `finalized`). Money is booked on the last only. */
export type ConfirmationLevel = 'soft' | 'safe' | 'finalized'

/** Highest block of each level; -1 while not known. */
export interface Confirmations {
  soft: bigint
  safe: bigint
  finalized: bigint
  /** Where the two come from: the chain's block tags, or a number of blocks on a chain that has none. */
  by: 'tags' | 'depth'
}

export type AlarmKind = 'unbond' | 'transfer-bond' | 'thawing' | 'signer-delegated' | 'signer-revoked'

/** A suspect moves what could be taken from it, or the keys that speak for it. */
export interface Alarm {
  kind: AlarmKind
  transcoder: Hex
  /** Why it is a suspect. */
  because: string
  /** Wei of the token that leave; of `thawing` all that thaws by now. */
  amount?: bigint
  /** Whom the bond goes to, or the key that is named or revoked. */
  other?: Hex
  /** Unix seconds of chain time from which it is out of reach; undefined where it is at once. */
  leavesAtSec?: number
  tx: Hex
  blockNumber: bigint
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

/** One that shows no sign of life. */
export interface SilentMember extends Pick<Member, 'address' | 'weight'> {
  /** Unix seconds of chain time at which it registered or anchored its newest head. */
  seenAtSec: number
}

/** Head of a proof log on the chain. */
export type AnchoredHead = Pick<LogHead, 'epoch' | 'size' | 'root'>

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
  | ('anchor' | 'silent')

/** What is written down before anything is signed, and again with each signed variant; holds no key. */
export interface Intent {
  /**
   * `<faultId>:<action>`; the same work has the same id after a restart. For an anchored head its root
   * stands in the place of a fault, for a silent member a hash of it and of when it was last seen.
   */
  id: string
  faultId: Hex
  action: Action
  /** `refused`: reverted, or given up before it was mined; `replaced`: another program used its nonce. A mined one may become `signed` again. */
  state: 'intended' | 'signed' | 'mined' | 'refused' | 'replaced'
  to: Hex
  data: Hex
  /** Commit only: needed to reveal after a restart. */
  salt?: Hex
  nonce?: number
  /** All signed variants of this nonce, oldest first. */
  variants: { hash: Hex; raw: Hex; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint; gasLimit: bigint }[]
  /** Unix milliseconds when it was begun. */
  atMs?: number
  /** Wei of the token that it locks. */
  bond?: bigint
  /** Wei that its gas cost, once it was mined, well or not. */
  spent?: bigint
  /** Unix milliseconds when that was seen: a transaction may wait for days. */
  spentAtMs?: number
  /** Block that it was mined in. */
  minedIn?: bigint
  /** Wei that earlier tries of the same work cost. */
  past?: { atMs: number; wei: bigint }[]
}

/** An intent without the bytes that only signing and sending need: what a program holds of all that it ever sent. */
export interface IntentSummary extends Omit<Intent, 'data' | 'variants'> {
  variants: readonly Omit<Intent['variants'][number], 'raw' | 'maxPriorityFeePerGas'>[]
}

/** Where intents survive a crash. `record` must be durable before it resolves. */
export interface IntentStore {
  record(intent: Intent, options: { signal: AbortSignal }): Promise<void>
  load(id: string): Promise<Intent | undefined>
  /** The newest state of every intent. */
  all(): readonly IntentSummary[]
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

/** Our account by its last look at the chain, and by our own intents. */
export interface Account {
  /** Wei of the native coin; undefined where nothing may be sent. */
  balanceWei: bigint | undefined
  usage: Usage
  limits: Limits | undefined
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
  /** Why our account cannot act now, in one line that says what to do; undefined when all is well, or without a key. */
  blocked(): string | undefined
  /** What our account has, spent and locked; undefined without a key. */
  account(): Account | undefined
  /** Highest block of each confirmation level, at the newest head. */
  confirmations(): Confirmations
  /** Level of a block of our chain; undefined above the head. */
  levelOf(blockNumber: bigint): ConfirmationLevel | undefined
  /** Calls the listener for each move of a suspect, in the poll that sees it; returns how to stop. */
  onAlarm(listener: (alarm: Alarm) => void): () => void
  /** Alarms that stand: newest last, without those whose blocks were taken back. */
  alarms(): Alarm[]
  /** Names a suspect (a found fault, a raised score); who has an open case is one anyway. What it moved lately is raised at once. */
  suspect(transcoder: Hex, because: string): void
  /** The suspicion of this reason is over. */
  unsuspect(transcoder: Hex, because: string): void
  round(): Promise<bigint>
  /** Hash of the first block with timestamp >= t; undefined while there is none. */
  beaconAt(timestampSec: number, options: Waiting): Promise<{ hash: Hex; blockNumber: bigint } | undefined>
  members(): Promise<Member[]>
  /** What a conviction can reach, also of what is on its way out: no measure of security. */
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
  /** The newest head of a fisherman's proof log that it put on the chain; undefined where it put none. */
  anchoredHead(fisherman: Hex): Promise<AnchoredHead | undefined>
  /** Puts a grown head of our own log on the chain. */
  anchorHead(head: AnchoredHead, options: Waiting): Promise<ActionResult>
  /** Members whose weight still counts though they anchored no grown head for longer than the registry allows; one look a head. */
  silentMembers(): Promise<SilentMember[]>
  /** Takes such a member out of the denominator of every quorum. */
  markSilent(member: SilentMember, options: Waiting): Promise<ActionResult>
  /** Stops polling; resolves when nothing runs any more. */
  close(): Promise<void>
}
