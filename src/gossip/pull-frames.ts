import type { MessageStream } from '@libp2p/interface'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { STATEMENT_KINDS, type StatementKind } from '../../proofs/codec.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import { type Hex, LIMITS } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'

// Wire format of statements-since/1. All numbers big-endian, every frame prefixed by its length as u32.
//
//   request   cursor, kinds: u8 (one bit a kind), limit: u16                               19 bytes
//   header    status: u8, more: u8, count: u16, cursor                                     20 bytes
//   entry     seq: u64, kind: u8, payload (1..16384 bytes)                                  `count` times
//   cursor    seq: u64, tag: 8 bytes
//
// A cursor is a place in the *server's* log: the number of the last entry that the asker has, and the first 8 bytes of that entry's id. The tag tells
// a server whether its log is still the one that the number came from; (0, zeros) is the beginning.

export interface Cursor {
  seq: bigint
  /** First 8 bytes of the id of entry `seq`, hex without prefix. */
  tag: string
}

export const START: Cursor = { seq: 0n, tag: '0'.repeat(16) }

/** Bit of each kind in a request. Append only. */
const KIND_NUMBERS: Readonly<Record<StatementKind, number>> = {
  window: 0,
  sealed: 1,
  answer: 2,
  vote: 3,
  'fraud-proof': 4,
  head: 5,
}

export interface PullRequest {
  cursor: Cursor
  kinds: ReadonlySet<StatementKind>
  limit: number
}

/** ok; the cursor is not of this log, begin again; asked too often, come back later. */
export type PullStatus = 'ok' | 'reset' | 'busy'
const STATUSES: readonly PullStatus[] = ['ok', 'reset', 'busy']

export interface PullHeader {
  status: PullStatus
  more: boolean
  count: number
  /** Last entry looked at, also where kinds that were not asked for were left out. */
  cursor: Cursor
}

export interface PullEntry {
  seq: bigint
  kind: StatementKind
  bytes: Uint8Array
}

const LENGTH_BYTES = 4
const REQUEST_BYTES = 19
const HEADER_BYTES = 20
const ENTRY_HEAD_BYTES = 9
export const MAX_ENTRY_BYTES = ENTRY_HEAD_BYTES + LIMITS.fraudProofBytes
/** Entries of one answer, and their bytes: a second's worth of validation, and far below a stream's buffer. */
export const MAX_PULL_ENTRIES = 512
export const MAX_PULL_BYTES = 262_144

/** The peer broke the protocol; software that follows it cannot. */
export function violation(message: string): FishermanError {
  return new FishermanError({ code: 'pull-violation', message, blame: 'theirs' })
}

/**
 * Frames on a stream. The length is four bytes and not a varint: libp2p's reader takes a varint byte by byte and never gives up on one that does not end, so a peer
 * that sends 0xff for ever would keep it busy.
 */
export function framesOn<T extends MessageStream>(
  stream: T,
  limits: { frameBytes: number; bufferBytes: number },
): LengthPrefixedStream<T> {
  return lpStream(stream, {
    maxDataLength: limits.frameBytes,
    maxLengthLength: LENGTH_BYTES,
    maxBufferSize: limits.bufferBytes,
    lengthEncoder(value) {
      const buffer = Buffer.alloc(LENGTH_BYTES)
      buffer.writeUInt32BE(value)
      return buffer
    },
    lengthDecoder(data) {
      // A RangeError asks for another byte.
      if (data.byteLength < LENGTH_BYTES) throw new RangeError('the length is not whole yet')
      return frame(data.subarray()).readUInt32BE(0)
    },
  })
}

export function tagOf(id: Hex): string {
  return id.slice(2, 18)
}

export function encodeRequest({ cursor, kinds, limit }: PullRequest): Uint8Array {
  const buffer = Buffer.alloc(REQUEST_BYTES)
  writeCursor(buffer, 0, cursor)
  buffer.writeUInt8(
    [...kinds].reduce((mask, kind) => mask | (1 << KIND_NUMBERS[kind]), 0),
    16,
  )
  buffer.writeUInt16BE(limit, 17)
  return buffer
}

export function decodeRequest(bytes: Uint8Array): PullRequest {
  const buffer = frame(bytes)
  if (buffer.length !== REQUEST_BYTES) throw violation('a request has another length')
  const mask = buffer.readUInt8(16)
  const limit = buffer.readUInt16BE(17)
  if (limit < 1) throw violation('a request asks for nothing')
  // Unknown bits are kinds of a later version: we have none of them.
  const kinds = new Set(STATEMENT_KINDS.filter((kind) => mask & (1 << KIND_NUMBERS[kind])))
  return { cursor: readCursor(buffer, 0), kinds, limit: Math.min(limit, MAX_PULL_ENTRIES) }
}

export function encodeHeader({ status, more, count, cursor }: PullHeader): Uint8Array {
  const buffer = Buffer.alloc(HEADER_BYTES)
  buffer.writeUInt8(STATUSES.indexOf(status), 0)
  buffer.writeUInt8(more ? 1 : 0, 1)
  buffer.writeUInt16BE(count, 2)
  writeCursor(buffer, 4, cursor)
  return buffer
}

export function decodeHeader(bytes: Uint8Array): PullHeader {
  const buffer = frame(bytes)
  if (buffer.length !== HEADER_BYTES) throw violation('a header has another length')
  const status = STATUSES[buffer.readUInt8(0)]
  const more = buffer.readUInt8(1)
  const count = buffer.readUInt16BE(2)
  if (status === undefined || more > 1) throw violation('a header holds an unknown value')
  if (status !== 'ok' && (count > 0 || more > 0)) throw violation('a refusal carries entries')
  return { status, more: more === 1, count, cursor: readCursor(buffer, 4) }
}

export function encodeEntry({ seq, kind, bytes }: PullEntry): Uint8Array {
  const head = Buffer.alloc(ENTRY_HEAD_BYTES)
  head.writeBigUInt64BE(seq, 0)
  head.writeUInt8(KIND_NUMBERS[kind], 8)
  return Buffer.concat([head, bytes])
}

export function decodeEntry(bytes: Uint8Array): PullEntry {
  const buffer = frame(bytes)
  if (buffer.length <= ENTRY_HEAD_BYTES || buffer.length > MAX_ENTRY_BYTES) throw violation('an entry is empty or too long')
  const number = buffer.readUInt8(8)
  const kind = STATEMENT_KINDS.find((name) => KIND_NUMBERS[name] === number)
  if (!kind) throw violation('an entry is of an unknown kind')
  return { seq: buffer.readBigUInt64BE(0), kind, bytes: Uint8Array.from(buffer.subarray(ENTRY_HEAD_BYTES)) }
}

function frame(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function writeCursor(buffer: Buffer, at: number, { seq, tag }: Cursor): void {
  buffer.writeBigUInt64BE(seq, at)
  buffer.set(hexToBytes(`0x${tag}`), at + 8)
}

function readCursor(buffer: Buffer, at: number): Cursor {
  return { seq: buffer.readBigUInt64BE(at), tag: buffer.toString('hex', at + 8, at + 16) }
}
