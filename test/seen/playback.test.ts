import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { exitCodeOf, segmentLines, summaryLine } from '../../src/cli/playback.ts'
import { createJudge } from '../../src/judge.ts'
import { isPublicAddress } from '../../src/livepeer/reach.ts'
import { type PlaybackInit, playback, type SeenSegment } from '../../src/seen/playback.ts'
import { createStream } from '../../src/seen/stream.ts'
import { type Change, type HlsServer, hlsFolder, MASTER, media, serveHls } from './hls.ts'

let folder: string
let server: HlsServer | undefined
beforeAll(async () => {
  hlsFolder()
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-playback-'))
}, 120_000)
afterEach(async () => {
  await server?.stop()
  server = undefined
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

/** Looks at a stream that is served with these changes; segments in their order, so that a test knows which. */
async function watch(changes: Record<string, Change> = {}, init: Partial<PlaybackInit> = {}): Promise<SeenSegment[]> {
  server = await serveHls(changes)
  const scratchDir = await mkdtemp(join(folder, 'one-'))
  const judge = createJudge({ scratchDir: join(folder, 'judge'), maxJobs: 1 })
  try {
    return await playback(
      { url: `${server.url}/master.m3u8`, segments: 2, scratchDir, mayConnect: () => true, patienceMs: 400, ...init },
      { clock: systemClock, judge, draw: () => 0 },
      new AbortController().signal,
    )
  } finally {
    // Nothing of the media stays, whatever happened.
    expect(await readdir(scratchDir)).toEqual([])
  }
}

const outcomes = (found: readonly SeenSegment[]) => found.map(({ verdicts }) => verdicts.map(({ outcome }) => outcome))

describe('a public playlist', { timeout: 120_000 }, () => {
  it('passes where the renditions show the source, to the end of the stream', async () => {
    const found = await watch({}, { segments: 9 })
    expect(found.map(({ seq }) => seq)).toEqual([0, 1, 2, 3])
    expect(outcomes(found)).toEqual(Array(4).fill(['pass', 'pass']))
    expect(found[0]).toMatchObject({ sourceIs: 'named', unmatched: [] })
    expect(found[0]?.verdicts[0]).toMatchObject({ name: 'P360p', width: 640, height: 360 })
    expect(found[0]?.verdicts[0]?.contentHash).toMatch(/^0x[0-9a-f]{64}$/)
    expect(exitCodeOf(found)).toBe(0)
    expect(summaryLine(found)).toBe('4 segments, 8 renditions: 8 pass, 0 fail, 0 inconclusive')
  })

  it('fails one rendition of one segment that shows another film, and nothing else', async () => {
    const found = await watch({ 'P240p/1.ts': { file: 'wrong/1.ts' } })
    expect(outcomes(found)).toEqual([
      ['pass', 'pass'],
      ['pass', 'fail'],
    ])
    expect(found[1]?.verdicts[1]).toMatchObject({ faultClass: 'D2', name: 'P240p' })
    expect(exitCodeOf(found)).toBe(1)
    expect(segmentLines(found[1] as SeenSegment).join('\n')).toMatch(/segment 1 {2}FAIL \(D2\) {2}P240p \(426x240\)/)
  })

  it('has doubts, and no fail, where a playlist counts its renditions one off', async () => {
    const found = await watch({ 'P240p/index.m3u8': media('P240p').replace('0.ts', '1.ts') }, { segments: 1 })
    expect(outcomes(found)).toEqual([['pass', 'inconclusive']])
    expect(found[0]?.verdicts[1]?.doubt).toMatch(/neighbouring/)
    expect(exitCodeOf(found)).toBe(3)
  })

  it('matches nothing over a break or another length, and leaves gaps', async () => {
    const broken = media('P240p').replace('#EXTINF', '#EXT-X-DISCONTINUITY\n#EXTINF')
    const short = media('P360p').replace(/#EXTINF:2\.0+/, '#EXTINF:1.5')
    const gap = media('source').replace(/(#EXTINF:[^\n]*\n1\.ts)/, '#EXT-X-GAP\n$1')
    const found = await watch({ 'P240p/index.m3u8': broken, 'P360p/index.m3u8': short, 'source/index.m3u8': gap })
    expect(found.map(({ seq }) => seq)).toEqual([0, 2])
    expect(found[0]).toMatchObject({ verdicts: [], unmatched: ['P360p', 'P240p'] })
    expect(found[1]).toMatchObject({ unmatched: ['P240p'] })
  })

  it('says which bytes were not to be had and blames nobody', async () => {
    const found = await watch({ 'P240p/0.ts': (_, response) => void response.writeHead(410).end() }, { segments: 1 })
    expect(outcomes(found)).toEqual([['pass']])
    expect(found[0]?.missing).toMatch(/answered 410/)
    expect(exitCodeOf(found)).toBe(3)
  })

  it('does not trust a number that meant another file before', async () => {
    let reads = 0
    const later = media('P240p').replace('1.ts', '3.ts')
    const found = await watch({
      'P240p/index.m3u8': (_, response) => void response.end(reads++ === 0 ? media('P240p') : later),
    })
    expect(found[1]).toMatchObject({ seq: 1, unmatched: ['P240p'] })
    expect(found[1]?.verdicts.map(({ name }) => name)).toEqual(['P360p'])
  })

  it('takes the highest rung for the source where none is called so, and nothing where two are', async () => {
    const plain = MASTER.replace('BANDWIDTH=4000000', 'BANDWIDTH=4000000,RESOLUTION=1280x720').replace('source/', 'top/')
    const [found] = await watch(
      { 'master.m3u8': plain, 'top/index.m3u8': { file: 'source/index.m3u8' }, 'top/0.ts': { file: 'source/0.ts' } },
      { segments: 1 },
    )
    expect(found).toMatchObject({ sourceIs: 'highest' })
    await server?.stop()
    await expect(watch({ 'master.m3u8': plain.replace('1280x720', '640x360') })).rejects.toMatchObject({
      code: 'playlist-source',
    })
  })

  it.each([
    ['encrypted segments', 'playlist-encrypted', '#EXTINF', '#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF'],
    ['ranges of a file', 'playlist-byterange', '#EXTINF', '#EXT-X-BYTERANGE:100@0\n#EXTINF'],
    ['fragments with a header', 'playlist-map', '#EXTINF', '#EXT-X-MAP:URI="init.mp4"\n#EXTINF'],
  ])('refuses %s with a clear reason', async (_, code, from, to) => {
    await expect(watch({ 'source/index.m3u8': media('source').replace(from, to) })).rejects.toMatchObject({
      code,
      blame: 'theirs',
    })
  })

  it('stops reading a playlist without end', async () => {
    const endless: Change = (_, response) => {
      response.write('#EXTM3U\n')
      const more = () => {
        while (response.write('#'.repeat(65_536)) && !response.destroyed);
      }
      response.on('drain', more)
      more()
    }
    await expect(watch({ 'master.m3u8': endless })).rejects.toMatchObject({ code: 'seen-too-long' })
  })

  it('leaves out a rung whose addresses would fill the memory, and keeps the others', async () => {
    // 200 kB each, and twenty million characters once each name is put below the long address that it was read from.
    const deep = 'd'.repeat(1_950)
    const many = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${'#EXTINF:2,\n0.ts\n'.repeat(10_000)}#EXT-X-ENDLIST\n`
    const master = MASTER.replace('source/', `${deep}/source/`).replace('P360p/', `${deep}/P360p/`)
    const rungs = ['source', 'P360p'].map((rung) => [`${deep}/${rung}/index.m3u8`, many])
    server = await serveHls({ 'master.m3u8': master, ...Object.fromEntries(rungs) })
    const { signal } = new AbortController()
    const { source, renditions } = await createStream(`${server.url}/master.m3u8`, { mayConnect: () => true, signal }).list()
    expect(source.segments).toHaveLength(10_000)
    expect(renditions.map(({ variant, segments }) => [variant.uri, segments.length])).toEqual([['P240p/index.m3u8', 4]])
  })

  it('follows redirects, each held against the rule anew, and not for ever', async () => {
    const to =
      (location: string): Change =>
      (_, response) =>
        void response.writeHead(302, { location }).end()
    expect(
      outcomes(
        await watch(
          {
            'master.m3u8': to('/other/m.m3u8'),
            'other/m.m3u8': MASTER.replaceAll('P', '../P').replace('source/', '../source/').replaceAll('../PROGRAM', 'PROGRAM'),
          },
          { segments: 1 },
        ),
      ),
    ).toEqual([['pass', 'pass']])
    await server?.stop()
    await expect(watch({ 'master.m3u8': to('/master.m3u8') })).rejects.toMatchObject({ code: 'seen-redirects' })
  })

  it('connects to no private address, at the first step or at a later one', async () => {
    await expect(watch({}, { mayConnect: isPublicAddress })).rejects.toMatchObject({ code: 'livepeer-address' })
    expect(server?.asked).toEqual([])
    await server?.stop()
    // The rule lets one address of this machine through, so that the redirect alone is what it refuses.
    const hidden = await serveHls()
    const port = new URL(hidden.url).port
    const found = await watch(
      { 'P240p/0.ts': (_, response) => void response.writeHead(302, { location: `http://127.0.0.2:${port}/P240p/0.ts` }).end() },
      { segments: 1, mayConnect: (ip) => ip === '127.0.0.1' },
    )
    await hidden.stop()
    expect(found[0]?.missing).toMatch(/127\.0\.0\.2, where we do not connect/)
    expect(hidden.asked).toEqual([])
  })
})
