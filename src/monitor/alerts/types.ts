import type { Hex } from '../../../proofs/types.ts'
import type { Alarm, CaseView } from '../../chain/types.ts'

export type Severity = 'critical' | 'warning' | 'info'

/** What is wrong with the network or with a daemon, or was noticed in it. */
export interface Alert {
  /** The same trouble has the same id as long as it lasts, also after a restart: `case-idle:0x…`. */
  id: string
  kind: AlertKind
  severity: Severity
  /** One line: what is the matter. */
  says: string
  /** One line: what a person can do. */
  do: string
}

export type AlertKind =
  | ('case-idle' | 'case-new' | 'case-convicted' | 'case-appealed')
  | ('evasion' | 'parameter-changed' | 'paused')
  | ('chain-stale' | 'chain-trouble' | 'gossip-trouble')
  | ('daemon-down' | 'daemon-not-ready' | 'daemon-stuck' | 'daemon-refused' | 'daemon-unread')
  | ('funds-low' | 'proof-false')

/** What is told to people: a trouble begins, is still there after a day, or is over; news is told once. */
export interface Notice {
  state: 'raised' | 'still' | 'over' | 'news'
  alert: Alert
  /** Unix milliseconds at which it was raised. */
  sinceMs: number
}

/** What comes next in a case, who can do it, and by when. */
export interface Forecast {
  faultId: Hex
  faultClass: CaseView['faultClass']
  transcoder: Hex
  state: CaseView['state']
  next: 'answer-or-votes' | 'votes' | 'expire' | 'appeal-or-wait' | 'oracle' | 'settle'
  /** Who must act now. */
  who: 'accused, members' | 'members' | 'anybody' | 'nobody' | 'oracle'
  /** Unix seconds of chain time at which this ends and the next begins; undefined where nothing ends it. */
  untilSec?: number
  /** Seconds for which it could have been done, and was not. */
  idleSec: number
}

/** One of the daemons that are watched, as its own server tells. */
export interface DaemonLook {
  /** Without credentials: it is told in alerts. */
  url: string
  /** What it answered, or why it did not; `unknown`: it answers, and not whether it is ready. */
  state: 'ready' | 'not-ready' | 'unknown' | 'down'
  says?: string
  /** It answered that we may not ask: 401 without its token or with another one, 403 where it has none for other machines. */
  refused?: 401 | 403
  /** Why it could not be read whole, where it did not refuse. */
  unread?: string
  /** Samples checked and receipts seen, where it tells. */
  checked?: number
  receipts?: number
}

/** Everything that one round of looking found. */
export interface Observation {
  /** Unix seconds of chain time. */
  nowSec: number
  headAgeSec: number
  /** Why the chain cannot be followed or read; what is told of it beside this is old, or not there. */
  trouble: string | undefined
  cases: readonly CaseView[]
  alarms: readonly Alarm[]
  /** Undefined where it could not be read. */
  paused: boolean | undefined
  /** Name -> value, of all parameters that the contracts tell. */
  parameters: Readonly<Record<string, string>>
  daemons: readonly DaemonLook[]
  /** Undefined where it could not be read. */
  balances: readonly { address: Hex; wei: bigint | undefined }[]
  /** Where it is followed: why nobody brings it. */
  gossip?: { trouble: string | undefined }
  /** Ids of false proofs that gossip brought, newest last. */
  falseProofs: readonly { id: string; reason: string }[]
}

export interface Thresholds {
  /** Seconds for which a step that could be done may wait. */
  idleSec: number
  /** Seconds of the newest block. */
  headAgeSec: number
  /** Seconds for which a daemon may see receipts and judge none. */
  stuckSec: number
  /** Wei of the native coin. */
  minBalanceWei: bigint
}
