import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createJudge, type Depth } from '../../src/judge.ts'
import { sequenceFacts, splitAnnexB } from '../../src/transcode/nal.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { clip, flooding, movingSource, scratch } from '../transcode/clips.ts'

/**
 * Sources that were made to blame a node: legal or broken in a way that an honest transcoder sees another picture than we do. None
 * may ever end as `fail`, whatever the rendition is; here it is as bad as can be.
 */
const judge = createJudge({ scratchDir: scratch, maxJobs: 2 })
const LONG = { timeout: 60_000 }
const whole = movingSource()
const SMALL = ['-vf', 'scale=320:180', '-an', '-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast', '-crf', '20']
const second = (...options: string[]): string[] => ['-i', whole, '-t', '1', ...SMALL, ...options]
const sound = clip('ts', ...second('-bf', '0', '-f', 'mpegts'))
const black = clip('ts', '-i', sound, '-vf', 'drawbox=t=fill:color=black', '-c:v', 'libx264', '-f', 'mpegts')
const asMp4 = (...options: string[]): string => clip('mp4', '-i', sound, '-c', 'copy', ...options, '-f', 'mp4')

const folder = scratchFolder('blame')
let made = 0
function write(extension: string, bytes: Uint8Array): string {
  const path = join(folder, `${made++}.${extension}`)
  writeFileSync(path, bytes)
  return path
}

/** Changes the bytes of a file. */
function patched(path: string, change: (bytes: Buffer) => Buffer | undefined): string {
  const bytes = readFileSync(path)
  return write(path.slice(path.lastIndexOf('.') + 1), change(bytes) ?? bytes)
}

/** Writes a box field: `at` bytes after the name of the box. */
const box = (name: string, at: number, value: number) => (bytes: Buffer) => {
  const found = bytes.indexOf(name, 0, 'latin1')
  if (found < 0) throw new Error(`no ${name}`)
  bytes.writeUInt32BE(value, found + 4 + at)
  return bytes
}

/** Changes the NAL units of an H.264 stream and wraps them up again at 30 frames a second. */
function withNals(change: (nals: Buffer[]) => Uint8Array[], ...options: string[]): string {
  const raw = clip(
    'h264',
    ...second('-bf', '0', '-g', '10', '-x264-params', 'repeat-headers=1:scenecut=0', ...options, '-f', 'h264'),
  )
  const nals = change(splitAnnexB(readFileSync(raw)).map(({ nal }) => nal))
  const path = write('h264', Buffer.concat(nals.flatMap((nal) => [Buffer.from([0, 0, 0, 1]), nal])))
  // Pictures before the first key frame are kept.
  return clip('ts', '-f', 'h264', '-r', '30', '-i', path, '-c', 'copy', '-copyinkf', '-f', 'mpegts')
}

const typeOf = (nal: Uint8Array): number => (nal[0] ?? 0) & 31
/** Puts a NAL unit in front of the n-th picture. */
const before = (n: number, extra: readonly number[]) => (nals: Buffer[]) => {
  let picture = -1
  return nals.flatMap((nal) => {
    if (![1, 5].includes(typeOf(nal)) || ++picture !== n) return [nal]
    return [Uint8Array.from(extra), nal]
  })
}
const sei = (type: number, size = 4): number[] => [6, type, size, ...Array<number>(size).fill(0x55), 0x80]

/** Packets of the video track of a transport stream. */
function videoPackets(bytes: Buffer): number[] {
  const at = Array.from({ length: bytes.length / 188 }, (_, i) => i * 188)
  return at.filter((offset) => (bytes.readUInt16BE(offset + 1) & 0x1fff) === 0x100)
}

/** Sets the one bit of the sequence header that makes it say what is wanted, and leaves the size as it is. */
function flipSequenceBit(nals: Buffer[], oddity: 'frame-gaps'): Buffer[] {
  return nals.map((nal) => {
    if (typeOf(nal) !== 7) return nal
    const { width, height } = sequenceFacts(nal, 'h264')
    for (let bit = 32; bit < nal.length * 8; bit++) {
      const changed = Buffer.from(nal)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7))
      const facts = sequenceFacts(changed, 'h264')
      if (facts.width === width && facts.height === height && facts.progressive && facts.oddities.includes(oddity)) return changed
    }
    throw new Error('no such bit')
  })
}

const bits = (text: string): number[] => {
  const clean = text.replaceAll(' ', '')
  const padded = `${clean}1`.padEnd(Math.ceil((clean.length + 1) / 8) * 8, '0')
  return Array.from({ length: padded.length / 8 }, (_, i) => Number.parseInt(padded.slice(i * 8, i * 8 + 8), 2))
}

const SOURCES: readonly [name: string, path: () => string][] = [
  [
    'changes its size half-way',
    () => {
      const half = (size: string) =>
        readFileSync(clip('ts', '-i', sound, '-t', '0.5', '-vf', `scale=${size}`, '-c:v', 'libx264', '-f', 'mpegts'))
      return write('ts', Buffer.concat([half('320:180'), half('160:90')]))
    },
  ],
  [
    'has two sequence headers that differ, and uses one',
    () => {
      const other = clip('h264', '-i', sound, '-t', '0.2', '-vf', 'scale=640:360', '-c:v', 'libx264', '-f', 'h264')
      const header = splitAnnexB(readFileSync(other)).find(({ nal }) => typeOf(nal) === 7)?.nal
      return withNals((nals) => (header ? [header, ...nals] : []))
    },
  ],
  [
    'redefines its picture header',
    () => {
      const other = clip('h264', '-i', sound, '-t', '0.2', '-c:v', 'libx264', '-x264-params', 'cabac=0', '-f', 'h264')
      const header = splitAnnexB(readFileSync(other)).find(({ nal }) => typeOf(nal) === 8)?.nal
      return withNals((nals) => [...nals.slice(0, 10), ...(header ? [header] : []), ...nals.slice(10)])
    },
  ],
  ['hides pictures by an edit list', () => patched(asMp4(), box('elst', 12, 45_000))],
  ['is turned by its container', () => asMp4('-metadata:s:v', 'rotate=90')],
  ['has its pictures in another file', () => patched(asMp4(), box('dref', 16, 0))],
  [
    'has a colour box that says full range',
    () =>
      patched(
        clip(
          'mp4',
          ...second(
            '-color_primaries',
            'bt709',
            '-color_trc',
            'bt709',
            '-colorspace',
            'bt709',
            '-movflags',
            'write_colr',
            '-f',
            'mp4',
          ),
        ),
        (bytes) => {
          const at = bytes.indexOf('nclx', 0, 'latin1')
          bytes[at + 10] = 0x80
          return bytes
        },
      ),
  ],
  ['says that its colours have full range', () => clip('ts', ...second('-x264-params', 'fullrange=on', '-f', 'mpegts'))],
  [
    'has lost its first picture',
    () => withNals((nals) => nals.filter((nal, i) => typeOf(nal) !== 5 || nals.findIndex((n) => typeOf(n) === 5) !== i)),
  ],
  [
    'has lost a picture that others refer to',
    () => {
      const slices = (nals: Buffer[]) => nals.filter((nal) => typeOf(nal) === 1)
      return withNals((nals) => nals.filter((nal) => nal !== slices(nals)[5]))
    },
  ],
  [
    'begins in an open group of pictures',
    () => {
      const open = 'open-gop=1:keyint=10:bframes=2:repeat-headers=1:scenecut=0'
      return patched(clip('ts', ...second('-x264-params', open, '-f', 'mpegts')), (bytes) => {
        // The second packet that says that one can start here: an I picture with pictures before it that refer to what is gone.
        const starts = videoPackets(bytes).filter((at) => (bytes[at + 3] ?? 0) & 0x20 && (bytes[at + 5] ?? 0) & 0x40)
        return Buffer.concat([bytes.subarray(0, 3 * 188), bytes.subarray(starts[1])])
      })
    },
  ],
  ['has film grain to be added', () => withNals(before(3, sei(19)))],
  ['orders a frozen picture', () => withNals(before(3, sei(13, 1)))],
  ['orders a turned picture', () => withNals(before(0, sei(47)))],
  [
    'hides an order behind other messages',
    () => withNals(before(3, [6, 5, 16, ...Array<number>(16).fill(1), 19, 2, 1, 1, 0x80])),
  ],
  ['allows gaps in its references', () => withNals((nals) => flipSequenceBit(nals, 'frame-gaps'))],
  ['has a second layer', () => withNals(before(3, [0x74, 0, 0, 0x21, 1, 2, 3, 4, 0x80]))],
  ['has slice groups', () => withNals(before(3, [0x68, ...bits('00101 1 0 0 010 1 1 1')]))],
  ['has redundant slices', () => withNals(before(3, [0x68, ...bits('00101 1 0 0 1 1 1 0 00 1 1 1 0 0 1')]))],
  [
    'repeats a time',
    () => clip('ts', '-i', sound, '-c', 'copy', '-bsf:v', "setts=pts='if(eq(N,12),PTS+3000,PTS)'", '-f', 'mpegts'),
  ],
  [
    'has a hole in time',
    () => clip('ts', '-i', sound, '-c', 'copy', '-bsf:v', "setts=ts='if(gt(N,12),TS+450000,TS)'", '-f', 'mpegts'),
  ],
  [
    'has two video tracks',
    () => clip('ts', '-i', sound, '-i', black, '-map', '0:v', '-map', '1:v', '-c', 'copy', '-f', 'mpegts'),
  ],
  [
    'has two video tracks in an MP4',
    () => clip('mp4', '-i', sound, '-i', black, '-map', '0:v', '-map', '1:v', '-c', 'copy', '-f', 'mp4'),
  ],
  [
    'has two programmes',
    () =>
      clip(
        'ts',
        ...['-i', sound, '-i', black, '-map', '0:v', '-map', '1:v', '-program', 'st=0', '-program', 'st=1'],
        ...['-c', 'copy', '-f', 'mpegts'],
      ),
  ],
  ['has fields', () => clip('ts', ...second('-flags', '+ilme+ildct', '-x264-params', 'tff=1', '-f', 'mpegts'))],
  ['has ten bits', () => clip('ts', ...second('-pix_fmt', 'yuv420p10le', '-f', 'mpegts'))],
  ['has half of the chroma only', () => clip('ts', ...second('-pix_fmt', 'yuv422p', '-f', 'mpegts'))],
  [
    'is scrambled, or says so',
    () =>
      patched(sound, (bytes) => {
        const at = videoPackets(bytes)[20] ?? 0
        bytes[at + 3] = (bytes[at + 3] ?? 0) | 0x80
        return bytes
      }),
  ],
  [
    'repeats a packet',
    () =>
      patched(sound, (bytes) => {
        const at = videoPackets(bytes)[20] ?? 0
        return Buffer.concat([bytes.subarray(0, at + 188), bytes.subarray(at)])
      }),
  ],
  [
    'lacks a packet',
    () =>
      patched(sound, (bytes) => {
        const at = videoPackets(bytes)[20] ?? 0
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 188)])
      }),
  ],
  [
    'is damaged inside a picture',
    () =>
      patched(sound, (bytes) => {
        const at = videoPackets(bytes)[20] ?? 0
        bytes.fill(0xa5, at + 100, at + 140)
        return bytes
      }),
  ],
  ['fills the log of whoever decodes it', () => write('ts', flooding(sound))],
  ['has more coded parts than any encoder makes', () => write('ts', flooding(sound, [9, 0xf0], 450_000))],
  ['is cut off', () => patched(sound, (bytes) => bytes.subarray(0, Math.floor(bytes.length * 0.6)))],
]

async function verdictOf(source: string, depth: Depth) {
  const profile = {
    width: 320,
    height: 180,
    bitrate: 200_000,
    fpsNum: 0,
    fpsDen: 1,
    codec: 0,
    h264Profile: 0,
    gopMs: 0,
    container: 0,
    quality: 0,
  }
  const { renditions } = await judge.judge({ source, renditions: [{ path: black, profile }], depth })
  return renditions[0]
}

describe('a source that blames', () => {
  it.each(['check', 'prove'] as const)('is no defence of fraud where it is sound, at %s', LONG, async (depth) => {
    expect((await verdictOf(sound, depth))?.verdict).toBe('fail')
  })

  it.each(SOURCES)('that %s is never the ground of a fail', LONG, async (_, path) => {
    const source = path()
    for (const depth of ['screen', 'check', 'prove'] as const) {
      const found = await verdictOf(source, depth)
      expect(`${found?.verdict} ${JSON.stringify(found?.reasons.slice(0, 3))}`).toMatch(/^inconclusive/)
      expect(found?.reasons.map((reason) => reason.class)).toContain('source')
    }
  })
})
