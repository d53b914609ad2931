import type { NamedProfile } from '../../proofs/segdata.ts'
import type { Hex } from '../../proofs/types.ts'

// The messages of go-livepeer's `net/lp_rpc.proto` that a gateway and an orchestrator exchange, as plain values. Fields that nothing here
// needs (AI workers' hardware and models) are not read.

export interface PriceInfo {
  /** Wei for `pixelsPerUnit` pixels. */
  readonly pricePerUnit: bigint
  readonly pixelsPerUnit: bigint
  readonly capability: number
  readonly constraint: string
}

export interface Capabilities {
  /** Bit n of word n / 64. */
  readonly bitstring: readonly bigint[]
  readonly mandatories: readonly bigint[]
  /** How often a node can do what has this bit's number. */
  readonly capacities: ReadonlyMap<number, number>
  readonly version: string
  readonly minVersion: string
}

export interface AuthToken {
  readonly token: Uint8Array
  readonly sessionId: string
  /** Unix seconds. */
  readonly expiration: bigint
}

export interface ExpirationParams {
  readonly creationRound: bigint
  readonly creationRoundBlockHash: Hex
}

export interface TicketParams {
  readonly recipient: Hex
  readonly faceValueWei: bigint
  /** Of 2^256. */
  readonly winProb: bigint
  readonly recipientRandHash: Hex
  readonly seed: bigint
  /** L1 block from which the parameters are void. */
  readonly expirationBlock: bigint
  readonly expirationParams: ExpirationParams | undefined
}

export type StorageType = 'direct' | 's3' | 'google'

export interface StorageInfo {
  readonly type: StorageType
  readonly s3?: {
    readonly host: string
    readonly key: string
    readonly policy: string
    readonly signature: string
    readonly credential: string
    readonly xAmzDate: string
  }
}

export interface OrchestratorRequest {
  readonly address: Hex | undefined
  readonly sig: Uint8Array
  readonly capabilities: Capabilities | undefined
  readonly ignoreCapacityCheck: boolean
}

/** What a node says of itself; nobody signed it. */
export interface OrchestratorInfo {
  /** Where segments are posted to. */
  readonly transcoder: string
  readonly ticketParams: TicketParams | undefined
  readonly price: PriceInfo | undefined
  /** The key that signs results; not necessarily the staked one. */
  readonly address: Hex | undefined
  readonly capabilities: Capabilities | undefined
  readonly authToken: AuthToken | undefined
  readonly storage: readonly StorageInfo[]
  readonly capabilityPrices: readonly PriceInfo[]
  readonly nodes: readonly string[]
}

export interface SegData {
  readonly manifestId: Uint8Array
  readonly seq: bigint
  /** keccak256 of the source. */
  readonly hash: Hex
  readonly sig: Uint8Array
  readonly durationMs: number
  readonly capabilities: Capabilities | undefined
  readonly authToken: AuthToken | undefined
  readonly calcPerceptualHash: boolean
  readonly storage: readonly StorageInfo[]
  readonly profiles: readonly NamedProfile[]
  readonly slice: { readonly fromMs: bigint; readonly toMs: bigint } | undefined
  readonly forceSessionReinit: boolean
}

export interface TicketSenderParams {
  readonly senderNonce: number
  readonly sig: Uint8Array
}

export interface Payment {
  readonly ticketParams: TicketParams | undefined
  readonly sender: Hex | undefined
  readonly expirationParams: ExpirationParams | undefined
  readonly tickets: readonly TicketSenderParams[]
  readonly expectedPrice: PriceInfo | undefined
}

export interface TranscodedSegment {
  readonly url: string
  readonly pixels: bigint
  readonly perceptualHashUrl: string
}

export interface TranscodeResult {
  readonly seq: bigint
  /** What the node says went wrong, after it had answered 200. */
  readonly error: string | undefined
  readonly data: { readonly segments: readonly TranscodedSegment[]; readonly sig: Uint8Array } | undefined
  readonly info: OrchestratorInfo | undefined
}
