import { CodecError } from './codec.ts'
import { type FieldType, STRUCTS } from './structs.ts'
import type { Hex, StructName, Structs } from './types.ts'

// JSON form of every struct (feeds, bundles, logs): uint64 as decimal strings, smaller integers as numbers, bytes as lower-case hex.

const BITS: Readonly<Record<Exclude<FieldType, 'address' | 'bytes32'>, readonly [min: bigint, max: bigint]>> = {
  uint8: [0n, 0xffn],
  uint16: [0n, 0xffffn],
  uint32: [0n, 0xffffffffn],
  uint64: [0n, 0xffffffffffffffffn],
  int32: [-0x80000000n, 0x7fffffffn],
}

/** Struct -> JSON object with the same field names. */
export function structToJson<N extends StructName>(name: N, value: Structs[N]): Record<string, string | number> {
  const source = value as unknown as Record<string, bigint | number | string>
  return Object.fromEntries(
    STRUCTS[name].map(({ name: field }) => {
      const item = source[field] as bigint | number | string
      return [field, typeof item === 'bigint' ? item.toString() : item]
    }),
  )
}

/** JSON value -> struct. Missing, unknown or out-of-range fields are refused with the field's name. */
export function structFromJson<N extends StructName>(name: N, json: unknown): Structs[N] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CodecError(`${name} must be an object`)
  const source = json as Record<string, unknown>
  const known = new Set(STRUCTS[name].map((field) => field.name))
  for (const key of Object.keys(source))
    if (!known.has(key)) throw new CodecError(`${name} has no field ${JSON.stringify(key.slice(0, 40))}`)
  const entries = STRUCTS[name].map(({ name: field, type }) => [
    field,
    readField(`${name}.${field}`, type, Object.hasOwn(source, field) ? source[field] : undefined),
  ])
  return Object.fromEntries(entries) as Structs[N]
}

function readField(path: string, type: FieldType, value: unknown): bigint | number | Hex {
  if (type === 'address') return readHex(path, value, 20)
  if (type === 'bytes32') return readHex(path, value, 32)
  const [min, max] = BITS[type]
  const number = type === 'uint64' ? readDecimal(path, value) : readInteger(path, value)
  if (number < min || number > max) throw new CodecError(`${path} is outside of ${type}`)
  return type === 'uint64' ? number : Number(number)
}

function readDecimal(path: string, value: unknown): bigint {
  if (typeof value !== 'string' || !/^(0|[1-9][0-9]{0,19})$/.test(value)) throw new CodecError(`${path} must be a decimal string`)
  return BigInt(value)
}

function readInteger(path: string, value: unknown): bigint {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new CodecError(`${path} must be an integer`)
  return BigInt(value)
}

/** Lower-case hex of exactly this many bytes; any length up to `maxBytes` when `bytes` is undefined. */
export function readHex(path: string, value: unknown, bytes: number | undefined, maxBytes = 4096): Hex {
  // The length first: an expression that repeats a group fails in its own way on a text of megabytes.
  const ok = typeof value === 'string' && value.length <= 2 + 2 * (bytes ?? maxBytes) && /^0x([0-9a-f]{2})*$/.test(value)
  if (!ok || (bytes !== undefined && value.length !== 2 + 2 * bytes))
    throw new CodecError(`${path} must be 0x and ${bytes === undefined ? `at most ${maxBytes}` : bytes} bytes of lower-case hex`)
  return value as Hex
}

/** Plain JSON; big integers as decimal strings. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Any value as plain JSON: big integers become decimal strings, undefined fields go, numbers that JSON lacks become null. */
export function plainJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))) as Json
}

/** JSON with sorted keys and no white space: one text for one value. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('JSON has no infinite numbers')
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const object = value as { readonly [key: string]: Json }
  const parts = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key] as Json)}`)
  return `{${parts.join(',')}}`
}
