import { CodecError } from '../../proofs/codec.ts'

// Messages of the node that pass through us are changed in one thing, the addresses that gateways are sent to, and kept byte for byte in all
// others: fields that we do not know, and their order, are the node's own business.

/** Where a message names addresses: numbers of the fields down to a text. */
type Path = readonly number[]

/** `OrchestratorInfo`: transcoder, nodes. */
export const INFO_PATHS: readonly Path[] = [[1], [34]]
/** `TranscodeResult`: urls of renditions and of their perceptual hashes, and the info that comes along. */
export const RESULT_PATHS: readonly Path[] = [[3, 1, 1], [3, 1, 3], ...INFO_PATHS.map((path) => [16, ...path])]

const LENGTH_DELIMITED = 2
const FIXED = { 1: 8, 5: 4 } as const

/** The same message with these texts replaced. Throws a CodecError where the bytes are no message; then they must be passed on as they are. */
export function rewriteTexts(bytes: Uint8Array, paths: readonly Path[], replace: (text: string) => string): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = varint(bytes, at)
    const [no, wire] = [Math.floor(tag.value / 8), tag.value % 8]
    if (wire !== LENGTH_DELIMITED) {
      const end = wire === 0 ? varint(bytes, tag.end).end : wire === 1 || wire === 5 ? tag.end + FIXED[wire] : fail()
      if (end > bytes.length) fail()
      parts.push(bytes.subarray(at, end))
      at = end
      continue
    }
    const length = varint(bytes, tag.end)
    const end = length.end + length.value
    if (end > bytes.length) fail()
    const inner = paths.filter(([first]) => first === no).map(([, ...rest]) => rest)
    if (inner.length === 0) parts.push(bytes.subarray(at, end))
    else {
      const value = bytes.subarray(length.end, end)
      const next = inner.some((path) => path.length === 0)
        ? Buffer.from(replace(Buffer.from(value).toString('utf8')), 'utf8')
        : rewriteTexts(value, inner, replace)
      parts.push(bytes.subarray(at, tag.end), writeVarint(next.length), next)
    }
    at = end
  }
  return Buffer.concat(parts)
}

/** Sends whoever reads this address to `base`, path and query kept; what is no http address stays. */
export function moved(text: string, base: URL): string {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return text
  url.protocol = base.protocol
  url.host = base.host
  // `URL` writes a bare origin with a slash, which go-livepeer would keep before its own.
  return url.pathname === '/' && !text.endsWith('/') ? url.origin : url.toString()
}

function varint(bytes: Uint8Array, from: number): { value: number; end: number } {
  let value = 0
  for (let at = from, factor = 1; at < bytes.length && at < from + 10; at++, factor *= 128) {
    const byte = bytes[at] as number
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, end: at + 1 }
  }
  return fail()
}

function writeVarint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return Uint8Array.from([...bytes, rest])
}

function fail(): never {
  throw new CodecError('the bytes are no protobuf message')
}
