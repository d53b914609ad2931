import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodecError } from '../../proofs/codec.ts'
import { readMessage } from '../../proofs/protobuf.ts'
import { readSegmentOrder } from '../../proofs/segdata.ts'
import {
  readEndSession,
  readOrchestratorInfo,
  readOrchestratorRequest,
  readPayment,
  readPing,
  readSegData,
  readTranscodeResult,
  WIRE_LIMITS,
} from '../../src/livepeer/read.ts'
import type { OrchestratorRequest, SegData, TranscodeResult } from '../../src/livepeer/types.ts'
import { createMessageWriter } from '../../src/livepeer/wire.ts'
import {
  profileListOf,
  writeEndSession,
  writeOrchestratorInfo,
  writeOrchestratorRequest,
  writePayment,
  writePing,
  writeSegData,
  writeTranscodeResult,
} from '../../src/livepeer/write.ts'
import { INFO, LADDER, PAYMENT, profile, SEGMENT, toBytes, toHex } from './fixtures.ts'
import { decode, encode, type MessageName } from './schema.ts'

const REQUEST: OrchestratorRequest = {
  ...{
    address: `0x${'19'.repeat(20)}`,
    sig: toBytes('0a'.repeat(65)),
    capabilities: INFO.capabilities,
    ignoreCapacityCheck: true,
  },
}
const RESULT: TranscodeResult = {
  ...{ seq: 7n, error: undefined, info: INFO },
  data: {
    segments: [
      { url: 'https://127.0.0.1/stream/deadbeef/360p0/7.ts', pixels: 13_824_000n, perceptualHashUrl: 'https://x/7.phash' },
    ],
    sig: toBytes('0b'.repeat(65)),
  },
}
/** Width, height and bitrate of a profile. */
const SIZES = createMessageWriter().int32(17, 2).int32(18, 2).int32(19, 2).finish()
const FAILED: TranscodeResult = { seq: 0n, error: 'OrchestratorBusy', data: undefined, info: undefined }

const CASES: readonly (readonly [MessageName, Uint8Array, (bytes: Uint8Array) => unknown, unknown])[] = [
  ['OrchestratorRequest', writeOrchestratorRequest(REQUEST), readOrchestratorRequest, REQUEST],
  ['OrchestratorInfo', writeOrchestratorInfo(INFO), readOrchestratorInfo, INFO],
  ['SegData', writeSegData(SEGMENT), readSegData, SEGMENT],
  ['Payment', writePayment(PAYMENT), readPayment, PAYMENT],
  ['TranscodeResult', writeTranscodeResult(RESULT), readTranscodeResult, RESULT],
  ['TranscodeResult', writeTranscodeResult(FAILED), readTranscodeResult, FAILED],
  ['PingPong', writePing(toBytes('c0ffee')), readPing, toBytes('c0ffee')],
  ['EndTranscodingSessionRequest', writeEndSession(INFO.authToken), readEndSession, INFO.authToken],
]

/** Buffers and Uint8Arrays with the same bytes are the same here. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${toHex(value)}`
  if (value instanceof Map) return [...value].map(plain)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

describe('messages of Livepeer', () => {
  it.each(CASES)('%s is read as it was written', (_, bytes, read, value) => {
    expect(plain(read(bytes))).toEqual(plain(value))
  })

  it.each(CASES)('%s has the same bytes and the same meaning for another implementation', (name, bytes, read, value) => {
    const again = encode(name, decode(name, bytes))
    expect(plain(read(again))).toEqual(plain(value))
    expect(decode(name, again)).toEqual(decode(name, bytes))
    // The library writes in the order of the numbers too, and leaves out what has its default value.
    expect(toHex(again)).toBe(toHex(bytes))
  })

  it('a SegData says what another implementation reads in it', () => {
    const read = decode('SegData', writeSegData(SEGMENT))
    expect(read).toMatchObject({ seq: '7', duration: 2000, calcPerceptualHash: true, ForceSessionReinit: true })
    expect(toHex(read.profiles as Uint8Array)).toBe(Buffer.from('invalid').toString('hex'))
    expect(read.fullProfiles).toMatchObject([
      { name: '720p0', width: 1280, height: 720, bitrate: 3_000_000 },
      { name: '360p0', width: 640, height: 360, bitrate: 800_000 },
    ])
    expect(read.segmentParameters).toEqual({ from: '100', to: '1900' })
  })

  it.each([
    ['plain', {}, 33],
    ['MP4', { container: 1 }, 34],
    ['an H.264 profile', { h264Profile: 4 }, 35],
    ['a GOP', { gopMs: 2_000 }, 35],
    ['intra only', { gopMs: -1, container: 1 }, 35],
    ['a fraction of frames', { fpsNum: 30_000, fpsDen: 1_001 }, 35],
    ['a whole rate', { fpsNum: 30, fpsDen: 1 }, 33],
  ])('profiles with %s go in the list that knows of it', (_, changes, list) => {
    const profiles = [LADDER[0] as (typeof LADDER)[0], profile('x', changes)]
    expect(profileListOf(profiles)).toBe(list)
    const bytes = writeSegData({ ...SEGMENT, profiles })
    expect(readSegData(bytes).profiles).toEqual(profiles)
    expect(readSegmentOrder(bytes).profiles).toEqual(profiles)
  })

  it('of several lists of profiles the newest counts, as for an orchestrator', () => {
    const one = (name: string) => [{ name, width: 16, height: 16, bitrate: 1 }]
    const bytes = encode('SegData', { fullProfiles: one('a'), fullProfiles2: one('b'), fullProfiles3: one('c') })
    expect(readSegData(bytes).profiles.map(({ name }) => name)).toEqual(['c'])
    expect(readSegData(encode('SegData', { fullProfiles: one('a'), fullProfiles2: one('b') })).profiles[0]?.name).toBe('b')
  })

  it('a profile without a name gets the one that an orchestrator makes for it', () => {
    const bytes = encode('SegData', { fullProfiles: [{ width: 16, height: 8, bitrate: 99 }] })
    expect(readSegData(bytes).profiles[0]?.name).toBe('net_16x8_99')
  })

  it('fields that are not known are passed over', () => {
    const more = createMessageWriter().text(99, 'new').int64(100, -1n).finish()
    const fixed = Uint8Array.of(((101 << 3) & 0x7f) | 0x80 | 1, 101 >> 4, 1, 2, 3, 4, 5, 6, 7, 8)
    expect(plain(readSegData(Buffer.concat([more, fixed, writeSegData(SEGMENT)])))).toEqual(plain(SEGMENT))
  })

  it('numbers of 64 bits lose nothing', () => {
    for (const seq of [0n, 1n, (1n << 53n) + 1n, (1n << 63n) - 1n, -1n, -(1n << 63n)]) {
      const bytes = writeSegData({ ...SEGMENT, seq } as SegData)
      expect(readSegData(bytes).seq).toBe(seq)
      expect(decode('SegData', bytes).seq ?? '0').toBe(String(seq))
    }
  })
})

describe('bytes that are no message', () => {
  const refused = (bytes: Uint8Array, reason: RegExp, read: (bytes: Uint8Array) => unknown = readSegData) =>
    expect(() => read(bytes)).toThrow(reason)

  it.each<[string, Uint8Array, RegExp]>([
    ['a hash of 31 bytes', createMessageWriter().bytes(3, new Uint8Array(31)).finish(), /field 3: has 31 bytes instead of 32/],
    ['a hash of 33 bytes', createMessageWriter().bytes(3, new Uint8Array(33)).finish(), /field 3: has 33 bytes/],
    ['a signature of 64 bytes', createMessageWriter().bytes(5, new Uint8Array(64)).finish(), /instead of 65/],
    ['a hash that is there twice', toBytes(`1a20${'01'.repeat(32)}1a20${'02'.repeat(32)}`), /field 3: is there 2 times/],
    ['a number where bytes belong', toBytes('1801'), /field 3: must be bytes/],
    ['bytes where a number belongs', toBytes('120101'), /field 2: must be a number/],
    ['a fixed number where a varint belongs', toBytes('110000000000000000'), /field 2: must be a number/],
    ['a length beyond the end', toBytes('1a20ff'), /ends after the message/],
    ['a varint that does not end', toBytes('10ffff'), /ends inside of a number/],
    ['a varint of 11 bytes', toBytes(`10${'ff'.repeat(10)}01`), /more than 64 bits/],
    ['a varint above 64 bits', toBytes(`10${'ff'.repeat(9)}7f`), /more than 64 bits/],
    ['a group', toBytes('0b'), /wire type 3/],
    ['wire type 7', toBytes('0f'), /wire type 7/],
    ['field number 0', toBytes('0001'), /number 0/],
    [
      'a duration beyond 32 bits',
      createMessageWriter()
        .int64(6, 1n << 31n)
        .finish(),
      /field 6: is out of range/,
    ],
    ['a flag of 2', createMessageWriter().uint32(10, 2).finish(), /field 10: is out of range/],
    ['11 profiles', createMessageWriter().messages(33, Array(11).fill(new Uint8Array())).finish(), /field 33: is there 11 times/],
    [
      'a profile without a size',
      createMessageWriter().message(33, createMessageWriter().text(16, 'x').finish()).finish(),
      /field 17/,
    ],
    [
      'an unknown codec',
      encode('SegData', { fullProfiles: [{ width: 2, height: 2, bitrate: 2, encoder: 4 }] }),
      /field 25: 4 is not/,
    ],
    ['a GOP of -2', encode('SegData', { fullProfiles: [{ width: 2, height: 2, bitrate: 2, gop: -2 }] }), /field 24: -2 is not/],
    [
      'a name that is no text',
      createMessageWriter()
        .message(33, Buffer.concat([toBytes('820102c328'), SIZES]))
        .finish(),
      /not UTF-8/,
    ],
    ['more bytes than are read', new Uint8Array(16_385), /at most 16384 are read/],
    ['too many fields', toBytes('f80600'.repeat(4_097)), /more than 4096 fields/],
  ])('are refused with their place: %s', (_, bytes, reason) => refused(bytes, reason))

  it('are refused in the other messages too', () => {
    refused(new Uint8Array(WIRE_LIMITS.resultBytes + 1), /at most/, readTranscodeResult)
    refused(encode('TranscodeResult', { data: { segments: Array(11).fill({ url: 'x' }) } }), /11 times/, readTranscodeResult)
    refused(encode('TranscodeResult', { error: 'x'.repeat(5_000) }), /5000 bytes/, readTranscodeResult)
    refused(encode('OrchestratorInfo', { address: Buffer.alloc(19) }), /19 bytes instead of 20/, readOrchestratorInfo)
    refused(
      encode('OrchestratorInfo', { capabilities: { bitstring: Array(17).fill('1') } }),
      /more than 16/,
      readOrchestratorInfo,
    )
    refused(encode('Payment', { ticketSenderParams: Array(129).fill({}) }), /129 times/, readPayment)
    refused(encode('OrchestratorInfo', { ticketParams: { faceValue: Buffer.alloc(33, 1) } }), /33 bytes/, readOrchestratorInfo)
  })

  // 2,000 changed messages for each decoder: every one is read or refused with a reason, and nothing that is read is larger than what came.
  it.each(CASES)('%s: no mutation does more than be refused', (_, bytes, read) => {
    const change = fc.record({ at: fc.nat(bytes.length), cut: fc.nat(8), put: fc.uint8Array({ maxLength: 8 }) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let changed: Uint8Array = bytes
        for (const { at, cut, put } of changes)
          changed = Buffer.concat([changed.subarray(0, at), put, changed.subarray(Math.min(changed.length, at + cut))])
        let value: unknown
        try {
          value = read(changed)
        } catch (error) {
          if (!(error instanceof CodecError)) throw error
          return error.message.length < 200
        }
        // What may be missing as a whole, such as the token of a session, is read from no bytes as nothing.
        const text = JSON.stringify(plain(value), (_key, item) => (typeof item === 'bigint' ? String(item) : item)) ?? ''
        return text.length < 4_096 + 64 * changed.length
      }),
      { numRuns: 2_000 },
    )
  })

  it('random bytes are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const [, , read] of CASES)
          try {
            read(bytes)
          } catch (error) {
            if (!(error instanceof CodecError)) throw error
          }
      }),
      { numRuns: 2_000 },
    )
  })

  it('a message in a message in a message costs no more than its bytes', () => {
    let bytes: Uint8Array = new Uint8Array()
    for (let i = 0; i < 2_000; i++) bytes = createMessageWriter().message(1, bytes).finish()
    expect(readMessage('deep', bytes, 1 << 20, (f) => f.has(1))).toBe(true)
  })
})
