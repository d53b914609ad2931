import { type Fields, readMessage } from '../../proofs/protobuf.ts'
import { readProfiles, SEGDATA_LIMITS } from '../../proofs/segdata.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import { type Hex, LIMITS } from '../../proofs/types.ts'
import type {
  AuthToken,
  Capabilities,
  ExpirationParams,
  OrchestratorInfo,
  OrchestratorRequest,
  Payment,
  PriceInfo,
  SegData,
  StorageInfo,
  StorageType,
  TicketParams,
  TranscodeResult,
} from './types.ts'
import { bigOf } from './wire.ts'

/** Of messages of strangers; honest ones are a tenth of it. */
export const WIRE_LIMITS = {
  infoBytes: 131_072,
  resultBytes: 262_144,
  paymentBytes: 65_536,
  pingBytes: 4_096,
  urlBytes: 2_048,
  errorBytes: 4_096,
  /** Tickets of one payment. */
  tickets: 128,
  storages: 8,
  nodes: 64,
  prices: 256,
  /** Words of a bit string: go-livepeer's highest number is below 64, AI work below 128. */
  capabilityWords: 16,
  capacities: 256,
} as const

const { urlBytes } = WIRE_LIMITS

function hex(bytes: Uint8Array | undefined): Hex | undefined {
  return bytes && bytesToHex(bytes)
}

const ZERO_ADDRESS: Hex = `0x${'0'.repeat(40)}`
const ZERO_WORD: Hex = `0x${'0'.repeat(64)}`

function readPrice(f: Fields): PriceInfo {
  return { pricePerUnit: f.int64(1), pixelsPerUnit: f.int64(2), capability: f.uint32(3), constraint: f.text(4, 256) }
}

function readCapabilities(f: Fields): Capabilities {
  const { capabilityWords, capacities } = WIRE_LIMITS
  return {
    bitstring: f.uint64s(1, capabilityWords),
    mandatories: f.uint64s(2, capabilityWords),
    capacities: new Map(f.messages(3, capacities, (entry) => [entry.uint32(1), entry.uint32(2)] as const)),
    version: f.text(4, 128),
    minVersion: f.message(5, (constraints) => constraints.text(1, 128)) ?? '',
  }
}

function readAuthToken(f: Fields): AuthToken {
  return { token: f.bytes(1, 64), sessionId: f.text(2, SEGDATA_LIMITS.sessionBytes), expiration: f.int64(3) }
}

function readExpirationParams(f: Fields): ExpirationParams {
  return { creationRound: f.int64(1), creationRoundBlockHash: hex(f.exactly(2, 32)) ?? ZERO_WORD }
}

function readTicketParams(f: Fields): TicketParams {
  return {
    recipient: hex(f.exactly(1, 20)) ?? ZERO_ADDRESS,
    faceValueWei: bigOf(f.bytes(2, 32)),
    winProb: bigOf(f.bytes(3, 32)),
    recipientRandHash: hex(f.exactly(4, 32)) ?? ZERO_WORD,
    seed: bigOf(f.bytes(5, 32)),
    expirationBlock: bigOf(f.bytes(6, 32)),
    expirationParams: f.message(7, readExpirationParams),
  }
}

/** By their numbers on the wire; a number that is none of them is treated as storage that we cannot use, `direct`. */
const STORAGE_TYPES: readonly StorageType[] = ['direct', 's3', 'google']

function readStorage(f: Fields): StorageInfo {
  const s3 = f.message(16, (store) => ({
    host: store.text(1, urlBytes),
    key: store.text(2, 1_024),
    policy: store.text(3, 4_096),
    signature: store.text(4, 1_024),
    credential: store.text(5, 1_024),
    xAmzDate: store.text(6, 64),
  }))
  return { type: STORAGE_TYPES[f.int32(1)] ?? 'direct', ...(s3 ? { s3 } : {}) }
}

function readInfo(f: Fields): OrchestratorInfo {
  const { storages, prices, nodes } = WIRE_LIMITS
  return {
    transcoder: f.text(1, urlBytes),
    ticketParams: f.message(2, readTicketParams),
    price: f.message(3, readPrice),
    address: hex(f.exactly(4, 20)),
    capabilities: f.message(5, readCapabilities),
    authToken: f.message(6, readAuthToken),
    storage: f.messages(32, storages, readStorage),
    capabilityPrices: f.messages(33, prices, readPrice),
    nodes: f.texts(34, nodes, urlBytes),
  }
}

export function readOrchestratorInfo(bytes: Uint8Array): OrchestratorInfo {
  return readMessage('OrchestratorInfo', bytes, WIRE_LIMITS.infoBytes, readInfo)
}

export function readOrchestratorRequest(bytes: Uint8Array): OrchestratorRequest {
  return readMessage('OrchestratorRequest', bytes, WIRE_LIMITS.infoBytes, (f) => ({
    address: hex(f.exactly(1, 20)),
    sig: f.exactly(2, 65) ?? new Uint8Array(),
    capabilities: f.message(3, readCapabilities),
    ignoreCapacityCheck: f.flag(4),
  }))
}

/** `bytes` themselves are what an order is named by: whoever needs that keeps them beside what is read here. */
export function readSegData(bytes: Uint8Array): SegData {
  return readMessage('SegData', bytes, LIMITS.segDataBytes, (f) => {
    const profiles = readProfiles(f)
    return {
      manifestId: f.bytes(1, SEGDATA_LIMITS.manifestBytes),
      seq: f.int64(2),
      hash: hex(f.exactly(3, 32)) ?? ZERO_WORD,
      sig: f.exactly(5, 65) ?? new Uint8Array(),
      durationMs: f.int32(6),
      capabilities: f.message(7, readCapabilities),
      authToken: f.message(8, readAuthToken),
      calcPerceptualHash: f.flag(10),
      storage: f.messages(32, WIRE_LIMITS.storages, readStorage),
      profiles,
      slice: f.message(37, (slice) => ({ fromMs: slice.uint64(1), toMs: slice.uint64(2) })),
      forceSessionReinit: f.flag(38),
    }
  })
}

export function readPayment(bytes: Uint8Array): Payment {
  return readMessage('Payment', bytes, WIRE_LIMITS.paymentBytes, (f) => ({
    ticketParams: f.message(1, readTicketParams),
    sender: hex(f.exactly(2, 20)),
    expirationParams: f.message(3, readExpirationParams),
    tickets: f.messages(4, WIRE_LIMITS.tickets, (ticket) => ({
      senderNonce: ticket.uint32(1),
      sig: ticket.exactly(2, 65) ?? new Uint8Array(),
    })),
    expectedPrice: f.message(5, readPrice),
  }))
}

export function readTranscodeResult(bytes: Uint8Array): TranscodeResult {
  return readMessage('TranscodeResult', bytes, WIRE_LIMITS.resultBytes, (f) => ({
    seq: f.int64(1),
    error: f.has(2) ? f.text(2, WIRE_LIMITS.errorBytes) : undefined,
    data: f.message(3, (data) => ({
      segments: data.messages(1, LIMITS.renditions, (segment) => ({
        url: segment.text(1, urlBytes),
        pixels: segment.int64(2),
        perceptualHashUrl: segment.text(3, urlBytes),
      })),
      sig: data.exactly(2, 65) ?? new Uint8Array(),
    })),
    info: f.message(16, readInfo),
  }))
}

/** `PingPong`: one field of bytes. */
export function readPing(bytes: Uint8Array): Uint8Array {
  return readMessage('PingPong', bytes, WIRE_LIMITS.pingBytes, (f) => f.bytes(1, WIRE_LIMITS.pingBytes))
}

export function readEndSession(bytes: Uint8Array): AuthToken | undefined {
  return readMessage('EndTranscodingSessionRequest', bytes, WIRE_LIMITS.pingBytes, (f) => f.message(1, readAuthToken))
}
