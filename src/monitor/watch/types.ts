// The public face of `watch`. Imports nothing: the package ships this very text as its type declarations.

/** Lower-case hex with 0x prefix. */
export type Hex = `0x${string}`

/** Fetching of case bundles: the evidence behind a proof, as fishermen serve it over HTTP. */
export interface BundleOptions {
  /** Base URLs of fishermen, asked in this order: `https://fisherman.example:7936`. */
  urls: readonly string[]
  /** Also judges the pictures again; needs ffmpeg. @default false */
  replay?: boolean
  /** Bytes of one bundle at most. @default 268,435,456 */
  maxBytes?: number
  /** Milliseconds for one download. @default 30,000 */
  timeoutMs?: number
}

export interface WatchOptions {
  /** The chain and the anchor contract whose fraud proofs are followed; `anchor` of a deployment file. */
  chainId: bigint | number | string
  anchor: string
  /** Multiaddrs of fishermen, with or without `/p2p/<id>`. */
  peers: readonly string[]
  /** Remembers what was shown and how far each peer's log was read; without it every start begins anew. */
  stateFile?: string
  /**
   * Begins there instead of where the last watch ended: shows again what came after the proof with this `cursor`, or what was observed since
   * this moment (Unix milliseconds); 0 is everything.
   */
  since?: { cursor: number } | { atMs: number }
  /** Ends when everything that the peers have is shown. @default false */
  once?: boolean
  bundles?: BundleOptions
  /** Ends the watch; the loop then simply ends. */
  signal?: AbortSignal
  /** Hears of what is no proof: false ones, and the state of the network. Must not throw. */
  onEvent?(event: WatchEvent): void
  /** Milliseconds between two looks at a peer's log. @default 5,000 */
  pullEveryMs?: number
  /** Milliseconds after which `once` gives up on peers that cannot be reached. @default 20,000 */
  connectMs?: number
}

/** What became of the evidence behind a proof. */
export interface BundleResult {
  /**
   * `holds`: all hashes, signatures and paths; `reproduced`: the verdict too; `contradicts`: what is served for it does not hold; `unavailable`:
   * nobody had it, or it could not be read.
   */
  state: 'holds' | 'reproduced' | 'contradicts' | 'unavailable'
  reason: string
  url?: string
}

/** A fraud proof whose signatures, Merkle paths and ids hold. */
export interface WatchedProof {
  /** Number of the proof in this watch's state, from 1: what `since` takes. */
  cursor: number
  /** keccak256 of `payload`. */
  id: Hex
  faultClass: 'O1' | 'O2' | 'O3' | 'O4' | 'O5' | 'O6' | 'D1' | 'D2' | 'D3'
  faultId: Hex
  /** The node that is accused. */
  transcoder: Hex
  reporter: Hex
  receiptDigest: Hex
  evidenceHash: Hex
  /** Unix seconds, as the reporter says. */
  observedAt: number
  expiresAt: number
  /** How many reports of this fault were shown before, this one included. */
  report: number
  /**
   * `yes`: the accused itself signed what proves the fault; nothing else is needed. `unconfirmed`: all signatures hold, but only the chain can
   * say whether those who signed are whom the proof takes them for. Anybody can make such a proof; never act on it without the chain.
   */
  verified: 'yes' | 'unconfirmed'
  /** Why it is verified, or what is left for the chain. */
  reason: string
  /** Keys that signed as the accused. */
  accusedSigners: Hex[]
  /** Those who voted, for D classes. */
  voters: Hex[]
  from: 'gossip' | 'pull'
  bundle?: BundleResult
  /** The canonical bytes: whoever has them can check everything again. */
  payload: Hex
}

/** A statement on the topic that is no proof: a lie, or broken. */
export interface FalseProof {
  type: 'false'
  id: Hex
  reason: string
  /** What it claims, where it can be read at all; nothing of it is true by that. */
  claims?: { faultClass: string; transcoder: Hex; reporter: Hex }
}

export type WatchEvent =
  | FalseProof
  | { type: 'peers'; connected: number }
  /** Something about the network that a person should know: one sentence. */
  | { type: 'notice'; message: string }

export interface WatchCounts {
  /** Proofs shown, and how many of them are whole in themselves. */
  proofs: number
  verified: number
  unconfirmed: number
  /** Statements that are no proofs. */
  false: number
  /** False ones that came too fast to be told each. */
  falseUntold: number
  /** Of a class that this version does not know; a newer one may. */
  unknownClass: number
  /** Bundles that contradict their proof. */
  contradicted: number
  peers: number
}

export interface Watch extends AsyncIterable<WatchedProof> {
  counts(): WatchCounts
}

/**
 * Follows the fraud proofs of one network without key, GPU or chain: `for await (const proof of watch({ ... }))`. A proof counts as shown when
 * the next one is asked for; what was shown is not shown again by a later watch with the same `stateFile`.
 */
export type WatchFunction = (options: WatchOptions) => Watch
