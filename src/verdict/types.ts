import type { Profile } from '../../proofs/types.ts'
import type { AudioMatch } from '../fingerprint/audio.ts'
import type { Quality } from '../fingerprint/quality.ts'
import type { ContentFacts, Features } from '../fingerprint/types.ts'
import type { MediaFacts } from '../transcode/types.ts'
import type { LineCode } from './lines.ts'

export type Depth = 'screen' | 'check' | 'prove'
export type Judgement = 'pass' | 'fail' | 'inconclusive'

/** Why no node is to blame, or why nobody can say. */
export type DoubtCode =
  | 'source-unreadable'
  | 'source-broken'
  | 'source-tracks'
  | 'source-codec'
  | 'source-pixel-format'
  | 'source-key-frame'
  | 'source-parameter-sets'
  | 'source-edit-list'
  | 'source-times'
  | 'source-frames'
  | 'source-limit'
  | 'featureless'
  | 'motionless'
  | 'content'
  | 'rendition-unreadable'
  | 'rendition-format'
  | 'rendition-times'
  | 'rendition-edit-list'
  | 'rendition-limit'
  | 'few-bad-frames'
  | 'screened'

export interface Reason {
  code: LineCode | DoubtCode
  class: 'D2' | 'D3' | 'Q' | 'content' | 'source' | 'rendition' | 'limit'
  value: number
  limit: number
  /** Rendition frame that shows it most. */
  frame?: number
  sees: string
}

/** `unknown` where it is a kind of file that we do not read: that is no fault of anybody. */
export type Decodes = 'yes' | 'no' | 'unknown'

/** What the leaf of a receipt says about a rendition. */
export interface LeafClaim {
  width: number
  height: number
  frames: number
  durationMs: number
}

export interface ControlFeatures {
  features: Features
  /** Log2 detail drop of the control itself against the source. */
  detail?: number | undefined
}

/** All that a verdict rests on; nothing else may enter. */
export interface VerdictInput {
  depth: Depth
  /** 2 at prove, 1.8 for a confirmer; ignored at other depths. */
  proveFactor: number
  /** Undefined where the source is no media file at all. */
  source: { facts: MediaFacts; decodes: boolean; overLimit: boolean; content?: ContentFacts | undefined } | undefined
  rendition: { facts?: MediaFacts | undefined; decodes: Decodes; overLimit: boolean }
  claim: {
    profile?: Profile | undefined
    /** Size by the aspect rule, where a profile was ordered. */
    size?: { width: number; height: number } | undefined
    leaf?: LeafClaim | undefined
  }
  features?: Features | undefined
  quality: Quality
  controls: readonly ControlFeatures[]
  packets: { passedThrough: number; reused: number }
  /** Undefined where there is nothing to compare, or a codec that we do not read. */
  audio?: AudioMatch | undefined
}

export interface Decision {
  verdict: Judgement
  faultClass?: 'D2' | 'D3' | 'Q'
  reasons: Reason[]
  measures: Record<string, number | string | boolean>
}
