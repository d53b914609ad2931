import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Hex, Profile } from '../../proofs/types.ts'
import { createJudge, type Depth, needsProof, type RenditionVerdict } from '../../src/judge.ts'
import { splitAnnexB } from '../../src/transcode/nal.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { clip, flooding, movingSource, rendition, scratch } from '../transcode/clips.ts'

/**
 * Files that hide their picture from whoever reads them: a node whose every check ends in doubt would be paid for ever. And containers that
 * are only odd, whose pictures are what they should be.
 */
const judge = createJudge({ scratchDir: scratch, maxJobs: 2 })
const LONG = { timeout: 120_000 }
const RUNG = { width: 426, height: 240, kbit: 300 }
const H264: Profile = {
  ...{ width: 426, height: 240, bitrate: 300_000, fpsNum: 0, fpsDen: 1 },
  ...{ codec: 0, h264Profile: 0, gopMs: 0, container: 0, quality: 0 },
}
const VP9: Profile = { ...H264, codec: 3 }
const source = movingSource(2)
const good = rendition(source, RUNG)
const black = rendition(source, RUNG, 'drawbox=t=fill:color=black')
const TONE = ['-f', 'lavfi', '-i', 'sine=f=300:r=44100:d=2']
const copied = (extension: string, ...options: string[]): string =>
  clip(extension, ...options, '-c', 'copy', '-f', extension === 'ts' ? 'mpegts' : extension)

const folder = scratchFolder('hidden')
let made = 0
function changed(path: string, change: (bytes: Buffer) => Buffer, ending = path.slice(path.lastIndexOf('.'))): string {
  const out = join(folder, `${made++}${ending}`)
  writeFileSync(out, change(readFileSync(path)))
  return out
}

const PMT_PID = 0x1000
/** A transport stream without the tables that say what is in it: players guess, and find the pictures. */
const withoutTables = (path: string): string =>
  changed(path, (bytes) => {
    const packets = Array.from({ length: bytes.length / 188 }, (_, i) => bytes.subarray(i * 188, (i + 1) * 188))
    return Buffer.concat(packets.filter((packet) => ![0, PMT_PID].includes(packet.readUInt16BE(1) & 0x1fff)))
  })

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** An MP4 behind more empty boxes than we look at. */
const behindBoxes = (path: string): string =>
  changed(path, (bytes) => {
    const head = bytes.readUInt32BE(0)
    const free = Buffer.concat([word(8), Buffer.from('free', 'latin1')])
    const boxes = Buffer.concat(Array<Buffer>(5000).fill(free))
    // Where the samples lie is counted from the beginning of the file.
    const at = bytes.indexOf('stco', 0, 'latin1')
    for (let i = 0; i < bytes.readUInt32BE(at + 8); i++)
      bytes.writeUInt32BE(bytes.readUInt32BE(at + 12 + 4 * i) + boxes.length, at + 12 + 4 * i)
    return Buffer.concat([bytes.subarray(0, head), boxes, bytes.subarray(head)])
  })

const blackMp4 = (size: string, seconds: number, ...options: string[]): string =>
  clip(
    'mp4',
    ...['-f', 'lavfi', '-i', `color=black:s=${size}:r=30:d=${seconds}`, '-pix_fmt', 'yuv420p', '-c:v', 'libx264'],
    ...['-preset', 'ultrafast', '-movflags', '+faststart', ...options, '-f', 'mp4'],
  )

/** A header of the right size, which no picture uses, in front of small pictures. */
const behindHeader = (path: string): string => {
  const raw = (from: string): Buffer => readFileSync(clip('h264', '-i', from, '-c', 'copy', '-f', 'h264'))
  const header = splitAnnexB(raw(good)).find(({ nal }) => ((nal[0] ?? 0) & 31) === 7)?.nal
  if (!header) throw new Error('no header')
  const joined = changed(good, () => Buffer.concat([Buffer.from([0, 0, 0, 1]), header, raw(path)]), '.h264')
  return clip('ts', '-f', 'h264', '-r', '30', '-i', joined, '-c', 'copy', '-f', 'mpegts')
}

/** An MP4 whose table of samples says that there are none. */
const withoutSamples = (path: string): string =>
  changed(path, (bytes) => {
    for (const name of ['stsz', 'stts', 'stsc', 'stco']) {
      const at = bytes.indexOf(name, 0, 'latin1')
      if (at < 0) throw new Error(`no ${name}`)
      bytes.writeUInt32BE(0, at + 4 + (name === 'stsz' ? 8 : 4))
    }
    return bytes
  })

async function ask(path: string, depth: Depth, profile = H264): Promise<RenditionVerdict> {
  const draw = {
    beacon: `0x${'1'.repeat(64)}` as Hex,
    sampleId: `0x${'2'.repeat(64)}` as Hex,
    fisherman: `0x${'3'.repeat(40)}` as Hex,
  }
  const [verdict] = (await judge.judge({ source, renditions: [{ path, profile, draw }], depth })).renditions
  if (!verdict) throw new Error('no verdict')
  return verdict
}

const says = (v: RenditionVerdict): string => `${v.verdict} ${v.faultClass ?? '-'} ${v.reasons.map(({ code }) => code).join(' ')}`

const SEEN: [name: string, says: string, path: () => string][] = [
  ['a second picture track', 'fail D3 tracks', () => copied('ts', '-i', good, '-i', black, '-map', '0:v', '-map', '1:v')],
  [
    'a second picture track in an MP4',
    'fail D3 tracks',
    () => copied('mp4', '-i', black, '-i', good, '-map', '0:v', '-map', '1:v'),
  ],
  [
    'three tracks of sound',
    'fail D3 tracks',
    () => {
      const sound = clip('ts', ...TONE, '-c:a', 'aac', '-f', 'mpegts')
      return copied('ts', '-i', good, '-i', sound, '-map', '0:v', '-map', '1:a', '-map', '1:a', '-map', '1:a')
    },
  ],
  [
    'MPEG-2',
    'fail D3 codec',
    () => clip('ts', '-i', source, '-vf', 'scale=426:240,hue=s=0', '-an', '-c:v', 'mpeg2video', '-f', 'mpegts'),
  ],
  [
    'pictures so large that they need not be decoded',
    'fail D3 size',
    () => {
      const vast = ['-f', 'lavfi', '-i', 'color=black:s=3840x2160:r=30:d=2', '-pix_fmt', 'yuv420p', '-c:v', 'libx264']
      return clip('ts', ...vast, '-preset', 'ultrafast', '-f', 'mpegts')
    },
  ],
  ['more coded parts than we read', 'fail D3 frames', () => changed(black, () => flooding(black, [9, 0xf0], 450_000))],
  [
    'colours that have no luma',
    'fail D2',
    () => {
      const rgb = ['-vf', 'scale=426:240,drawbox=t=fill:color=black', '-an', '-c:v', 'libx264rgb', '-pix_fmt', 'bgr24']
      return clip('ts', '-i', source, ...rgb, '-fps_mode', 'passthrough', '-f', 'mpegts')
    },
  ],
  [
    'ten bits for eight, and nothing in them',
    'fail Q',
    () => {
      const filter = 'scale=64:36:flags=area,scale=426:240'
      return clip('ts', '-i', source, '-vf', filter, '-an', '-c:v', 'libx264', '-pix_fmt', 'yuv420p10le', '-f', 'mpegts')
    },
  ],
  ['more pictures than ordered, behind boxes', 'fail D3 frames', () => behindBoxes(blackMp4('426x240', 602))],
  ['black pictures behind boxes', 'fail D2', () => behindBoxes(copied('mp4', '-i', black, '-movflags', '+faststart'))],
  ['one picture as large as we read', 'fail D3 size', () => blackMp4('4096x4096', 0.03)],
  ['black pictures without tables', 'fail D2', () => withoutTables(black)],
]

const NOTHING: [name: string, path: () => string][] = [
  ['sound alone', () => clip('ts', ...TONE, '-c:a', 'aac', '-f', 'mpegts')],
  ['sound alone in an MP4', () => clip('mp4', ...TONE, '-c:a', 'aac', '-f', 'mp4')],
  ['orders without end, which fill the log of every check', () => changed(black, () => flooding(black))],
  [
    'small pictures behind a header of the right size',
    () => behindHeader(rendition(source, { width: 160, height: 90, kbit: 100 }, '', ['-preset', 'veryfast', '-bf', '0'])),
  ],
  ['an MP4 whose tables are empty', () => withoutSamples(copied('mp4', '-i', good))],
]

describe('a rendition that hides its picture', () => {
  it.each(SEEN)('is found out, with %s', LONG, async (_, expected, path) => {
    for (const depth of ['check', 'prove'] as const) expect(says(await ask(path(), depth))).toContain(expected)
  })

  it.each(NOTHING)('that has none is in doubt at a check and broken at the proof that follows: %s', LONG, async (_, path) => {
    const checked = await ask(path(), 'check')
    expect(says(checked)).toContain('inconclusive - rendition-unreadable')
    expect(needsProof(checked)).toBe(true)
    expect(says(await ask(path(), 'prove'))).toBe('fail D3 undecodable')
  })
})

describe('a container that is only odd', () => {
  it('frames nobody, and no fingerprint is made of what another program took out of it', LONG, async () => {
    for (const depth of ['check', 'prove'] as const) {
      const [odd, plain] = [await ask(withoutTables(good), depth), await ask(good, depth)]
      expect([says(odd), says(plain)]).toEqual(['pass - ', 'pass - '])
      expect([odd.fingerprint?.frames.length, plain.fingerprint?.frames.length]).toEqual([undefined, 8])
    }
  })

  it('that holds what we do not read is no fault where that was ordered', LONG, async () => {
    for (const depth of ['check', 'prove'] as const)
      expect(says(await ask(clip('ts', ...TONE, '-c:a', 'aac', '-f', 'mpegts'), depth, VP9))).toContain(
        'inconclusive - rendition-format',
      )
  })
})
