import { CodecError } from './codec.ts'

// A reader of protobuf (proto3) for bytes of strangers. It is stricter than protobuf asks for, so that no two readers see two things in the same
// bytes: a field that may be there once is there once, with the wire type of its declaration. Order and unknown fields are free, as in protobuf.

/** Fields of one message at most: the largest honest ones, capabilities of an orchestrator, have a few hundred. */
const MAX_FIELDS = 4_096
const MAX_VARINT_BYTES = 10
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Item =
  | { readonly wire: 0; readonly value: bigint }
  | { readonly wire: 2; readonly bytes: Uint8Array }
  /** Fixed numbers: no message that we know has one, so they are either an unknown field or wrong. */
  | { readonly wire: 1 | 5 }

/** Reads the fields of one message. Each reader throws a CodecError that names the message and the number of the field. */
export interface Fields {
  has(no: number): boolean
  /** Empty where it is not there, as in protobuf. */
  bytes(no: number, most: number): Uint8Array
  /** Exactly this many bytes; none where the field is not there. */
  exactly(no: number, length: number): Uint8Array | undefined
  text(no: number, mostBytes: number): string
  flag(no: number): boolean
  uint32(no: number): number
  int32(no: number): number
  int64(no: number): bigint
  uint64(no: number): bigint
  /** Repeated uint64, packed or not. */
  uint64s(no: number, most: number): bigint[]
  texts(no: number, most: number, mostBytes: number): string[]
  message<T>(no: number, read: Read<T>): T | undefined
  messages<T>(no: number, most: number, read: Read<T>): T[]
}

export type Read<T> = (fields: Fields) => T

/** Reads one whole message; `what` names it in errors. Nothing is copied and nothing is decoded before its length is known to fit. */
export function readMessage<T>(what: string, bytes: Uint8Array, maxBytes: number, read: Read<T>): T {
  if (bytes.length > maxBytes) throw new CodecError(`${what} has ${bytes.length} bytes, at most ${maxBytes} are read`)
  return read(fieldsOf(what, bytes))
}

function fieldsOf(what: string, bytes: Uint8Array): Fields {
  const items = split(what, bytes)
  const fail = (no: number, why: string): never => {
    throw new CodecError(`${what}, field ${no}: ${why}`)
  }
  const all = (no: number): readonly Item[] => items.get(no) ?? []
  const one = (no: number): Item | undefined => {
    const found = all(no)
    return found.length > 1 ? fail(no, `is there ${found.length} times`) : found[0]
  }
  const number = (no: number, min: bigint, max: bigint, signed: boolean): bigint => {
    const item = one(no)
    if (!item) return 0n
    if (item.wire !== 0) return fail(no, 'must be a number')
    const value = signed ? BigInt.asIntN(64, item.value) : item.value
    return value < min || value > max ? fail(no, 'is out of range') : value
  }
  const data = (no: number, item: Item, most: number): Uint8Array => {
    if (item.wire !== 2) return fail(no, 'must be bytes')
    return item.bytes.length > most ? fail(no, `has ${item.bytes.length} bytes, at most ${most} are read`) : item.bytes
  }
  const string = (no: number, item: Item, most: number): string => {
    try {
      return UTF8.decode(data(no, item, most))
    } catch (error) {
      if (error instanceof CodecError) throw error
      return fail(no, 'is not UTF-8')
    }
  }
  const several = (no: number, most: number): readonly Item[] =>
    all(no).length > most ? fail(no, `is there ${all(no).length} times, at most ${most} are read`) : all(no)
  const nested = <T>(no: number, item: Item, read: Read<T>): T =>
    read(fieldsOf(`${what}.${no}`, data(no, item, Number.MAX_SAFE_INTEGER)))

  return {
    has: (no) => items.has(no),
    bytes(no, most) {
      const item = one(no)
      return item ? data(no, item, most) : new Uint8Array()
    },
    exactly(no, length) {
      const item = one(no)
      if (!item) return undefined
      const found = data(no, item, length)
      if (found.length !== 0 && found.length !== length) fail(no, `has ${found.length} bytes instead of ${length}`)
      return found.length === 0 ? undefined : found
    },
    text(no, mostBytes) {
      const item = one(no)
      return item ? string(no, item, mostBytes) : ''
    },
    flag: (no) => number(no, 0n, 1n, false) === 1n,
    uint32: (no) => Number(number(no, 0n, 0xffffffffn, false)),
    int32: (no) => Number(number(no, -0x80000000n, 0x7fffffffn, true)),
    int64: (no) => number(no, -(1n << 63n), (1n << 63n) - 1n, true),
    uint64: (no) => number(no, 0n, (1n << 64n) - 1n, false),
    uint64s(no, most) {
      const found: bigint[] = []
      const add = (value: bigint) => {
        if (found.length === most) fail(no, `holds more than ${most} numbers`)
        found.push(value)
      }
      for (const item of several(no, most)) {
        if (item.wire === 0) add(item.value)
        else if (item.wire !== 2) fail(no, 'must be numbers')
        else for (let at = 0; at < item.bytes.length; ) at = varint(`${what}, field ${no}`, item.bytes, at, add)
      }
      return found
    },
    texts: (no, most, mostBytes) => several(no, most).map((item) => string(no, item, mostBytes)),
    message(no, read) {
      const item = one(no)
      return item && nested(no, item, read)
    },
    messages: (no, most, read) => several(no, most).map((item) => nested(no, item, read)),
  }
}

/** The fields by number. Groups are refused: proto3 has none, and they would need a recursion that the sender controls. */
function split(what: string, bytes: Uint8Array): Map<number, Item[]> {
  const items = new Map<number, Item[]>()
  let count = 0
  let tag = 0n
  let value = 0n
  const intoTag = (read: bigint): void => {
    tag = read
  }
  const intoValue = (read: bigint): void => {
    value = read
  }
  for (let at = 0; at < bytes.length; ) {
    at = varint(what, bytes, at, intoTag)
    const no = Number(tag >> 3n)
    const wire = Number(tag & 7n)
    if (no < 1 || no > 0x1fffffff) throw new CodecError(`${what} has a field with the number ${no}`)
    if (++count > MAX_FIELDS) throw new CodecError(`${what} has more than ${MAX_FIELDS} fields`)
    let item: Item
    if (wire === 0) {
      at = varint(what, bytes, at, intoValue)
      item = { wire, value }
    } else if (wire === 2) {
      at = varint(what, bytes, at, intoValue)
      if (value > BigInt(bytes.length - at)) throw new CodecError(`${what}, field ${no}: ends after the message`)
      item = { wire, bytes: bytes.subarray(at, at + Number(value)) }
      at += Number(value)
    } else if (wire === 1 || wire === 5) {
      item = { wire }
      at += wire === 1 ? 8 : 4
      if (at > bytes.length) throw new CodecError(`${what}, field ${no}: ends after the message`)
    } else throw new CodecError(`${what}, field ${no}: wire type ${wire} is not read`)
    const known = items.get(no)
    if (known) known.push(item)
    else items.set(no, [item])
  }
  return items
}

/** Reads one varint, hands it on, and returns where it ends. */
function varint(what: string, bytes: Uint8Array, from: number, take: (value: bigint) => void): number {
  let value = 0n
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = bytes[from + i]
    if (byte === undefined) throw new CodecError(`${what} ends inside of a number`)
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) {
      if (value > 0xffffffffffffffffn) break
      take(value)
      return from + i + 1
    }
  }
  throw new CodecError(`${what} has a number of more than 64 bits`)
}
