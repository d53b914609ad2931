import protobuf from 'protobufjs/minimal.js'

// The one place of the library that writes protobuf. Only its writer is used: no schema is parsed and no code is made at run time. What
// strangers send is read by `proofs/protobuf.ts`, which knows limits.

const MASK = 0xffffffffn

/** Writes fields in the order of the calls. What has its default value is left out, as Go's encoder does, so that the bytes are the same. */
export interface MessageWriter {
  bytes(no: number, value: Uint8Array | undefined): MessageWriter
  text(no: number, value: string): MessageWriter
  flag(no: number, value: boolean): MessageWriter
  int32(no: number, value: number): MessageWriter
  uint32(no: number, value: number): MessageWriter
  int64(no: number, value: bigint): MessageWriter
  /** Repeated and packed. */
  uint64s(no: number, values: readonly bigint[]): MessageWriter
  /** Written also where it is empty; left out where it is undefined. */
  message(no: number, value: Uint8Array | undefined): MessageWriter
  messages(no: number, values: readonly Uint8Array[]): MessageWriter
  finish(): Uint8Array
}

const VARINT = 0
const LENGTH = 2

export function createMessageWriter(): MessageWriter {
  const out = protobuf.Writer.create()
  const tag = (no: number, wire: number) => out.uint32(((no << 3) | wire) >>> 0)
  const self: MessageWriter = {
    bytes(no, value) {
      if (value && value.length > 0) tag(no, LENGTH).bytes(value)
      return self
    },
    text(no, value) {
      if (value !== '') tag(no, LENGTH).string(value)
      return self
    },
    flag(no, value) {
      if (value) tag(no, VARINT).bool(true)
      return self
    },
    int32(no, value) {
      if (value !== 0) tag(no, VARINT).int32(value)
      return self
    },
    uint32(no, value) {
      if (value !== 0) tag(no, VARINT).uint32(value)
      return self
    },
    int64(no, value) {
      if (value !== 0n) tag(no, VARINT).uint64(halves(value))
      return self
    },
    uint64s(no, values) {
      if (values.length === 0) return self
      tag(no, LENGTH).fork()
      for (const value of values) out.uint64(halves(value))
      out.ldelim()
      return self
    },
    message(no, value) {
      if (value) tag(no, LENGTH).bytes(value)
      return self
    },
    messages(no, values) {
      for (const value of values) self.message(no, value)
      return self
    },
    finish: () => Uint8Array.from(out.finish()),
  }
  return self
}

/** One entry of a map of numbers: key and value are written also where they are zero. */
export function mapEntry(key: number, value: number): Uint8Array {
  return Uint8Array.from(protobuf.Writer.create().uint32(8).uint32(key).uint32(16).uint32(value).finish())
}

/** A 64-bit number as the library takes it without loss; its own numbers end at 2^53. */
function halves(value: bigint) {
  const word = BigInt.asUintN(64, value)
  return new protobuf.util.Long(Number(word & MASK) | 0, Number(word >> 32n) | 0, true)
}

/** Minimal big-endian bytes, as Go's `big.Int.Bytes()`: nothing for zero. */
export function bigBytes(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array()
  const hex = value.toString(16)
  return Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
}

export function bigOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}
