import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { audioMatch } from '../../src/fingerprint/audio.ts'
import { demux, readMedia } from '../../src/transcode/probe.ts'
import { MAX_PARTS } from '../../src/transcode/reading.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'
import { clip, flooding, movingSource } from './clips.ts'

const source = movingSource()
const wrapped = (format: string, extension: string): Buffer =>
  readFileSync(clip(extension, '-i', source, '-c', 'copy', '-f', format))

describe('demultiplexers', () => {
  it('reads the same pictures out of TS, MP4 and FLV', () => {
    const ts = demux(readFileSync(source))
    expect(ts.facts).toMatchObject({
      container: 'mpegts',
      videoTracks: 1,
      codec: 0,
      width: 640,
      height: 360,
      chroma: 1,
      bitDepth: 8,
      progressive: true,
      parameterSets: 1,
      frames: 60,
      firstIsKey: true,
      timesOk: true,
      editList: false,
    })
    expect(ts.facts.durationMs).toBeCloseTo(2000, 0)
    for (const [format, extension] of [
      ['mp4', 'mp4'],
      ['flv', 'flv'],
    ] as const) {
      const other = demux(wrapped(format, extension))
      expect(other.facts.container).toBe(extension)
      expect(other.units.map((unit) => unit.hash)).toEqual(ts.units.map((unit) => unit.hash))
      expect(other.facts.durationMs).toBeGreaterThan(1950)
      expect(other.facts.editList).toBe(false)
    }
  })

  it.each([
    ['fragments at key frames', 'frag_keyframe+empty_moov+default_base_moof'],
    ['fragments of half a second', 'empty_moov', '-frag_duration', '500000'],
    ['a fragment for each picture, with offsets from the file', 'frag_every_frame+empty_moov+omit_tfhd_offset'],
    ['tables and fragments, as a live muxer writes them', 'frag_keyframe+delay_moov'],
  ])('reads an MP4 of %s like a plain one', (_, flags, ...more) => {
    const plain = demux(wrapped('mp4', 'mp4'))
    const whole = demux(readFileSync(clip('mp4', '-i', source, '-c', 'copy', '-movflags', flags, ...more, '-f', 'mp4')))
    expect(whole.units.map(({ hash, key }) => ({ hash, key }))).toEqual(plain.units.map(({ hash, key }) => ({ hash, key })))
    const times = (units: typeof plain.units): number[] => units.map(({ ptsMs }) => Math.round(ptsMs - (units[0]?.ptsMs ?? 0)))
    expect(times(whole.units)).toEqual(times(plain.units))
    expect({ ...whole.facts, fileBytes: 0 }).toEqual({ ...plain.facts, fileBytes: 0 })
  })

  it('reads at most twice as many bytes as there are where samples lie over each other', () => {
    const whole = Buffer.from(wrapped('mp4', 'mp4'))
    const at = whole.indexOf('stsz')
    // Every sample as long as the file.
    for (let i = 0; i < 60; i++) whole.writeUInt32BE(whole.length, at + 16 + 4 * i)
    expect(demux(whole).units.length).toBeLessThanOrEqual(120)
  })

  it('reads the same audio packets out of TS, MP4 and FLV, without the headers of one', () => {
    for (const codec of ['aac', 'libmp3lame']) {
      const tone = ['-f', 'lavfi', '-i', 'sine=f=300:r=44100:d=2', '-i', source, '-map', '1:v', '-map', '0:a']
      const ts = clip('ts', ...tone, '-c:v', 'copy', '-c:a', codec, '-f', 'mpegts')
      const list = (path: string) => demux(readFileSync(path)).audio
      const original = list(ts)
      expect(original?.length).toBeGreaterThan(70)
      for (const format of ['mp4', 'flv', 'mpegts']) {
        const copy = list(clip(format === 'mpegts' ? 'ts' : format, '-i', ts, '-c', 'copy', '-f', format))
        expect(audioMatch(original, copy)).toMatchObject({ foreign: 0 })
        expect(audioMatch(original, copy)?.missing).toBeLessThanOrEqual(1)
      }
      const again = list(clip('ts', '-i', ts, '-c:v', 'copy', '-c:a', codec, '-b:a', '48k', '-f', 'mpegts'))
      expect(audioMatch(original, again)?.foreign).toBeGreaterThan(70)
    }
    expect(demux(readFileSync(source)).audio).toEqual([])
    const opus = clip('mp4', '-f', 'lavfi', '-i', 'sine=d=1', '-i', source, '-c:v', 'copy', '-c:a', 'libopus', '-f', 'mp4')
    expect(demux(readFileSync(opus)).audio).toBeUndefined()
  })

  it('reads H.265', () => {
    const { facts } = demux(
      readFileSync(
        clip(
          'ts',
          '-i',
          source,
          '-t',
          '0.5',
          '-c:v',
          'libx265',
          '-preset',
          'ultrafast',
          '-x265-params',
          'log-level=none',
          '-f',
          'mpegts',
        ),
      ),
    )
    expect(facts).toMatchObject({ codec: 1, width: 640, height: 360, chroma: 1, bitDepth: 8, frames: 15, firstIsKey: true })
  })

  it('sees an edit list that hides pictures', () => {
    const whole = wrapped('mp4', 'mp4')
    const at = whole.indexOf('elst')
    expect(at).toBeGreaterThan(0)
    const cut = Buffer.from(whole)
    // Half a second into the media, in its own time scale.
    cut.writeInt32BE(cut.readInt32BE(at + 16) + 7680, at + 16)
    expect(demux(cut).facts.editList).toBe(true)
  })

  it('counts headers that change inside a stream', () => {
    const small = clip('ts', '-i', source, '-t', '0.5', '-vf', 'scale=320:180', '-c:v', 'libx264', '-f', 'mpegts')
    const both = Buffer.concat([readFileSync(source), readFileSync(small)])
    expect(demux(both).facts.parameterSets).toBeGreaterThan(1)
  })

  it('never throws anything but not-media, whatever the bytes', () => {
    const files = [readFileSync(source), wrapped('mp4', 'mp4'), wrapped('flv', 'flv')].map((file) => file.subarray(0, 60_000))
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 40 }),
        fc.nat(),
        (file, changes, cut) => {
          const bytes = Buffer.from(file.subarray(0, 1 + (cut % file.length)))
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          try {
            demux(bytes)
          } catch (error) {
            expect(error).toMatchObject({ code: 'not-media', blame: 'theirs' })
          }
        },
      ),
      { numRuns: 60 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        try {
          demux(Buffer.from(bytes))
        } catch (error) {
          expect(error).toMatchObject({ code: 'not-media' })
        }
      }),
    )
  })
})

describe('reading files', () => {
  it.each([
    ['/no/such/file.ts', 'no-such-file'],
    ['/tmp', 'not-a-file'],
    ['/dev/zero', 'not-a-file'],
    ['/dev/null', 'not-a-file'],
  ])('refuses %s', async (path, code) => {
    await expect(readMedia(path, MEDIA_LIMITS)).rejects.toMatchObject({ code, blame: 'ours' })
  })

  it('refuses a file beyond the limit', async () => {
    await expect(readMedia(source, { ...MEDIA_LIMITS, fileBytes: 1000 })).rejects.toMatchObject({ code: 'file-too-large' })
  })
})

/** Files of a few bytes that promise millions of parts: whoever believed them would be busy for minutes, and out of memory. */
describe('a file that promises too much', () => {
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * values.length)
    values.forEach((value, i) => void bytes.writeUInt32BE(value, 4 * i))
    return bytes
  }
  const box = (type: string, ...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts)
    return Buffer.concat([words(body.length + 8), Buffer.from(type, 'latin1'), body])
  }
  const track = (kind: string, entry: Buffer, ...tables: Buffer[]): Buffer =>
    box(
      'trak',
      box('tkhd', Buffer.alloc(84)),
      box(
        'mdia',
        box('mdhd', words(0, 0, 0, 1000, 0, 0)),
        box('hdlr', words(0, 0), Buffer.from(kind, 'latin1'), Buffer.alloc(12)),
        box('minf', box('stbl', box('stsd', words(0, 1), entry), ...tables)),
      ),
    )
  const MOST = 0xffffffff
  const tables = [
    ...[box('stsz', words(0, 1, MOST)), box('stco', words(0, 1, 0))],
    ...[box('stsc', words(0, 1, 1, MOST, 1)), box('stts', words(0, 1, MOST, 1))],
  ]
  const sound = track('soun', box('mp4a', Buffer.alloc(28)), ...tables)
  const picture = track('vide', box('avc1', Buffer.alloc(78)))
  const file = (moov: Buffer[], ...more: Buffer[]): Buffer =>
    Buffer.concat([box('ftyp', Buffer.from('isom'), words(0)), box('moov', ...moov), ...more, box('mdat', Buffer.alloc(500_000))])

  it('is read up to a limit, whatever it says, and says of itself that it is odd', () => {
    const many = demux(file([picture, ...Array<Buffer>(12).fill(sound)]))
    expect(many.audio?.length).toBe(MAX_PARTS)
    expect(many.facts.oddities).toContain('too-many-parts')
    // Runs of samples without a byte of their own, of a track that is not there, and of the one that is.
    for (const id of [9, 0]) {
      const run = box('trun', words(0, MOST))
      const fragment = box('moof', box('traf', box('tfhd', words(0x10, id, 1)), ...Array<Buffer>(40).fill(run)))
      expect(demux(file([picture], fragment)).facts.oddities).toContain('too-many-parts')
    }
  })

  it('has no more NAL units than work can have', () => {
    const short = demux(flooding(source, [9, 0xf0], MAX_PARTS / 2))
    expect(short.facts).toMatchObject({ frames: 60, oddities: [] })
    const endless = demux(flooding(source, [9, 0xf0], MAX_PARTS))
    expect(endless.facts.frames).toBeLessThan(60)
    expect(endless.facts.oddities).toContain('too-many-parts')
  })
})
