import { abiHash } from '../../proofs/digest.ts'
import { bytesToHex, hexToBytes } from '../../proofs/signature.ts'
import { type BlobRequest, type Hex, LIMITS } from '../../proofs/types.ts'
import { violation } from './pull-frames.ts'

// Wire format of bundle/1: evidence for the members of a case. Frames are prefixed by their length as u32, numbers big-endian.
//
//   request   evidenceHash: 32 bytes, offset: u64, member: 20 bytes, expiresAt: u64 (Unix seconds), signature: 65 bytes    133 bytes
//   header    status: u8, size: u64, sha: 32 bytes, the SHA-256 of the whole file                                          41 bytes
//   data      65,536 bytes of the file from the offset on, fewer in the last frame
//   go on     one byte, 1, from the asker after each 16 frames of data: a slow disk of one side fills no memory of the other
//
// The signature is over BlobRequest(transcoder, contentHash, expiresAt) with contentHash = evidenceHash and transcoder = `peerAddress` of the asker's
// own peer id: whoever is asked cannot use it to ask another in the member's name, and no feed has bytes under such a name.

export interface BundleRequest {
  evidenceHash: Hex
  /** Bytes that the asker has already. */
  offset: number
  member: Hex
  /** Unix seconds. */
  expiresAt: bigint
  signature: Hex
}

/** ok; we do not hold it, or not so many bytes; no member, or not its signature; asked too often, come back later. */
export type BundleStatus = 'ok' | 'unknown' | 'refused' | 'busy'
const STATUSES: readonly BundleStatus[] = ['ok', 'unknown', 'refused', 'busy']

export interface BundleHeader {
  status: BundleStatus
  /** Bytes of the whole file, and their SHA-256; 0 where there is none. */
  size: number
  sha: Hex
}

export const BUNDLE_REQUEST_BYTES = 32 + 8 + 20 + 8 + 65
const HEADER_BYTES = 1 + 8 + 32
export const CHUNK_BYTES = 65_536
/** Frames of data between two of the asker's. */
export const CHUNKS_A_TURN = 16
/** Two segments, and room for what is said about them. */
export const MAX_BUNDLE_BYTES = 2 * LIMITS.segmentBytes + 128 * 1024 * 1024
/** Seconds that a request may be valid at most, as at feeds. */
export const MAX_VALID_SEC = 300
const NO_SHA: Hex = `0x${'0'.repeat(64)}`

/** What stands for a peer id where a request names a node. */
export function peerAddress(peerId: string): Hex {
  return `0x${abiHash(['string', 'string'], ['fisherman/bundle', peerId]).slice(-40)}`
}

/** What the member signs. */
export function signedRequest(
  peerId: string,
  { evidenceHash, expiresAt }: Pick<BundleRequest, 'evidenceHash' | 'expiresAt'>,
): BlobRequest {
  return { transcoder: peerAddress(peerId), contentHash: evidenceHash, expiresAt }
}

export function encodeBundleRequest({ evidenceHash, offset, member, expiresAt, signature }: BundleRequest): Uint8Array {
  const numbers = [BigInt(offset), expiresAt].map((number) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigUInt64BE(number)
    return buffer
  }) as [Buffer, Buffer]
  return Buffer.concat([hexToBytes(evidenceHash), numbers[0], hexToBytes(member), numbers[1], hexToBytes(signature)])
}

/** Throws `pull-violation` for what no asker of this protocol sends. */
export function decodeBundleRequest(bytes: Uint8Array): BundleRequest {
  if (bytes.length !== BUNDLE_REQUEST_BYTES) throw violation('a request for a bundle has another length')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    evidenceHash: bytesToHex(buffer.subarray(0, 32)),
    offset: sizeOf(buffer.readBigUInt64BE(32)),
    member: bytesToHex(buffer.subarray(40, 60)),
    expiresAt: buffer.readBigUInt64BE(60),
    signature: bytesToHex(buffer.subarray(68)),
  }
}

export function encodeBundleHeader({ status, size, sha }: BundleHeader): Uint8Array {
  const buffer = Buffer.alloc(HEADER_BYTES)
  buffer.writeUInt8(STATUSES.indexOf(status), 0)
  buffer.writeBigUInt64BE(BigInt(size), 1)
  buffer.set(hexToBytes(sha), 9)
  return buffer
}

export function decodeBundleHeader(bytes: Uint8Array): BundleHeader {
  if (bytes.length !== HEADER_BYTES) throw violation('the header of a bundle has another length')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const status = STATUSES[buffer.readUInt8(0)]
  if (status === undefined) throw violation('the header of a bundle holds an unknown status')
  return { status, size: sizeOf(buffer.readBigUInt64BE(1)), sha: bytesToHex(buffer.subarray(9)) }
}

/** A header without a file. */
export function refusal(status: Exclude<BundleStatus, 'ok'>): BundleHeader {
  return { status, size: 0, sha: NO_SHA }
}

function sizeOf(value: bigint): number {
  if (value > BigInt(MAX_BUNDLE_BYTES)) throw violation('no bundle is so long')
  return Number(value)
}
