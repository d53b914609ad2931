import { FishermanError } from '../base/errors.ts'
import type { AddressRule } from '../livepeer/reach.ts'
import { playlistFault } from '../playback/errors.ts'
import { type Ladder, ladderOf } from '../playback/ladder.ts'
import { PLAYLIST_LIMITS, type Playlist, readPlaylist, type Segment, type Variant } from '../playback/playlist.ts'
import { getBytes } from './get.ts'

/** A variant with its media playlist as it is now; addresses of segments are whole. */
export interface Rung {
  readonly variant: Variant
  readonly segments: readonly Segment[]
}

export interface Listing {
  readonly sourceIs: Ladder['sourceIs']
  readonly source: Rung
  readonly renditions: readonly Rung[]
  readonly targetMs: number
  readonly ended: boolean
}

export interface StreamOptions {
  mayConnect: AddressRule
  signal: AbortSignal
}

const PLAYLIST_MS = 10_000
/**
 * Characters of all addresses of one look, once they are whole. Half a day of six rungs with signed addresses has 10 million; what a playlist may say
 * in a megabyte of short names below a long one would be a gigabyte.
 */
const MOST_CHARS = 32 << 20
/** Segments of one playlist whose addresses are remembered, to see when one is rewritten. */
const REMEMBERED = 20_000

/** Reads a master playlist and those below it, again at each call; remembers what stood where. */
export function createStream(url: string, { mayConnect, signal }: StreamOptions): { list(): Promise<Listing> } {
  /** `<variant> <seq>` -> address, or `rewritten`. */
  const stood = new Map<string, string>()

  async function read(address: string): Promise<{ playlist: Playlist; url: string }> {
    const got = await getBytes(address, { mayConnect, maxBytes: PLAYLIST_LIMITS.bytes, timeoutMs: PLAYLIST_MS, signal })
    return { playlist: readPlaylist(got.bytes), url: got.url }
  }

  async function rungOf(variant: Variant, base: string, mostChars: number) {
    const { playlist, url: at } = await read(whole(variant.uri, base))
    if (playlist.kind !== 'media') throw playlistFault('playlist-syntax', 'a variant leads to another list of variants')
    let chars = 0
    const segments = playlist.segments.flatMap((segment) => {
      const uri = whole(segment.uri, at)
      chars += uri.length
      if (chars > mostChars)
        throw playlistFault('playlist-size', `the addresses of all segments have more than ${MOST_CHARS} characters`)
      return isUnchanged(`${variant.uri} ${segment.seq}`, uri) ? [{ ...segment, uri }] : []
    })
    return { variant, segments, chars, targetMs: playlist.targetMs, ended: playlist.ended }
  }

  /** A number that meant another file before is not trusted any more: a match would rest on it. Tokens in the query may change. */
  function isUnchanged(key: string, uri: string): boolean {
    const path = uri.replace(/[?#].*$/, '')
    const before = stood.get(key)
    if (before !== undefined && before !== path) stood.set(key, 'rewritten')
    else if (before === undefined) stood.set(key, path)
    for (const oldest of stood.keys()) {
      if (stood.size <= REMEMBERED) break
      stood.delete(oldest)
    }
    return before === undefined || before === path
  }

  return {
    async list() {
      const { playlist, url: base } = await read(url)
      if (playlist.kind !== 'master')
        throw playlistFault(
          'playlist-ladder',
          'it is a media playlist: give the master playlist, which lists source and renditions',
        )
      const { source, sourceIs, renditions } = ladderOf(playlist.variants)
      const own = await rungOf(source, base, MOST_CHARS)
      let room = MOST_CHARS - own.chars
      const others: Awaited<ReturnType<typeof rungOf>>[] = []
      let why: unknown
      for (const variant of renditions)
        try {
          const rung = await rungOf(variant, base, room)
          room -= rung.chars
          others.push(rung)
        } catch (error) {
          signal.throwIfAborted()
          why = error
        }
      // One rung that is away is no reason to look at none.
      if (others.length === 0) throw why
      return { sourceIs, source: own, renditions: others, targetMs: own.targetMs, ended: own.ended }
    },
  }
}

function whole(uri: string, base: string): string {
  try {
    return new URL(uri, base).href
  } catch (cause) {
    const message = `the playlist names ${JSON.stringify(uri.slice(0, 100))}, which is no address`
    throw new FishermanError({ code: 'playlist-syntax', message, blame: 'theirs', cause })
  }
}
