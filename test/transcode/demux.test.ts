import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { demux, readMedia } from '../../src/transcode/probe.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'
import { clip, movingSource } from './clips.ts'

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
