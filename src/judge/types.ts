import type { Profile } from '../../proofs/types.ts'
import type { Draw, Fingerprint } from '../fingerprint/pdq.ts'
import type { DetailSeries, Features, PacketSet } from '../fingerprint/types.ts'
import type { MediaFacts } from '../transcode/types.ts'
import type { Depth, Judgement, LeafClaim, Reason, VerdictInput } from '../verdict/types.ts'

export interface RenditionRequest {
  path: string
  /** What was ordered; without one the claim is what the container says. */
  profile?: Profile
  leaf?: LeafClaim
  /** Which frames to fingerprint; without one no fingerprint is made. */
  draw?: Draw
  /** Another fisherman's draw, whose fingerprint is made beside ours: an audit of its answer. */
  audit?: Draw
  /** Packets of earlier segments of the same stream and rung. */
  earlier?: readonly PacketSet[]
}

export interface JudgeRequest {
  /** Path of a local file. */
  source: string
  renditions: readonly RenditionRequest[]
  depth: Depth
  /** Confirmers use 1.8 times the D2 lines at prove instead of twice. */
  confirm?: boolean
}

export interface RenditionVerdict {
  path: string
  verdict: Judgement
  faultClass?: 'D2' | 'D3' | 'Q'
  reasons: Reason[]
  measures: Record<string, number | string | boolean>
  fingerprint?: Fingerprint
  /** Over the frames of `audit`. */
  audited?: Fingerprint
  facts?: MediaFacts
  packets: PacketSet
  /** Rendition frames that differ most, worst first. */
  worstFrames: number[]
}

export interface JudgeResult {
  verdictVersion: number
  depth: Depth
  verdict: Judgement
  renditions: RenditionVerdict[]
  sourceFacts?: MediaFacts
  timingsMs: Record<string, number>
}

/** One decoded track beside the source. */
export interface Look {
  features: Features
  detail: DetailSeries | undefined
}

/** One rendition, measured: all that its verdict rests on, and what is kept beside it. */
export interface Examined {
  path: string
  input: VerdictInput
  own: Look | undefined
  /** Our own re-transcodes of its claim, one a preset. */
  controls: readonly Look[]
  packets: PacketSet
  fingerprint: Fingerprint | undefined
  audited: Fingerprint | undefined
}

export interface Examination {
  renditions: Examined[]
  sourceFacts: MediaFacts | undefined
  timingsMs: Record<string, number>
}
