import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFishermanError } from '../../src/base/errors.ts'
import { ladderOf, matchOf } from '../../src/playback/ladder.ts'
import { PLAYLIST_LIMITS, type Playlist, readPlaylist } from '../../src/playback/playlist.ts'

const read = (text: string): Playlist => readPlaylist(new TextEncoder().encode(text))
const segments = (text: string) => {
  const playlist = read(text)
  if (playlist.kind !== 'media') throw new Error('no media playlist')
  return playlist.segments
}
const variants = (text: string) => {
  const playlist = read(text)
  if (playlist.kind !== 'master') throw new Error('no master playlist')
  return playlist.variants
}
const HEAD = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n'

/** What a reader of hostile text may do: answer, or throw an error of ours that blames its sender. */
function orRefuses(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    if (!isFishermanError(error) || error.blame !== 'theirs') throw error
  }
}

describe('a playlist', () => {
  it('is read with numbers, times, breaks and gaps', () => {
    const text =
      `${HEAD}#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n# a comment\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n` +
      '#EXTINF:2.002,\na.ts\n#EXTINF:2,title\r\nb.ts\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:1.5,\nc.ts?x=1\n#EXT-X-ENDLIST\n'
    expect(read(text)).toEqual({
      ...{ kind: 'media', targetMs: 2000, ended: true },
      segments: [
        { uri: 'a.ts', seq: 7, durationMs: 2002, discontinuity: 3, atMs: 1767225600000, isGap: false },
        { uri: 'b.ts', seq: 8, durationMs: 2000, discontinuity: 3, atMs: 1767225602002, isGap: false },
        { uri: 'c.ts?x=1', seq: 9, durationMs: 1500, discontinuity: 4, atMs: undefined, isGap: true },
      ],
    })
  })

  it('lists variants; a resolution of 0x0 is none', () => {
    const text =
      '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=4000000,RESOLUTION=0x0\ns.m3u8\n' +
      '#EXT-X-STREAM-INF:CODECS="avc1.64001f,mp4a.40.2",BANDWIDTH=800000,RESOLUTION=640x360,NAME="360p, low"\nl.m3u8\n'
    expect(variants(text)).toEqual([
      { uri: 's.m3u8', bandwidth: 4000000, size: undefined, codecs: undefined, name: undefined },
      { uri: 'l.m3u8', bandwidth: 800000, size: { width: 640, height: 360 }, codecs: 'avc1.64001f,mp4a.40.2', name: '360p, low' },
    ])
  })

  it.each([
    ['nothing', 'playlist-syntax', ''],
    ['another first line', 'playlist-syntax', '<html>'],
    ['an encrypted segment', 'playlist-encrypted', `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:2,\na.ts`],
    ['an encrypted session', 'playlist-encrypted', '#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="k"\n'],
    ['a range', 'playlist-byterange', `${HEAD}#EXTINF:2,\n#EXT-X-BYTERANGE:9@0\na.ts`],
    ['a header for segments', 'playlist-map', `${HEAD}#EXT-X-MAP:URI="i.mp4"\n#EXTINF:2,\na.ts`],
    ['variables', 'playlist-variables', '#EXTM3U\n#EXT-X-DEFINE:NAME="a",VALUE="b"\n'],
    ['an update', 'playlist-delta', `${HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n`],
    ['both kinds', 'playlist-syntax', `${HEAD}#EXT-X-STREAM-INF:BANDWIDTH=1\na`],
    ['an address alone', 'playlist-syntax', `${HEAD}a.ts`],
    ['no address', 'playlist-syntax', `${HEAD}#EXTINF:2,\n`],
    ['no target', 'playlist-syntax', '#EXTM3U\n#EXTINF:2,\na.ts'],
    ['a negative time', 'playlist-syntax', `${HEAD}#EXTINF:-2,\na.ts`],
    ['a time without end', 'playlist-syntax', `${HEAD}#EXTINF:100000,\na.ts`],
    ['a number late', 'playlist-syntax', `${HEAD}#EXTINF:2,\na.ts\n#EXT-X-MEDIA-SEQUENCE:3`],
    ['an attribute twice', 'playlist-syntax', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,BANDWIDTH=2\na'],
    ['control characters', 'playlist-syntax', `${HEAD}#\u001b[2J\n`],
    ['a long address', 'playlist-size', `${HEAD}#EXTINF:2,\n${'a'.repeat(PLAYLIST_LIMITS.uriChars + 1)}`],
    ['a long line', 'playlist-size', `${HEAD}#${'a'.repeat(PLAYLIST_LIMITS.lineChars)}`],
    ['many lines', 'playlist-size', HEAD + '\n'.repeat(PLAYLIST_LIMITS.lines)],
    ['many segments', 'playlist-size', HEAD + '#EXTINF:2,\na\n'.repeat(PLAYLIST_LIMITS.segments + 1)],
    ['a huge ladder', 'playlist-ladder', `#EXTM3U\n${'#EXT-X-STREAM-INF:BANDWIDTH=1\na\n'.repeat(PLAYLIST_LIMITS.variants + 1)}`],
    ['many bytes', 'playlist-size', HEAD + '#'.repeat(PLAYLIST_LIMITS.bytes)],
  ])('with %s is refused: %s', (_, code, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code, blame: 'theirs' }))
  })

  it('never throws anything else, whatever the bytes, and stays within its limits', () => {
    const tag = fc.constantFrom(
      ...[
        '#EXTM3U',
        '#EXTINF:2,',
        '#EXTINF:',
        '#EXT-X-TARGETDURATION:2',
        '#EXT-X-STREAM-INF:BANDWIDTH=1',
        'a.ts',
        '../b?c#d',
        '',
      ],
      ...['#EXT-X-STREAM-INF:A="', '#EXT-X-KEY:METHOD=NONE', '#EXT-X-DISCONTINUITY', '#EXT-X-ENDLIST', '#EXT-X-MEDIA-SEQUENCE:9'],
      ...[
        '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z',
        '#EXT-X-PROGRAM-DATE-TIME:x',
        '#EXT-X-__proto__:1',
        '#EXT-X-CONSTRUCTOR',
      ],
    )
    const line = fc.oneof({ weight: 4, arbitrary: tag }, fc.string({ unit: 'binary', maxLength: 40 }))
    const text = fc.array(line, { maxLength: 30 }).map((lines) => ['#EXTM3U', ...lines].join('\n'))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          text.map((one) => new TextEncoder().encode(one)),
        ),
        (bytes) =>
          orRefuses(() => {
            const playlist = readPlaylist(bytes)
            if (playlist.kind === 'master') ladderOf(playlist.variants)
            else for (const one of playlist.segments) expect(Number.isSafeInteger(one.seq) && one.durationMs > 0).toBe(true)
          }),
      ),
      { numRuns: 3_000 },
    )
  })

  it('is read in little time where an attribute list is made to be slow', () => {
    const startedMs = performance.now()
    orRefuses(() => read(`#EXTM3U\n#EXT-X-STREAM-INF:${'A="'.repeat(1_300)}\na`))
    orRefuses(() => read(`#EXTM3U\n#EXT-X-STREAM-INF:${'A'.repeat(4_000)}\na`))
    expect(performance.now() - startedMs).toBeLessThan(500)
  })
})

describe('the ladder', () => {
  const line = (uri: string, size?: string, more = '') =>
    `#EXT-X-STREAM-INF:BANDWIDTH=1${size ? `,RESOLUTION=${size}` : ''}${more}\n${uri}\n`
  const ladder = (...lines: string[]) => ladderOf(variants(`#EXTM3U\n${lines.join('')}`))

  it('knows the source by its name, else by the highest resolution', () => {
    expect(ladder(line('x/source.m3u8'), line('x/240.m3u8'))).toMatchObject({
      sourceIs: 'named',
      source: { uri: 'x/source.m3u8' },
    })
    expect(ladder(line('a', '640x360'), line('b', '1280x720'))).toMatchObject({ sourceIs: 'highest', source: { uri: 'b' } })
    // A host of that name is none.
    expect(ladder(line('http://source/a', '640x360'), line('http://source/b', '1280x720')).sourceIs).toBe('highest')
  })

  it.each([
    ['one variant', 'playlist-ladder', [line('a', '1x1')]],
    ['two sources', 'playlist-source', [line('a/source'), line('b/source')]],
    ['two of the highest', 'playlist-source', [line('a', '64x64'), line('b', '64x64')]],
    ['sizes unsaid', 'playlist-source', [line('a'), line('b', '64x64')]],
  ])('with %s says nothing', (_, code, lines) => {
    expect(() => ladder(...lines)).toThrow(expect.objectContaining({ code }))
  })

  it('leaves renditions of another codec', () => {
    const found = ladder(line('source', '64x64', ',CODECS="avc1.4d"'), line('h', '32x32', ',CODECS="hvc1.1"'), line('l', '32x32'))
    expect(found.renditions.map(({ uri }) => uri)).toEqual(['l'])
  })
})

describe('a match', () => {
  const [one] = segments(`${HEAD}#EXTINF:2,\na`)
  if (!one) throw new Error('no segment')
  const dated = { ...one, atMs: 10_000 }
  it.each([
    ['the same', one, one, true],
    ['a length within a tenth', one, { ...one, durationMs: 2150 }, true],
    ['another length', one, { ...one, durationMs: 2500 }, false],
    ['another number', one, { ...one, seq: 1 }, false],
    ['another side of a break', one, { ...one, discontinuity: 1 }, false],
    ['a gap', one, { ...one, isGap: true }, false],
    ['a near time', dated, { ...dated, atMs: 10_900 }, true],
    ['another time', dated, { ...dated, atMs: 12_000 }, false],
  ])('needs all to agree: %s', (_, source, rendition, matches) => {
    expect(matchOf(source, [rendition]) === rendition).toBe(matches)
  })
})
