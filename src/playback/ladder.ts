import { playlistFault } from './errors.ts'
import type { Segment, Variant } from './playlist.ts'

/** Which variant is the source, how that is known, and the others. */
export interface Ladder {
  readonly source: Variant
  /** `highest` is a stand-in: the largest rung, which may itself be a rendition. */
  readonly sourceIs: 'named' | 'highest'
  readonly renditions: readonly Variant[]
}

/** Rungs of one segment that are judged at most; what goes beyond is drawn from anew for each segment. */
export const RUNGS = 8

/** Finds the source. Where nobody can say which one it is, nothing is judged: a wrong source would make every rendition look false. */
export function ladderOf(variants: readonly Variant[]): Ladder {
  if (variants.length < 2)
    throw playlistFault('playlist-ladder', `it lists ${variants.length} variant; a source and a rendition are needed`)
  // The same rung at a second server is no rung of its own.
  const distinct = [...new Map(variants.map((variant) => [variant.uri, variant])).values()]
  const named = distinct.filter(isNamedSource)
  if (named.length > 1) throw playlistFault('playlist-source', 'more than one variant is called source')
  const [source] = named
  if (source) return ladder(source, 'named', distinct)
  if (distinct.some(({ size }) => size === undefined))
    throw playlistFault('playlist-source', 'no variant is called source, and not all say their RESOLUTION')
  const sorted = [...distinct].sort((a, b) => pixels(b) - pixels(a) || b.bandwidth - a.bandwidth)
  const [highest, next] = sorted as [Variant, Variant?]
  if (next && pixels(next) === pixels(highest))
    throw playlistFault('playlist-source', 'no variant is called source, and two have the highest resolution')
  return ladder(highest, 'highest', distinct)
}

function ladder(source: Variant, sourceIs: Ladder['sourceIs'], all: readonly Variant[]): Ladder {
  const family = familyOf(source.codecs)
  // Another codec than the source's is another product (HEVC, AV1, sound alone), not what is looked at here.
  const renditions = all.filter(
    (one) => one !== source && (family === undefined || [family, undefined].includes(familyOf(one.codecs))),
  )
  if (renditions.length === 0) throw playlistFault('playlist-ladder', 'it lists no rendition of the codec of its source')
  return { source, sourceIs, renditions }
}

/** `.../source.m3u8`, `.../source/index.m3u8`, or NAME="source". */
function isNamedSource({ uri, name }: Variant): boolean {
  const path = uri.replace(/^[a-z]+:\/\/[^/]*/i, '').replace(/[?#].*$/, '')
  const parts = path.toLowerCase().split('/').slice(-2)
  return name?.toLowerCase() === 'source' || parts.some((part) => part === 'source' || part === 'source.m3u8')
}

function pixels({ size }: Variant): number {
  return size ? size.width * size.height : 0
}

function familyOf(codecs: string | undefined): string | undefined {
  const video = codecs?.split(',').map((one) => one.trim().split('.')[0] ?? '')
  if (video?.some((one) => one === 'avc1' || one === 'avc3')) return 'h264'
  return video?.find((one) => /^(hvc1|hev1|av01|vp0?[89]|dvh[e1])$/.test(one))
}

/** Length by which two entries of one segment may differ: encoders round to frames, playlists to milliseconds. */
function isAsLong(a: Segment, b: Segment): boolean {
  return Math.abs(a.durationMs - b.durationMs) <= Math.max(100, 0.1 * Math.max(a.durationMs, b.durationMs))
}

/**
 * The rendition's entry for a segment of the source: the same number, the same side of each break, the same time and length. A number alone
 * says nothing (RFC 8216, 6.2.4): whatever disagrees is no match, and nobody is blamed for it.
 */
export function matchOf(source: Segment, rendition: readonly Segment[]): Segment | undefined {
  const found = rendition.find(({ seq }) => seq === source.seq)
  if (!found || found.isGap || source.isGap || found.discontinuity !== source.discontinuity || !isAsLong(source, found))
    return undefined
  const apart = source.atMs === undefined || found.atMs === undefined ? 0 : Math.abs(source.atMs - found.atMs)
  return apart <= source.durationMs / 2 ? found : undefined
}
