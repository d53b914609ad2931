import { keccak256, toUtf8Bytes } from 'ethers'
import { CodecError } from './codec.ts'
import { digestOf, profilesHashOf, ZERO_HASH } from './digest.ts'
import { type Fields, readMessage } from './protobuf.ts'
import { bytesToHex, hexToBytes, type RecoverKey, recoverAddress } from './signature.ts'
import { type Domain, type Hex, LIMITS, type Profile, type TranscodeOrder } from './types.ts'

// What an unmodified go-livepeer gateway orders with: the bytes of its `SegData` (net/lp_rpc.proto), read for what they sign and what they
// ask for. Nothing else of Livepeer's protocol is needed to check a proof.

export const SEGDATA_LIMITS = {
  /** Bytes of a manifest's name; a gateway makes 8 characters, a person who pushes a stream may choose. */
  manifestBytes: 512,
  nameBytes: 128,
  sessionBytes: 128,
} as const

/** One rung as it is on the wire: its name is what is signed, the rest is what is made. */
export interface NamedProfile extends Profile {
  name: string
}

export interface SegmentOrder {
  manifestId: Uint8Array
  seq: bigint
  /** keccak256 of the source; undefined where the gateway did not say. */
  hash: Hex | undefined
  /** In the order of the ladder. */
  profiles: NamedProfile[]
  /** Undefined where nothing is signed: a network without payments. */
  signature: Hex | undefined
  durationMs: number
  /** `auth_token.session_id`; undefined without a token. */
  sessionId: string | undefined
}

/** Reads what of a SegData an order is made of. */
export function readSegmentOrder(bytes: Uint8Array): SegmentOrder {
  return readMessage('SegData', bytes, LIMITS.segDataBytes, (f) => {
    const profiles = readProfiles(f)
    const hash = f.exactly(3, 32)
    const signature = f.exactly(5, 65)
    return {
      manifestId: f.bytes(1, SEGDATA_LIMITS.manifestBytes),
      seq: f.int64(2),
      hash: hash && bytesToHex(hash),
      profiles,
      signature: signature && bytesToHex(signature),
      durationMs: f.int32(6),
      sessionId: f.message(8, (token) => token.text(2, SEGDATA_LIMITS.sessionBytes)),
    }
  })
}

/** The ladder of a SegData. All three lists are read, fullProfiles3, 2, 1; an orchestrator takes the first that is not empty. */
export function readProfiles(f: Fields): NamedProfile[] {
  const lists = [35, 34, 33].map((no) => f.messages(no, LIMITS.renditions, readNamedProfile))
  return lists.find((list) => list.length > 0) ?? []
}

/** colorDepth and chromaFormat (26, 27) are passed over, as orchestrators do. */
function readNamedProfile(f: Fields): NamedProfile {
  const inRange = (no: number, min: number, max: number): number => {
    const value = f.int32(no)
    if (value < min || value > max) throw new CodecError(`profile, field ${no}: ${value} is not between ${min} and ${max}`)
    return value
  }
  const [width, height, bitrate] = [inRange(17, 1, 0x7fffffff), inRange(18, 1, 0x7fffffff), inRange(19, 0, 0x7fffffff)]
  const fpsNum = f.uint32(20)
  return {
    // The name that an orchestrator gives to one without.
    name: f.text(16, SEGDATA_LIMITS.nameBytes) || `net_${width}x${height}_${bitrate}`,
    ...{ width, height, bitrate, fpsNum },
    fpsDen: fpsNum === 0 ? 1 : f.uint32(22) || 1,
    container: inRange(21, 0, 1),
    h264Profile: inRange(23, 0, 4),
    gopMs: inRange(24, -1, 0x7fffffff),
    codec: inRange(25, 0, 3),
    quality: inRange(28, 0, 63),
  }
}

/** The bytes that a gateway signs: no separators, the sign of `seq` is lost, and of a profile only its name counts. */
export function flatten(parts: {
  manifestId: Uint8Array
  seq: bigint
  hash: Hex
  profiles: readonly { name: string }[]
}): Uint8Array {
  const seq = (parts.seq < 0n ? -parts.seq : parts.seq).toString(16).padStart(64, '0')
  return Buffer.concat([parts.manifestId, Buffer.from(seq, 'hex'), hexToBytes(parts.hash), profileIds(parts.profiles)])
}

/** Eight hex characters a profile, as ASCII: the first four bytes of keccak256 of its name. */
export function profileIds(profiles: readonly { name: string }[]): Uint8Array {
  return Buffer.from(profiles.map(({ name }) => keccak256(toUtf8Bytes(name)).slice(2, 10)).join(''), 'ascii')
}

/** What `Eth.Sign(keccak256(message))` of go-livepeer signs: a personal message of 32 bytes. */
export function personalDigest(message: Uint8Array): Hex {
  return personalDigestOfHash(keccak256(message) as Hex)
}

/** The same of a message that is 32 bytes itself. */
export function personalDigestOfHash(hash: Hex): Hex {
  const prefix = Buffer.from('\x19Ethereum Signed Message:\n32', 'latin1')
  return keccak256(Buffer.concat([prefix, hexToBytes(hash)])) as Hex
}

export interface LivepeerOrder {
  order: TranscodeOrder
  orderHash: Hex
  profiles: Profile[]
  /** `SegData.sig`, the requester's. */
  signature: Hex
  durationMs: number
}

/**
 * The order that a node `transcoder` got as these bytes; a CodecError says why it is none. What SegData does not hold is zero: it names
 * neither the length of the source nor a time. It names no node either; each one that got the bytes has its own order.
 */
export function livepeerOrder(
  domain: Domain,
  input: { segData: Uint8Array; transcoder: Hex },
  recoverKey?: RecoverKey,
): LivepeerOrder {
  const { segData, transcoder } = input
  const { manifestId, seq, hash, profiles: named, signature, sessionId, durationMs } = readSegmentOrder(segData)
  if (hash === undefined) throw new CodecError('SegData has no hash of its source')
  if (signature === undefined) throw new CodecError('SegData is not signed: orders of a network without payments are no evidence')
  if (seq < 0n) throw new CodecError('SegData has a negative seq, whose sign its signature does not cover')
  if (named.length === 0) throw new CodecError('SegData asks for no profile')
  const requester = recoverAddress(personalDigest(flatten({ manifestId, seq, hash, profiles: named })), signature, recoverKey)
  if (!requester) throw new CodecError('SegData is signed by nobody')
  const profiles = named.map(({ name: _, ...profile }) => profile)
  const order: TranscodeOrder = {
    requester,
    transcoder,
    streamId: keccak256(Buffer.concat([hexToBytes(requester), manifestId])) as Hex,
    seq,
    sourceHash: hash,
    sourceBytes: 0n,
    profilesHash: profilesHashOf(profiles),
    sourceFingerprintRoot: ZERO_HASH,
    sessionId: sessionId === undefined ? ZERO_HASH : (keccak256(toUtf8Bytes(sessionId)) as Hex),
    nonce: keccak256(segData) as Hex,
    issuedAt: 0n,
    expiresAt: 0n,
  }
  return { order, orderHash: digestOf(domain, 'TranscodeOrder', order), profiles, signature, durationMs }
}
