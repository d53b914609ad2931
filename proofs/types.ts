/** Lower-case hex with 0x prefix. Addresses are kept lower-case so that equal values compare equal. */
export type Hex = `0x${string}`

/** What a gateway ordered: one rung of a ladder. Enum numbers are go-livepeer's (net/lp_rpc.proto). */
export interface Profile {
  /** Pixels; the size really made follows the aspect rule (source aspect kept, larger side is the target). */
  width: number
  height: number
  /** Bit per second; average, maximum and VBV size of the encode. */
  bitrate: number
  /** Frames per second as a fraction; 0/1 keeps the source's timestamps. */
  fpsNum: number
  fpsDen: number
  /** 0 H.264, 1 H.265, 2 VP8, 3 VP9. */
  codec: number
  /** 0 unset, 1 baseline, 2 main, 3 high, 4 constrained high. */
  h264Profile: number
  /** Milliseconds between key frames; 0 unset, -1 intra only. */
  gopMs: number
  /** 0 MPEG-TS, 1 MP4. */
  container: number
  /** CRF 1..63; 0 unset. */
  quality: number
}

/** One transcoded version of a segment, as its maker describes it: a leaf under `renditionsRoot`. */
export interface Rendition {
  index: number
  profileHash: Hex
  /** keccak256 of the bytes. */
  contentHash: Hex
  byteLength: bigint
  /** width x height x frames. */
  pixels: bigint
  /** Coded size in pixels; 0,0 where it changes inside the segment. */
  width: number
  height: number
  frames: number
  durationMs: number
}

/** Fingerprint of one frame, as the receipt's maker commits to it: a leaf under `fingerprintRoot`. */
export interface FrameFp {
  /** Index of the rendition; SOURCE_TRACK for the source. */
  track: number
  /** Number of the frame in its track, from 0. */
  frame: number
  /** Presentation time in milliseconds from the segment's first frame. */
  ptsMs: number
  dhash: bigint
  /** The bits of `dhash` that noise does not turn; only these are ever compared. */
  strong: bigint
}

/** `track` of the source's own frames. */
export const SOURCE_TRACK = 0xffff

/** What a gateway asked for. `issuedAt` and `expiresAt` are Unix seconds. */
export interface TranscodeOrder {
  requester: Hex
  transcoder: Hex
  streamId: Hex
  seq: bigint
  sourceHash: Hex
  sourceBytes: bigint
  profilesHash: Hex
  sourceFingerprintRoot: Hex
  sessionId: Hex
  nonce: Hex
  issuedAt: bigint
  expiresAt: bigint
}

/** The orchestrator's statement that it made these renditions of this source for this order. */
export interface TranscodeReceipt {
  orderHash: Hex
  transcoder: Hex
  requester: Hex
  streamId: Hex
  seq: bigint
  sourceHash: Hex
  profilesHash: Hex
  renditionsRoot: Hex
  fingerprintRoot: Hex
  /** Unix seconds of chain time. */
  completedAt: bigint
  round: bigint
}

export interface SignerDelegation {
  transcoder: Hex
  signer: Hex
  fromRound: bigint
}

/** Merkle root over all receipts of one window, signed before the beacon that draws samples from it. */
export interface WindowRoot {
  transcoder: Hex
  windowId: bigint
  root: Hex
  count: number
  closedAt: bigint
}

/** Commitment to an answer; opened after `deadline` (Unix seconds). */
export interface SealedAnswer {
  sampleId: Hex
  seal: Hex
  deadline: bigint
}

export interface Answer {
  sampleId: Hex
  receiptDigest: Hex
  rendition: number
  outcome: number
  evidenceHash: Hex
  fingerprint: Hex
  verdictVersion: number
  salt: Hex
}

export interface ConvictionVote {
  faultId: Hex
  faultClass: number
  transcoder: Hex
  receiptDigest: Hex
  rendition: number
  evidenceHash: Hex
  workCommit: Hex
  finder: Hex
  verdictVersion: number
  deadline: bigint
}

export interface FraudReport {
  faultId: Hex
  faultClass: number
  transcoder: Hex
  reporter: Hex
  receiptDigest: Hex
  evidenceHash: Hex
  observedAt: bigint
  expiresAt: bigint
}

/**
 * Signed head of a fisherman's proof log: an RFC 6962 tree over its first `size` entries. A key that begins a new log begins a new `epoch`;
 * within one, histories only grow. `signedAt` in Unix seconds.
 */
export interface LogHead {
  fisherman: Hex
  epoch: bigint
  size: bigint
  root: Hex
  signedAt: bigint
}

/** What a peer answers who is asked for the last head that it holds of somebody: signed over the asker's nonce; all zero where it holds none. */
export interface HeadReturn {
  fisherman: Hex
  epoch: bigint
  size: bigint
  root: Hex
  nonce: Hex
}

/** A fisherman's signed request for the bytes of one blob; `expiresAt` in Unix seconds. */
export interface BlobRequest {
  transcoder: Hex
  contentHash: Hex
  expiresAt: bigint
}

/** Struct name -> its TypeScript shape; the keys are the EIP-712 type names. */
export interface Structs {
  Profile: Profile
  Rendition: Rendition
  FrameFp: FrameFp
  TranscodeOrder: TranscodeOrder
  TranscodeReceipt: TranscodeReceipt
  SignerDelegation: SignerDelegation
  WindowRoot: WindowRoot
  SealedAnswer: SealedAnswer
  Answer: Answer
  ConvictionVote: ConvictionVote
  FraudReport: FraudReport
  LogHead: LogHead
  HeadReturn: HeadReturn
  BlobRequest: BlobRequest
}

export type StructName = keyof Structs

/** The anchor that separates our signatures from everybody else's. */
export interface Domain {
  chainId: bigint
  anchor: Hex
}

export type Outcome = 'pass' | 'fail' | 'inconclusive' | 'withheld'

/** Index = number on the wire. */
export const OUTCOMES: readonly Outcome[] = ['pass', 'fail', 'inconclusive', 'withheld']

export type FaultClass = 'O1' | 'O2' | 'O3' | 'O4' | 'O5' | 'O6' | 'D1' | 'D2' | 'D3'

/** Fault class -> number on the wire and on chain. */
export const FAULT_CLASSES: Readonly<Record<FaultClass, number>> = {
  O1: 1,
  O2: 2,
  O3: 3,
  O4: 4,
  O5: 5,
  O6: 6,
  D1: 17,
  D2: 18,
  D3: 19,
}

/** `faultClass` of the votes that end a case without a conviction: the replay found no fault, or the bytes were not to be had. */
export const DISMISSALS = { reject: 0, draw: 255 } as const
export type Dismissal = keyof typeof DISMISSALS

export function faultClassName(number: number): FaultClass | undefined {
  return (Object.keys(FAULT_CLASSES) as FaultClass[]).find((name) => FAULT_CLASSES[name] === number)
}

/** Version of the verdict's lines and measures; answers and votes carry it. */
export const VERDICT_VERSION = 3

/** Limits of every field that a stranger fills in. */
export const LIMITS = {
  /** Bytes of a gossip payload (DESIGN section 8). */
  statementBytes: 4096,
  /** Bytes of a fraud report: eight pairs of frames with their paths are larger than all other proofs, and nobody can check what is not there. */
  fraudProofBytes: 16_384,
  /** Rungs of one receipt; go-livepeer refuses more than ten outputs. */
  renditions: 10,
  /** Frame fingerprints that one receipt may publish: three seconds of a source and ten renditions at 60 frames a second. */
  fingerprints: 2_048,
  /** Receipts of one window; bounds memory and the draw. */
  windowReceipts: 4096,
  /** Answers and votes in the notes of one bundle; each takes two checks of a signature. */
  bundleStatements: 500,
  /** Bytes of a segment: go-livepeer's own limit. */
  segmentBytes: 300_000_000,
  /** Bytes of a `SegData`: ten profiles, capabilities and the credentials of a store are about 4 KiB. */
  segDataBytes: 16_384,
  /** Milliseconds of a segment: go-livepeer's own limit. */
  segmentMs: 300_000,
} as const
