import { readAttributes } from './attributes.ts'
import { playlistFault } from './errors.ts'

/** One rung of a master playlist. */
export interface Variant {
  /** As written; relative to the playlist. */
  readonly uri: string
  /** Bits a second, the peak that the server promises. */
  readonly bandwidth: number
  /** Undefined where the playlist does not say, or says 0x0. */
  readonly size: { readonly width: number; readonly height: number } | undefined
  readonly codecs: string | undefined
  readonly name: string | undefined
}

export interface Segment {
  readonly uri: string
  /** Media sequence number. */
  readonly seq: number
  readonly durationMs: number
  /** Discontinuities before it, counted from the start of the stream. */
  readonly discontinuity: number
  /** Unix milliseconds of its first picture, where the playlist says it; segments after a dated one are counted on from it. */
  readonly atMs: number | undefined
  /** The server says that it has no bytes for it. */
  readonly isGap: boolean
}

export type Playlist =
  | { readonly kind: 'master'; readonly variants: readonly Variant[] }
  | { readonly kind: 'media'; readonly targetMs: number; readonly ended: boolean; readonly segments: readonly Segment[] }

/** Of playlists of strangers. A day of 2 s segments is 43,200; who publishes such a list is asked for a shorter one. */
export const PLAYLIST_LIMITS = {
  bytes: 1_048_576,
  lines: 40_000,
  lineChars: 4_096,
  uriChars: 2_048,
  variants: 64,
  segments: 10_000,
} as const

const MOST_SECONDS = 600
const CONTROL = /(?![\t\r\n])\p{Cc}/u

/** Reads a playlist by RFC 8216, strictly: what cannot be judged as whole segments in the clear is refused with its reason. */
export function readPlaylist(bytes: Uint8Array): Playlist {
  const { bytes: mostBytes, lines: mostLines, lineChars } = PLAYLIST_LIMITS
  if (bytes.length > mostBytes) throw playlistFault('playlist-size', `the playlist has more than ${mostBytes} bytes`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw playlistFault('playlist-syntax', 'the playlist is not UTF-8')
  }
  if (CONTROL.test(text)) throw playlistFault('playlist-syntax', 'the playlist holds control characters')
  const lines = text.split(/\r?\n/)
  if (lines.length > mostLines) throw playlistFault('playlist-size', `the playlist has more than ${mostLines} lines`)
  if (lines[0]?.trimEnd() !== '#EXTM3U') throw playlistFault('playlist-syntax', 'the first line must be #EXTM3U', 1)
  const reader = newReader()
  for (const [i, raw] of lines.entries()) {
    if (i === 0) continue
    if (raw.length > lineChars) throw playlistFault('playlist-size', `more than ${lineChars} characters`, i + 1)
    const line = raw.trim()
    if (line.startsWith('#EXT')) reader.tag(line, i + 1)
    else if (line !== '' && !line.startsWith('#')) reader.uri(line, i + 1)
  }
  return reader.end()
}

type Reader = { tag(line: string, at: number): void; uri(line: string, at: number): void; end(): Playlist }

function newReader(): Reader {
  const variants: Variant[] = []
  const segments: Segment[] = []
  let kind: Playlist['kind'] | undefined
  let pendingVariant: Omit<Variant, 'uri'> | undefined
  let durationMs: number | undefined
  let targetMs: number | undefined
  let first: number | undefined
  let firstDiscontinuity: number | undefined
  let discontinuities = 0
  let atMs: number | undefined
  let isGap = false
  let ended = false

  const be = (wanted: Playlist['kind'], at: number): void => {
    if (kind !== undefined && kind !== wanted)
      throw playlistFault('playlist-syntax', 'tags of a master playlist and of a media playlist do not go together', at)
    kind = wanted
  }
  const refuse: Readonly<Record<string, () => never>> = {
    BYTERANGE: () => {
      throw playlistFault('playlist-byterange', 'its segments are ranges of larger files (EXT-X-BYTERANGE), which are not read')
    },
    MAP: () => {
      throw playlistFault(
        'playlist-map',
        'its segments need a header of their own (EXT-X-MAP, fragmented MP4), which is not read',
      )
    },
    DEFINE: () => {
      throw playlistFault('playlist-variables', 'it uses variables (EXT-X-DEFINE), which are not read')
    },
    SKIP: () => {
      throw playlistFault('playlist-delta', 'it is only an update (EXT-X-SKIP) although the whole was asked for')
    },
  }
  const once = (before: unknown, name: string, at: number): void => {
    if (before !== undefined) throw playlistFault('playlist-syntax', `${name} is given twice`, at)
    if (segments.length > 0) throw playlistFault('playlist-syntax', `${name} comes after the first segment`, at)
  }

  const tags: Readonly<Record<string, (value: string, at: number) => void>> = {
    'STREAM-INF': (value, at) => {
      be('master', at)
      if (pendingVariant) throw playlistFault('playlist-syntax', 'a variant without an address', at)
      pendingVariant = readVariant(value, at)
    },
    'SESSION-KEY': (value, at) => clearOnly(value, at),
    KEY: (value, at) => {
      be('media', at)
      clearOnly(value, at)
    },
    TARGETDURATION: (value, at) => {
      be('media', at)
      once(targetMs, 'EXT-X-TARGETDURATION', at)
      targetMs = 1000 * wholeNumber(value, 'EXT-X-TARGETDURATION', at, MOST_SECONDS)
    },
    'MEDIA-SEQUENCE': (value, at) => {
      be('media', at)
      once(first, 'EXT-X-MEDIA-SEQUENCE', at)
      first = wholeNumber(value, 'EXT-X-MEDIA-SEQUENCE', at, Number.MAX_SAFE_INTEGER - PLAYLIST_LIMITS.segments)
    },
    'DISCONTINUITY-SEQUENCE': (value, at) => {
      be('media', at)
      once(firstDiscontinuity, 'EXT-X-DISCONTINUITY-SEQUENCE', at)
      firstDiscontinuity = wholeNumber(value, 'EXT-X-DISCONTINUITY-SEQUENCE', at, Number.MAX_SAFE_INTEGER / 2)
    },
    DISCONTINUITY: (_, at) => {
      be('media', at)
      discontinuities++
      // Time counted on from a date does not reach over a break.
      atMs = undefined
    },
    'PROGRAM-DATE-TIME': (value, at) => {
      be('media', at)
      const read = value.length <= 40 && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN
      if (Number.isNaN(read)) throw playlistFault('playlist-syntax', 'EXT-X-PROGRAM-DATE-TIME is no date', at)
      atMs = read
    },
    GAP: () => {
      isGap = true
    },
    ENDLIST: (_, at) => {
      be('media', at)
      ended = true
    },
  }

  return {
    tag(line, at) {
      if (line.startsWith('#EXTINF:')) {
        be('media', at)
        if (durationMs !== undefined) throw playlistFault('playlist-syntax', 'a segment without an address', at)
        durationMs = readDuration(line.slice(8), at)
        return
      }
      const [, name = '', value = ''] = /^#EXT-X-([A-Z0-9-]+)(?::(.*))?$/.exec(line) ?? []
      refuse[name]?.()
      tags[name]?.(value, at)
    },
    uri(line, at) {
      if (line.length > PLAYLIST_LIMITS.uriChars)
        throw playlistFault('playlist-size', `an address of more than ${PLAYLIST_LIMITS.uriChars} characters`, at)
      if (pendingVariant) {
        if (variants.length >= PLAYLIST_LIMITS.variants)
          throw playlistFault('playlist-ladder', `more than ${PLAYLIST_LIMITS.variants} variants`, at)
        variants.push({ ...pendingVariant, uri: line })
        pendingVariant = undefined
        return
      }
      if (durationMs === undefined) throw playlistFault('playlist-syntax', 'an address that no tag announces', at)
      if (segments.length >= PLAYLIST_LIMITS.segments)
        throw playlistFault('playlist-size', `more than ${PLAYLIST_LIMITS.segments} segments`, at)
      const seq = (first ?? 0) + segments.length
      segments.push({ uri: line, seq, durationMs, discontinuity: (firstDiscontinuity ?? 0) + discontinuities, atMs, isGap })
      atMs = atMs === undefined ? undefined : atMs + durationMs
      durationMs = undefined
      isGap = false
    },
    end() {
      if (pendingVariant || durationMs !== undefined)
        throw playlistFault('playlist-syntax', 'the playlist ends where an address must follow')
      if (kind === 'master') return { kind, variants }
      if (kind === undefined || targetMs === undefined)
        throw playlistFault('playlist-syntax', 'a media playlist without EXT-X-TARGETDURATION')
      return { kind, targetMs, ended, segments }
    },
  }
}

function clearOnly(value: string, at: number): void {
  const method = readAttributes(value, at).get('METHOD')
  if (method !== 'NONE')
    throw playlistFault(
      'playlist-encrypted',
      `its segments are encrypted (${(method ?? 'no method').slice(0, 20)}); only pictures in the clear can be looked at`,
      at,
    )
}

function readVariant(value: string, at: number): Omit<Variant, 'uri'> {
  const attributes = readAttributes(value, at)
  const bandwidth = wholeNumber(attributes.get('BANDWIDTH') ?? '', 'BANDWIDTH', at, 10_000_000_000)
  const resolution = attributes.get('RESOLUTION')
  const match = resolution === undefined ? undefined : /^(\d{1,5})x(\d{1,5})$/.exec(resolution)
  if (resolution !== undefined && !match) throw playlistFault('playlist-syntax', 'RESOLUTION must be WIDTHxHEIGHT', at)
  const [width, height] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)]
  return {
    bandwidth,
    size: width > 0 && height > 0 ? { width, height } : undefined,
    codecs: attributes.get('CODECS')?.slice(0, 100),
    name: attributes.get('NAME')?.slice(0, 100),
  }
}

function readDuration(value: string, at: number): number {
  const [, seconds = ''] = /^(\d{1,9}(?:\.\d{0,12})?)(?:,|$)/.exec(value) ?? []
  const read = Number(seconds)
  if (seconds === '' || !(read > 0) || read > MOST_SECONDS)
    throw playlistFault('playlist-syntax', `EXTINF must be a time in seconds, at most ${MOST_SECONDS}`, at)
  return Math.round(read * 1000)
}

function wholeNumber(value: string, name: string, at: number, most: number): number {
  const read = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!(read <= most)) throw playlistFault('playlist-syntax', `${name} must be a whole number, at most ${most}`, at)
  return read
}
