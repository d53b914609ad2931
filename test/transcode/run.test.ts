import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createJudge } from '../../src/judge.ts'
import { type DecodeRun, decodeSet, decodesCleanly } from '../../src/transcode/decode.ts'
import { runFfmpeg } from '../../src/transcode/ffmpeg.ts'
import { openFile, type TranscodeInit, withScratch } from '../../src/transcode/job.ts'
import { displayTimes } from '../../src/transcode/stills.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { clip, movingSource, type Rung, rendition } from './clips.ts'

const folder = scratchFolder('run')
const init: TranscodeInit = { ffmpegPath: 'ffmpeg', searchPath: '', scratchDir: folder, limits: MEDIA_LIMITS }
const RUNG = { width: 256, height: 144, kbit: 200 }
let source = ''
let own = ''

beforeAll(() => {
  source = movingSource()
  own = rendition(source, RUNG)
})

async function inputOf(path: string, run: DecodeRun) {
  const { demuxed } = await openFile(path, run)
  if (!demuxed) throw new Error('no media')
  return { path, facts: demuxed.facts, display: displayTimes(demuxed.units), picture: demuxed.firstPicture }
}

/** Compares large pictures at once. */
const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0

/** A bit stream that never ends cheaply: the job is stopped while it runs. */
const endless = (run: DecodeRun) => ({
  inputs: [{ path: source, options: ['-stream_loop', '-1', '-re'] }],
  filter: '',
  outputs: [{ path: join(run.folder, 'out'), options: ['-map', '0:v', '-f', 'rawvideo'] }],
})

describe('decoding', () => {
  it('gives planes of every frame with exact times, and the drawn and sampled luma', async () => {
    await withScratch(init, undefined, async (run) => {
      const rendition = { ...(await inputOf(own, run)), detail: [0, 20, 20, 40, 59], drawn: [59, 3, 3, 17] }
      const set = await decodeSet({ ...(await inputOf(source, run)), detail: [0, 20, 21, 40, 59] }, [rendition], run)
      expect(set?.trouble).toEqual([false, false])
      expect(set?.source.frames).toBe(60)
      const planes = set?.renditions[0]?.planes
      expect(planes?.frames).toBe(60)
      expect(planes?.data.length).toBe(60 * 64 * 64 * 3)
      expect(planes?.timesMs[30]).toBeCloseTo(1000, 1)
      const drawn = set?.renditions[0]?.drawn
      expect([...(drawn?.frames.keys() ?? [])]).toEqual([3, 17, 59])
      expect(drawn?.frames.get(17)?.length).toBe(256 * 144)
      const detail = set?.renditions[0]?.detail
      // A frame that is wanted twice, because the rendition has fewer, is decoded once.
      expect([...(detail?.own.keys() ?? [])]).toEqual([0, 20, 40, 59])
      expect([...(detail?.source.keys() ?? [])]).toEqual([0, 20, 21, 40, 59])
    })
  })

  it('keeps jobs of one moment each in its own sandbox', async () => {
    const judge = createJudge({ scratchDir: folder, maxJobs: 6 })
    const ask = async () => await judge.judge({ source, renditions: [{ path: own }], depth: 'prove' })
    const verdicts = await Promise.all(Array.from({ length: 6 }, ask))
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(Array(6).fill(verdicts[0]?.verdict))
  })

  it("takes the times of a sound file from its container, and they are the decoder's", async () => {
    await withScratch(init, undefined, async (run) => {
      const [first, second] = [await inputOf(source, run), await inputOf(own, run)]
      const asked = await decodeSet(first, [second], run)
      const known = await decodeSet({ ...first, timesMs: first.display }, [{ ...second, timesMs: second.display }], run)
      expect(known?.trouble).toEqual([false, false])
      expect(isSame(known?.source.data, asked?.source.data)).toBe(true)
      const apart = known?.renditions[0]?.planes.timesMs.map((t, i) =>
        Math.abs(t - (asked?.renditions[0]?.planes.timesMs[i] ?? 0)),
      )
      expect(Math.max(...(apart ?? [1]))).toBeLessThan(1e-6)
      const few = await decodeSet({ ...first, timesMs: first.display.slice(1) }, [second], run)
      expect(few?.source.timesMs.length).toBe(60)
    })
  })

  it('decodes the first picture alone for a screen, and it is that of the whole file', async () => {
    await withScratch(init, undefined, async (run) => {
      const [first, second] = [await inputOf(source, run), await inputOf(own, run)]
      const whole = await decodeSet(first, [second], run)
      const alone = await decodeSet(
        { ...first, firstPicture: first.picture, path: '/nowhere' },
        [{ ...second, firstPicture: second.picture, path: '/nowhere' }],
        run,
      )
      expect(alone?.trouble).toEqual([false, false])
      expect(alone?.source.frames).toBe(1)
      expect(isSame(alone?.source.data, whole?.source.data.subarray(0, 64 * 64 * 3))).toBe(true)
      const [planes, first64] = [alone?.renditions[0]?.planes.data, whole?.renditions[0]?.planes.data.subarray(0, 64 * 64 * 3)]
      expect(isSame(planes, first64)).toBe(true)
    })
  })

  it('gives each full picture its own number, whatever is asked first', async () => {
    await withScratch(init, undefined, async (run) => {
      const numbers = { detail: [5, 17, 40], drawn: [40, 5] }
      const set = await decodeSet(
        { ...(await inputOf(source, run)), detail: [5] },
        [{ ...(await inputOf(own, run)), ...numbers }],
        run,
      )
      const { detail, drawn } = set?.renditions[0] ?? {}
      expect(isSame(drawn?.frames.get(40), detail?.own.get(40))).toBe(true)
      expect(isSame(drawn?.frames.get(5), detail?.own.get(5))).toBe(true)
      expect(isSame(drawn?.frames.get(5), detail?.own.get(40))).toBe(false)
      expect([drawn?.frames.get(17), drawn?.frames.has(17)]).toEqual([undefined, false])
    })
  })

  it('sees a change of size that the headers did not announce', async () => {
    await withScratch(init, undefined, async (run) => {
      const bare = (size: Rung): Buffer =>
        readFileSync(clip('264', '-i', rendition(source, size, '', ['-bf', '0']), '-c', 'copy', '-f', 'h264'))
      const joined = join(run.folder, 'joined.264')
      writeFileSync(joined, Buffer.concat([bare(RUNG), bare({ ...RUNG, width: 128, height: 72 })]))
      const mixed = join(run.folder, 'mixed.ts')
      execFileSync('ffmpeg', [
        '-v',
        'fatal',
        '-r',
        '30',
        '-i',
        joined,
        '-c',
        'copy',
        '-bsf:v',
        'setts=pts=N*3000:dts=N*3000',
        mixed,
      ])
      const { facts, ...rest } = await inputOf(mixed, run)
      expect(facts).toMatchObject({ parameterSets: 2, frames: 120 })
      // As if our own demultiplexer had not seen the second header.
      const blind = { ...rest, facts: { ...facts, parameterSets: 1 }, timesMs: rest.display }
      const first = await inputOf(source, run)
      const plain = await decodeSet(first, [blind], run)
      expect(plain?.trouble).toEqual([false, false])
      const close = await decodeSet({ ...first, detail: [3, 50] }, [{ ...blind, detail: [3, 100] }], run)
      expect(close?.trouble).toEqual([false, true])
    })
  })

  it('does not repair a damaged file', async () => {
    await withScratch(init, undefined, async (run) => {
      const damaged = join(run.folder, 'damaged.ts')
      const bytes = readFileSync(source)
      bytes.fill(0x55, 60_000, 62_000)
      writeFileSync(damaged, bytes)
      expect(await decodesCleanly(await inputOf(source, run), run)).toBe(true)
      expect(await decodesCleanly(await inputOf(damaged, run), run)).toBe(false)
    })
  })
})

describe('running ffmpeg', () => {
  it('stops at once when aborted, before the start and after it', async () => {
    await withScratch(init, undefined, async (run) => {
      await expect(
        runFfmpeg(run.wrapper, endless(run), { wallMs: 60_000, signal: AbortSignal.abort(new Error('gone')) }),
      ).rejects.toThrow('gone')
      const soon = new AbortController()
      const early = runFfmpeg(run.wrapper, endless(run), { wallMs: 60_000, signal: soon.signal })
      soon.abort(new Error('early'))
      await expect(early).rejects.toThrow('early')
      const later = new AbortController()
      const started = runFfmpeg(run.wrapper, endless(run), { wallMs: 60_000, signal: later.signal })
      setTimeout(() => later.abort(new Error('late')), 400)
      await expect(started).rejects.toThrow('late')
    })
  })

  it('stops at the wall clock limit, and blames nobody', async () => {
    await withScratch(init, undefined, async (run) => {
      await expect(runFfmpeg(run.wrapper, endless(run), { wallMs: 500 })).rejects.toMatchObject({
        code: 'media-time-limit',
        blame: 'unknown',
      })
    })
  })

  it('is killed by the limits of the sandbox, and blames nobody', async () => {
    const tight = { ...init, limits: { ...MEDIA_LIMITS, outputBytes: 50_000 } }
    await withScratch(tight, undefined, async (run) => {
      const job = { ...endless(run), inputs: [{ path: source, options: [] }] }
      const outcome = await runFfmpeg(run.wrapper, job, { wallMs: 60_000 }).then(
        (result) => ({ ok: result.ok, blame: 'none' }),
        (error) => ({ ok: false, blame: error.blame }),
      )
      expect(outcome.ok).toBe(false)
      expect(outcome.blame).not.toBe('theirs')
    })
  })

  it('says clearly that ffmpeg is missing', async () => {
    const judge = createJudge({ ffmpegPath: 'no-such-ffmpeg', scratchDir: folder, maxJobs: 1 })
    await expect(judge.judge({ source, renditions: [{ path: own }], depth: 'check' })).rejects.toMatchObject({
      code: 'ffmpeg-missing',
      blame: 'ours',
    })
  })

  it('leaves no scratch folder behind, whatever happened', async () => {
    const judge = createJudge({ scratchDir: folder, maxJobs: 1 })
    await judge.judge({ source, renditions: [{ path: own }], depth: 'check' })
    const stop = new AbortController()
    const job = judge.judge({ source, renditions: [{ path: own }], depth: 'prove' }, { signal: stop.signal })
    setTimeout(() => stop.abort(new Error('stop')), 150)
    await expect(job).rejects.toThrow('stop')
    expect(existsSync(folder)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
  })
})
