import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blameOf } from '../../src/base/errors.ts'
import { createJudge, type Depth } from '../../src/judge.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'
import { clip, corpus, movingSource, scratch } from './clips.ts'

/** Hostile media in both places. Whatever it does, the answer is a verdict, or an error whose blame is right. */
const LONG = { timeout: 120_000 }
const folder = join(scratch, '..', `fisherman-hostile-${process.pid}`)
const jobs = join(folder, 'jobs')
mkdirSync(jobs, { recursive: true })
const limits = { ...MEDIA_LIMITS, wallMs: 20_000, cpuSeconds: 15, frames: 2000 }
const judge = createJudge({ scratchDir: jobs, maxJobs: 2, limits })
const small = ['-vf', 'scale=320:180', '-an', '-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast']
const sound = clip('ts', '-i', movingSource(), '-t', '1', ...small, '-f', 'mpegts')
const honest = clip('ts', '-i', sound, ...small, '-b:v', '300k', '-f', 'mpegts')

let connections = 0
const server = createServer((socket) => {
  connections++
  socket.end()
})
beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

let made = 0
function write(extension: string, bytes: Uint8Array | string): string {
  const path = join(folder, `${made++}.${extension}`)
  writeFileSync(path, bytes)
  return path
}

type Answer = { verdict: string; blame: string }

async function answer(source: string, rendition: string, depth: Depth): Promise<Answer> {
  try {
    return { verdict: (await judge.judge({ source, renditions: [{ path: rendition }], depth })).verdict, blame: 'none' }
  } catch (error) {
    return { verdict: 'none', blame: blameOf(error) }
  }
}

async function expectHarmless(path: string, broken: boolean): Promise<void> {
  for (const depth of ['screen', 'check', 'prove'] as const) {
    const asSource = await answer(path, honest, depth)
    // Large or odd as it may be, a source that is in order makes other video a fraud.
    if (broken) expect(asSource.verdict, `${path} as source at ${depth}`).not.toBe('fail')
    expect(asSource.blame).not.toBe('theirs')
    const asRendition = await answer(sound, path, depth)
    // What decodes and shows something else may fail at any depth; what is broken only at prove.
    expect(asRendition.blame).not.toBe('theirs')
  }
  expect(readdirSync(jobs)).toEqual([])
  expect(connections).toBe(0)
}

/** A generator of numbers that are the same in every run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const url = (): string => `http://127.0.0.1:${(server.address() as { port: number }).port}/secret.ts`

/** Writes a 32-bit number after the name of a box. */
function patchBox(path: string, name: string, at: number, value: number): string {
  const bytes = readFileSync(path)
  const found = bytes.indexOf(name, 0, 'latin1')
  if (found < 0) throw new Error(`no ${name}`)
  bytes.writeUInt32BE(value >>> 0, found + 4 + at)
  return write('mp4', bytes)
}

const mp4 = (): string => clip('mp4', '-i', sound, '-c', 'copy', '-f', 'mp4')

const HOSTILE: readonly [name: string, path: () => string][] = [
  ['an empty file', () => write('ts', '')],
  [
    'random bytes',
    () =>
      write(
        'ts',
        Uint8Array.from({ length: 100_000 }, random(1)).map((_, i) => (i * 7919) & 255),
      ),
  ],
  ['a playlist of a local file', () => write('m3u8', `#EXTM3U\n#EXTINF:2,\n${sound}\n#EXT-X-ENDLIST\n`)],
  ['a playlist of a URL, named like a segment', () => write('ts', `#EXTM3U\n#EXTINF:2,\n${url()}\n#EXT-X-ENDLIST\n`)],
  ['a list to be joined', () => write('ts', `ffconcat version 1.0\nfile '${sound}'\nfile '${url()}'\n`)],
  [
    'a playlist behind a transport packet',
    () => write('ts', Buffer.concat([readFileSync(sound).subarray(0, 188 * 4), Buffer.from(`\n#EXTM3U\n${url()}\n`)])),
  ],
  [
    'an MP4 whose samples lie at a URL',
    () => {
      const bytes = readFileSync(mp4())
      const at = bytes.indexOf('url ', 0, 'latin1')
      // Not self-contained any more; the name that follows overwrites what comes next.
      bytes.writeUInt32BE(0, at + 4)
      bytes.write(url(), at + 8, 'latin1')
      return write('mp4', bytes)
    },
  ],
  ['an MP4 whose samples lie outside of it', () => patchBox(mp4(), 'stco', 8, 0x7fffff00)],
  ['an MP4 that claims two thousand million samples', () => patchBox(mp4(), 'stsz', 8, 0x7fffffff)],
  ['an MP4 whose samples have a size beyond the file', () => patchBox(mp4(), 'stsz', 4, 0x7fffffff)],
  ['an MP4 that claims to last for days', () => patchBox(mp4(), 'stts', 12, 0x7fffffff)],
  [
    'a size that grows half-way',
    () => {
      const large = clip(
        'ts',
        '-f',
        'lavfi',
        '-i',
        'color=gray:s=4096x2304:r=30:d=0.2',
        '-c:v',
        'libx264',
        '-threads',
        '1',
        '-preset',
        'ultrafast',
        '-f',
        'mpegts',
      )
      return write('ts', Buffer.concat([readFileSync(sound), readFileSync(large)]))
    },
  ],
  [
    'more pictures than the limit',
    () =>
      clip(
        'ts',
        '-f',
        'lavfi',
        '-i',
        'color=gray:s=64x64:r=1000:d=2.5',
        '-c:v',
        'libx264',
        '-threads',
        '1',
        '-preset',
        'ultrafast',
        '-f',
        'mpegts',
      ),
  ],
  ['a sound file', () => clip('ts', '-f', 'lavfi', '-i', 'sine=d=1', '-c:a', 'aac', '-f', 'mpegts')],
]

/** In order, but large or odd. */
const LARGE: readonly [name: string, path: () => string][] = [
  [
    'a picture of 16x4000',
    () => clip('ts', '-f', 'lavfi', '-i', 'testsrc2=s=16x4000:r=30:d=0.3', '-c:v', 'libx264', '-threads', '1', '-f', 'mpegts'),
  ],
  [
    'a few bytes that become a thousand large pictures',
    () =>
      clip(
        'ts',
        ...['-f', 'lavfi', '-i', 'color=black:s=3840x2160:r=30:d=1', '-c:v', 'libx264', '-threads', '2'],
        ...['-preset', 'ultrafast', '-crf', '51', '-pix_fmt', 'yuv420p', '-f', 'mpegts'],
      ),
  ],
]

describe('hostile media', () => {
  it.each(HOSTILE)('%s does no harm', LONG, async (_, path) => {
    await expectHarmless(path(), true)
  })

  it.each(LARGE)('%s does no harm', LONG, async (_, path) => {
    await expectHarmless(path(), false)
  })

  it('cut at any byte, as source and as rendition', LONG, async () => {
    const bytes = readFileSync(sound)
    for (const share of [0.02, 0.3, 0.71, 0.97]) {
      const path = write('ts', bytes.subarray(0, Math.floor(bytes.length * share)))
      expect((await answer(path, honest, 'check')).verdict).not.toBe('fail')
      expect((await answer(sound, path, 'check')).blame).not.toBe('theirs')
    }
    expect(readdirSync(jobs)).toEqual([])
  })

  it('with bits flipped: no source blames a node that decoded it as well as it could', LONG, async () => {
    const next = random(7)
    for (let n = 0; n < 6; n++) {
      const flipped = (file: string): string => {
        const bytes = readFileSync(file)
        for (let k = 0; k < 4; k++) {
          const at = Math.floor(next() * bytes.length)
          bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(next() * 8))
        }
        return write('ts', bytes)
      }
      const source = flipped(sound)
      // What a node makes of it, if it makes anything: it decodes as we do, or it may blame nobody.
      const work = write('ts', '')
      try {
        execFileSync('ffmpeg', ['-v', 'quiet', '-y', '-i', source, ...small, '-b:v', '300k', '-f', 'mpegts', work])
      } catch {
        continue
      }
      const depth = n % 2 === 0 ? 'check' : 'prove'
      const found = await judge.judge({ source, renditions: [{ path: work }], depth }).catch(() => undefined)
      expect(`${n} ${found?.verdict} ${JSON.stringify(found?.renditions[0]?.reasons)}`).not.toMatch(/^\d fail/)
      expect((await answer(sound, flipped(honest), depth)).blame).not.toBe('theirs')
    }
  })

  it('from a folder, a device or a pipe is refused, and nobody is blamed but who asked', LONG, async () => {
    const pipe = join(folder, 'pipe.ts')
    execFileSync('mkfifo', [pipe])
    for (const path of [folder, pipe, '/dev/zero', '/proc/self/environ', join(folder, 'missing.ts')]) {
      expect(await answer(path, honest, 'check')).toEqual({ verdict: 'none', blame: 'ours' })
      expect(await answer(sound, path, 'check')).toEqual({ verdict: 'none', blame: 'ours' })
    }
    expect(existsSync(jobs) && readdirSync(jobs)).toEqual([])
  })

  const footage = corpus()
  const edge = footage ? readdirSync(join(footage, 'edge')) : []
  if (!footage) it.skip('real broken segments: no corpus in FISHERMAN_CORPUS or ../shared/corpus', () => {})
  else {
    it.each(edge)('%s, found in the wild, does no harm', LONG, async (name) => {
      const path = join(footage, 'edge', name)
      for (const depth of ['screen', 'check'] as const) {
        const asSource = await answer(path, honest, depth)
        // A sound source with a rendition of another video is a fraud like any other.
        expect(asSource.blame).not.toBe('theirs')
        expect((await answer(sound, path, depth)).blame).not.toBe('theirs')
      }
      expect(readdirSync(jobs)).toEqual([])
    })
  }
})
