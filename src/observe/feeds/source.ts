import type { Hex } from '../../../proofs/types.ts'
import type { NodeFacts } from '../../score/score.ts'
import type { Weights } from '../../score/weights.ts'

/** Seconds of chain time, both ends included. */
export interface FeedSpan {
  sinceSec: number
  untilSec: number
}

/** One line of `/api/raw_stats`, as Livepeer's leaderboard names its fields. Times are seconds, 0 where nobody measured. */
export interface RawStat {
  region: string
  orchestrator: Hex
  success_rate: number
  round_trip_time: number
  errors: readonly { error_code: string; count: number }[]
  /** Unix seconds. */
  timestamp: number
  seg_duration: number
  segments_sent: number
  segments_received: number
  upload_time: number
  download_time: number
  transcode_time: number
}

/** What the score feeds are made of. */
export interface FeedSource {
  readonly region: string
  readonly presets: ReadonlyMap<string, Weights>
  /** Segments of which gateways verify one again; 0 is none. */
  readonly verificationFreq: number
  nowSec(): number
  /** All orchestrators that may be given work, and all others that something is known of. Undefined until the chain told all of them. */
  facts(span: FeedSpan): ReadonlyMap<Hex, NodeFacts> | undefined
  /** Where they are asked for work, as the registry has it. */
  serviceUris(): ReadonlyMap<Hex, string>
  raw(transcoder: Hex, span: FeedSpan): readonly RawStat[]
  /** Takes what somebody's stream tester measured; undefined where no secret is agreed on. */
  readonly post?: { secret: string; take(stat: RawStat): void }
}
