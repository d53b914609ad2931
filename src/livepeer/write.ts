import type { NamedProfile } from '../../proofs/segdata.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import type { Hex } from '../../proofs/types.ts'
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
  TicketParams,
  TranscodeResult,
} from './types.ts'
import { bigBytes, mapEntry, createMessageWriter as message } from './wire.ts'

// Every message in the order of its field numbers, as Go's encoder writes it.

function raw(hex: Hex | undefined): Uint8Array | undefined {
  return hex && hexToBytes(hex)
}

/** Left out where it is all zero, as an empty field of Go is. */
function nonZero(hex: Hex): Uint8Array | undefined {
  return /^0x0*$/.test(hex) ? undefined : hexToBytes(hex)
}

function maybe<T>(value: T | undefined, write: (value: T) => Uint8Array): Uint8Array | undefined {
  return value === undefined ? undefined : write(value)
}

function writePrice(price: PriceInfo): Uint8Array {
  const { pricePerUnit, pixelsPerUnit, capability, constraint } = price
  return message().int64(1, pricePerUnit).int64(2, pixelsPerUnit).uint32(3, capability).text(4, constraint).finish()
}

function writeCapabilities(value: Capabilities): Uint8Array {
  const capacities = [...value.capacities].map(([bit, count]) => mapEntry(bit, count))
  const constraints = value.minVersion === '' ? undefined : message().text(1, value.minVersion).finish()
  return message()
    .uint64s(1, value.bitstring)
    .uint64s(2, value.mandatories)
    .messages(3, capacities)
    .text(4, value.version)
    .message(5, constraints)
    .finish()
}

function writeAuthToken({ token, sessionId, expiration }: AuthToken): Uint8Array {
  return message().bytes(1, token).text(2, sessionId).int64(3, expiration).finish()
}

function writeExpirationParams({ creationRound, creationRoundBlockHash }: ExpirationParams): Uint8Array {
  return message().int64(1, creationRound).bytes(2, nonZero(creationRoundBlockHash)).finish()
}

function writeTicketParams(params: TicketParams): Uint8Array {
  return message()
    .bytes(1, raw(params.recipient))
    .bytes(2, bigBytes(params.faceValueWei))
    .bytes(3, bigBytes(params.winProb))
    .bytes(4, raw(params.recipientRandHash))
    .bytes(5, bigBytes(params.seed))
    .bytes(6, bigBytes(params.expirationBlock))
    .message(7, maybe(params.expirationParams, writeExpirationParams))
    .finish()
}

function writeStorage({ type, s3 }: StorageInfo): Uint8Array {
  const store = s3 && [s3.host, s3.key, s3.policy, s3.signature, s3.credential, s3.xAmzDate]
  const inner = store?.reduce((out, text, i) => out.text(i + 1, text), message()).finish()
  return message().int32(1, { direct: 0, s3: 1, google: 2 }[type]).message(16, inner).finish()
}

function writeProfile(profile: NamedProfile): Uint8Array {
  return message()
    .text(16, profile.name)
    .int32(17, profile.width)
    .int32(18, profile.height)
    .int32(19, profile.bitrate)
    .uint32(20, profile.fpsNum)
    .int32(21, profile.container)
    .uint32(22, denominator(profile))
    .int32(23, profile.h264Profile)
    .int32(24, profile.gopMs)
    .int32(25, profile.codec)
    .int32(28, profile.quality)
    .finish()
}

/** A whole rate has none on the wire: only then do older nodes understand the list. */
function denominator({ fpsNum, fpsDen }: NamedProfile): number {
  return fpsNum === 0 || fpsDen === 1 ? 0 : fpsDen
}

/** Each list knows more than the one before; a gateway fills the oldest that can say all that it wants. */
export function profileListOf(profiles: readonly NamedProfile[]): 33 | 34 | 35 {
  if (profiles.some((profile) => denominator(profile) !== 0 || profile.h264Profile !== 0 || profile.gopMs !== 0)) return 35
  return profiles.some(({ container }) => container !== 0) ? 34 : 33
}

export function writeOrchestratorRequest(request: OrchestratorRequest): Uint8Array {
  return message()
    .bytes(1, raw(request.address))
    .bytes(2, request.sig)
    .message(3, maybe(request.capabilities, writeCapabilities))
    .flag(4, request.ignoreCapacityCheck)
    .finish()
}

export function writeOrchestratorInfo(info: OrchestratorInfo): Uint8Array {
  const out = message()
    .text(1, info.transcoder)
    .message(2, maybe(info.ticketParams, writeTicketParams))
    .message(3, maybe(info.price, writePrice))
    .bytes(4, raw(info.address))
    .message(5, maybe(info.capabilities, writeCapabilities))
    .message(6, maybe(info.authToken, writeAuthToken))
    .messages(32, info.storage.map(writeStorage))
    .messages(33, info.capabilityPrices.map(writePrice))
  for (const node of info.nodes) out.text(34, node)
  return out.finish()
}

export function writeSegData(segment: SegData): Uint8Array {
  const list = profileListOf(segment.profiles)
  const slice = segment.slice && message().int64(1, segment.slice.fromMs).int64(2, segment.slice.toMs).finish()
  return (
    message()
      .bytes(1, segment.manifestId)
      .int64(2, segment.seq)
      .bytes(3, hexToBytes(segment.hash))
      // A list of names of old; every gateway of today writes this word, so that old nodes refuse.
      .text(4, 'invalid')
      .bytes(5, segment.sig)
      .int32(6, segment.durationMs)
      .message(7, maybe(segment.capabilities, writeCapabilities))
      .message(8, maybe(segment.authToken, writeAuthToken))
      .flag(10, segment.calcPerceptualHash)
      .messages(32, segment.storage.map(writeStorage))
      .messages(list, segment.profiles.map(writeProfile))
      .message(37, slice)
      .flag(38, segment.forceSessionReinit)
      .finish()
  )
}

export function writePayment(payment: Payment): Uint8Array {
  const tickets = payment.tickets.map(({ senderNonce, sig }) => message().uint32(1, senderNonce).bytes(2, sig).finish())
  return message()
    .message(1, maybe(payment.ticketParams, writeTicketParams))
    .bytes(2, raw(payment.sender))
    .message(3, maybe(payment.expirationParams, writeExpirationParams))
    .messages(4, tickets)
    .message(5, maybe(payment.expectedPrice, writePrice))
    .finish()
}

export function writeTranscodeResult(result: TranscodeResult): Uint8Array {
  const data =
    result.data &&
    message()
      .messages(
        1,
        result.data.segments.map(({ url, pixels, perceptualHashUrl }) =>
          message().text(1, url).int64(2, pixels).text(3, perceptualHashUrl).finish(),
        ),
      )
      .bytes(2, result.data.sig)
      .finish()
  return message()
    .int64(1, result.seq)
    .message(2, result.error === undefined ? undefined : Buffer.from(result.error, 'utf8'))
    .message(3, data)
    .message(16, maybe(result.info, writeOrchestratorInfo))
    .finish()
}

export function writePing(value: Uint8Array): Uint8Array {
  return message().bytes(1, value).finish()
}

export function writeEndSession(token: AuthToken | undefined): Uint8Array {
  return message().message(1, maybe(token, writeAuthToken)).finish()
}
