import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Profile } from '../../proofs/types.ts'
import { createJudge } from '../../src/judge.ts'
import { encodeControls } from '../../src/transcode/control.ts'
import { type DecodeInput, type DecodeRun, decodeSet } from '../../src/transcode/decode.ts'
import { createHardware } from '../../src/transcode/hardware/hardware.ts'
import type { Ability, BackendReport, HardwareReport } from '../../src/transcode/hardware/types.ts'
import { withDevice, wrapDevice } from '../../src/transcode/hardware/wrap.ts'
import { decodeJob, openFile, withScratch } from '../../src/transcode/job.ts'
import type { Pictures } from '../../src/transcode/pictures.ts'
import { demux } from '../../src/transcode/probe.ts'
import { createWrapper, requireFfmpeg, trySandbox } from '../../src/transcode/sandbox.ts'
import { MEDIA_LIMITS } from '../../src/transcode/types.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { clip, movingSource, rendition } from './clips.ts'
import { CARDS, fakeFfmpeg, type Mode } from './fake-ffmpeg.ts'

const scratchDir = scratchFolder('device')
const RUNG = { width: 256, height: 144, kbit: 200 }
const ORDER: Profile = {
  width: 256,
  height: 144,
  bitrate: 300_000,
  fpsNum: 0,
  fpsDen: 1,
  codec: 0,
  h264Profile: 0,
  gopMs: 0,
  container: 0,
  quality: 0,
}

function reportOf(name: BackendReport['name'], ffmpeg: string, node?: string): HardwareReport {
  const good: Ability = { state: 'trusted' }
  const scaler = name === 'vaapi' ? 'scale_vaapi' : 'scale_cuda'
  const encodes: Ability = { state: 'trusted', via: 'device', scaler }
  const decode = { h264: good, hevc: good }
  const encode = { h264: encodes, hevc: encodes }
  return {
    tableVersion: 1,
    ffmpeg: { path: ffmpeg, version: '' },
    backends: [{ name, node, devices: ['/dev/x'], decode, encode }],
  }
}

/** One job of a machine whose card behaves as told. */
async function onCard<T>(
  work: (world: ReturnType<typeof worldOf>, run: DecodeRun) => Promise<T>,
  options: { name?: 'cuda-nvenc' | 'vaapi'; wallMs?: number; signal?: AbortSignal; maxJobs?: number } = {},
): Promise<T> {
  const world = worldOf(options.name ?? 'cuda-nvenc', options.maxJobs === undefined ? {} : { maxJobs: options.maxJobs })
  const limits = { ...MEDIA_LIMITS, ...(options.wallMs ? { wallMs: options.wallMs } : {}) }
  const init = { ffmpegPath: world.fake.path, searchPath: '', scratchDir, limits, sandbox: 'limits' as const }
  return await withScratch(init, options.signal, async (run) => await work(world, run))
}

function worldOf(name: 'cuda-nvenc' | 'vaapi', limits: { maxJobs?: number } = {}) {
  const fake = fakeFfmpeg(name === 'vaapi' ? CARDS.vaapi : CARDS.nvidia)
  const failures: string[] = []
  const hardware = createHardware(
    {
      report: reportOf(name, fake.path, name === 'vaapi' ? '/dev/dri/renderD128' : undefined),
      ffmpegPath: fake.path,
      searchPath: '',
      // The stand-in for ffmpeg writes down what it was asked, which a sandbox would not let it.
      sandbox: 'limits',
      ...limits,
    },
    { onFailure: ({ backend, want, why, benched }) => failures.push(`${backend} ${want}${benched ? ' benched' : ''}: ${why}`) },
  )
  return { fake, hardware, failures, use: hardware.everyday('check') }
}

async function inputOf(path: string, run: DecodeRun): Promise<DecodeInput> {
  const { demuxed } = await openFile(path, run)
  if (!demuxed) throw new Error('no media')
  return { path, facts: demuxed.facts }
}

const own = () => rendition(movingSource(), RUNG)
/** All bytes of a decoding, short. */
const digests = (set: Awaited<ReturnType<typeof decodeSet>>) => {
  const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
  const pictures = (frames: Pictures = new Map()) =>
    [...frames.keys()].map((n) => `${n} ${hash(frames.get(n) ?? new Uint8Array())}`)
  return {
    trouble: set?.trouble,
    planes: [set?.source, ...(set?.renditions ?? []).map((r) => r.planes)].map(
      (p) => p && [p.frames, hash(p.data), [...p.timesMs]],
    ),
    close: set?.renditions.map((r) => [pictures(r.detail?.own), pictures(r.detail?.source), pictures(r.drawn?.frames)]),
  }
}
const bytesOf = (set: Awaited<ReturnType<typeof decodeSet>>) => [set?.source, ...(set?.renditions ?? []).map((r) => r.planes)]

describe('decoding with hardware', () => {
  it('gives the planes of software, opens the device once, and leaves drawn frames to software', async () => {
    await onCard(async ({ fake, use, hardware }, run) => {
      const source = await inputOf(movingSource(), run)
      const rung = { ...(await inputOf(own(), run)), detail: [3, 9] }
      const drawn = { ...rung, drawn: [4, 40] }
      const head = { ...source, detail: [3, 9] }
      const software = await decodeSet(head, [rung, drawn], run)
      expect(fake.deviceRuns()).toEqual([])
      const set = await decodeSet(head, [rung, drawn], run, use)
      expect(digests(set)).toEqual(digests(software))
      const [args, ...more] = fake.deviceRuns()
      expect(more).toEqual([])
      const inputs = args?.join(' ').split(' -i ') ?? []
      const cuda = '-hwaccel cuda -hwaccel_device hw -hwaccel_output_format cuda -threads 1 -err_detect'
      expect(inputs[0]).toContain(`-protocol_whitelist file -init_hw_device cuda=hw ${cuda}`)
      expect(inputs[1]).toContain(`-protocol_whitelist file ${cuda}`)
      expect(inputs[2]).toContain('-protocol_whitelist file -threads 1')
      expect(inputs[3]).toMatch(/\[0:v:0\]hwdownload,format=nv12,trim=end_frame=\d+,sidedata/)
      expect(inputs[3]).toMatch(/\[1:v:0\]hwdownload,format=nv12,trim=end_frame=\d+,sidedata/)
      expect(inputs[3]).toMatch(/\[2:v:0\]trim=end_frame=\d+,sidedata/)
      expect(hardware.counts()).toEqual([{ backend: 'cuda-nvenc', want: 'decode', jobs: 1, failures: 0, benched: false }])
    })
  })

  it.each([
    ['says-noCuda', 'ffmpeg gave up'],
    ['silent-software', 'ffmpeg gave up'],
    ['crash', 'crashes: ffmpeg was killed by a signal'],
    ['lost-frame', 'pictures were lost or complained about'],
    ['hang', 'hangs: ffmpeg was stopped after 1500 ms'],
  ] as const)('falls back once to software and counts it: %s', async (mode, why) => {
    await onCard(
      async ({ fake, use, failures, hardware }, run) => {
        const source = await inputOf(movingSource(), run)
        const rung = await inputOf(own(), run)
        fake.set(mode)
        const set = await decodeSet(source, [rung], run, use)
        expect(set?.trouble).toEqual([false, false])
        expect(bytesOf(set).map((planes) => planes?.frames)).toEqual([60, 60])
        expect(fake.deviceRuns().length).toBe(1)
        expect(failures).toEqual([`cuda-nvenc decode: ${why}`])
        expect(hardware.counts()).toMatchObject([{ jobs: 1, failures: 1, benched: false }])
      },
      // A quarter of it is the device's.
      mode === 'hang' ? { wallMs: 6_000 } : {},
    )
  })

  it('leaves the card to other work beyond its limit of jobs: what comes then is done in software', async () => {
    await onCard(
      async ({ fake, use, failures, hardware }, run) => {
        const source = await inputOf(movingSource(), run)
        const own = (name: string) => {
          const folder = join(run.folder, name)
          mkdirSync(folder)
          return { ...run, folder }
        }
        const sets = await Promise.all(['a', 'b', 'c'].map((name) => decodeSet(source, [], own(name), use)))
        expect(sets.map((set) => set?.source.frames)).toEqual([60, 60, 60])
        expect(fake.deviceRuns().length).toBe(1)
        expect(failures).toEqual([])
        await decodeSet(source, [], own('d'), use)
        expect(hardware.counts()).toMatchObject([{ jobs: 2, failures: 0 }])
      },
      { maxJobs: 1 },
    )
  })

  it('benches a backend after three failures in a row; a success between them clears it', async () => {
    await onCard(async ({ fake, use, failures, hardware }, run) => {
      const source = await inputOf(movingSource(), run)
      const runs = async (mode: Mode) => {
        fake.set(mode)
        await decodeSet(source, [], run, use)
        return fake.deviceRuns().length
      }
      for (const mode of ['says-noCuda', 'says-noCuda', 'good', 'says-noCuda', 'says-noCuda', 'says-noCuda'] as const)
        expect(await runs(mode)).toBe(1)
      expect(failures.map((text) => text.includes('benched'))).toEqual([false, false, false, false, true])
      expect(await runs('good')).toBe(0)
      expect(hardware.counts()).toMatchObject([{ want: 'decode', jobs: 6, failures: 5, benched: true }])
    })
  })

  it('does not hold a broken file against the card, and finds out in software who is to blame', async () => {
    await onCard(async ({ fake, use, failures, hardware }, run) => {
      const damaged = join(run.folder, 'damaged.ts')
      const bytes = readFileSync(movingSource())
      bytes.fill(0x55, 60_000, 62_000)
      writeFileSync(damaged, bytes)
      const source = await inputOf(movingSource(), run)
      const outcome = await decodeJob(source, [await inputOf(damaged, run), await inputOf(own(), run)], run, false, use)
      expect(outcome).toMatchObject({ sourceDecodes: true, decodes: [false, true], indices: [1] })
      expect(fake.deviceRuns().length).toBe(1)
      expect(failures).toEqual([])
      expect(hardware.counts()).toEqual([])
    })
  })

  it('leaves single pictures, small sizes and rare formats to software', async () => {
    await onCard(async ({ fake, use }, run) => {
      const source = await inputOf(movingSource(), run)
      await decodeSet({ ...source, firstPicture: demux(readFileSync(source.path)).firstPicture }, [], run, use)
      const small = await inputOf(rendition(movingSource(), { width: 160, height: 90, kbit: 100 }), run)
      await decodeSet(small, [], run, use)
      const tenBit = clip(
        'ts',
        '-i',
        movingSource(),
        '-an',
        '-c:v',
        'libx264',
        '-pix_fmt',
        'yuv420p10le',
        '-preset',
        'ultrafast',
        '-f',
        'mpegts',
      )
      await decodeSet(await inputOf(tenBit, run), [], run, use)
      expect(fake.deviceRuns()).toEqual([])
    })
  })

  it('hands full colour range to software without holding it against the card', async () => {
    await onCard(async ({ fake, use, failures, hardware }, run) => {
      fake.set('full-range')
      const source = await inputOf(movingSource(), run)
      const software = await decodeSet(source, [], run)
      expect(digests(await decodeSet(source, [], run, use))).toEqual(digests(software))
      expect(fake.deviceRuns().length).toBe(1)
      expect({ failures, counts: hardware.counts() }).toEqual({ failures: [], counts: [] })
    })
  })

  it('does not wait for a driver that outlives its own end', async () => {
    await onCard(async ({ fake }, run) => {
      const device = { wrap: wrapDevice, init: { ffmpeg: fake.path, searchPath: '' }, devices: [], wallMs: 1 }
      const stuck = withDevice(run, device, () => new Promise<never>(() => undefined))
      await expect(stuck).rejects.toMatchObject({ code: 'hardware-hangs', blame: 'ours' })
    })
  })

  it('may lie, and accuses nobody: what does not pass is judged again in software', async () => {
    const { fake, hardware } = worldOf('cuda-nvenc')
    fake.set('negative')
    const judge = createJudge({ scratchDir, maxJobs: 1, ffmpegPath: fake.path, hardware })
    const zero = (bytes: number) => `0x${'00'.repeat(bytes)}` as const
    // A drawn rendition is decoded in software, its source by the device: nothing can differ more.
    const draw = { beacon: zero(32), sampleId: zero(32), fisherman: zero(20) }
    const honest = { source: movingSource(), renditions: [{ path: own(), draw }], depth: 'check' } as const
    expect((await judge.judge(honest)).verdict).toBe('pass')
    expect(fake.deviceRuns().length).toBe(1)
  })

  it('is never asked for what is proven', async () => {
    await onCard(async ({ fake, use, hardware }, run) => {
      // @ts-expect-error there is no hardware for `prove`: the type does not have it
      hardware.everyday('prove')
      const source = await inputOf(movingSource(), run)
      const outcome = await decodeJob(source, [await inputOf(own(), run)], run, true, use)
      expect(outcome.decodes).toEqual([true])
      expect(fake.deviceRuns()).toEqual([])
    })
  })

  it('stops with its job', async () => {
    const stop = new AbortController()
    await onCard(
      async ({ fake, use, failures }, run) => {
        fake.set('hang')
        const source = await inputOf(movingSource(), run)
        const job = decodeSet(source, [], run, use)
        setTimeout(() => stop.abort(new Error('enough')), 300)
        await expect(job).rejects.toThrow('enough')
        expect(failures).toEqual([])
      },
      { signal: stop.signal },
    )
  })
})

const ffmpeg = requireFfmpeg('ffmpeg', '')
const locked = (await trySandbox({ ffmpeg, searchPath: '', devices: ['/dev/null'] })).level === 'bubblewrap'
it.skipIf(!locked)('a sandbox with a device shows what its driver reads, and one without shows nothing', async () => {
  const folder = mkdtempSync(join(scratchDir, 'sandbox-'))
  const sees = async (devices: string[]) => {
    const report = await trySandbox({ ffmpeg, searchPath: '', devices })
    const wrapper = await createWrapper({ ffmpeg: '/bin/sh', searchPath: '', devices }, report, folder, MEDIA_LIMITS)([])
    return spawnSync(wrapper, ['-c', 'ls -d /proc/self /sys/class'], { encoding: 'utf8' }).stdout
  }
  expect(await sees(['/dev/null'])).toBe('/proc/self\n/sys/class\n')
  expect(await sees([])).toBe('')
})

describe('controls by hardware', () => {
  const presets = ['medium', 'veryfast']
  const controls = async (
    { fake, use }: ReturnType<typeof worldOf>,
    run: DecodeRun,
    changes: Partial<Profile> = {},
    path = movingSource(),
  ) => {
    const source = await inputOf(path, run)
    const made = await encodeControls(source, { ...ORDER, ...changes }, { ...run, label: 'x', presets }, use)
    const facts = made.map((control) => demux(readFileSync(control.path)).facts)
    return { names: made.map(({ preset }) => preset), facts, runs: fake.deviceRuns(), made }
  }

  it('stand for all presets, at the size and rate that were ordered', async () => {
    await onCard(async (world, run) => {
      const plain = await controls(world, run)
      expect(plain.names).toEqual(['cuda-nvenc'])
      expect(plain.facts).toMatchObject([{ width: 256, height: 144, frames: 60, codec: 0 }])
      const timed = await controls(world, run, { fpsNum: 15, h264Profile: 3, gopMs: 1_000 })
      expect(timed.facts).toMatchObject([{ frames: 30 }])
      expect(timed.runs[0]?.join(' ')).toContain(
        '[0:v:0]scale_cuda=w=256:h=144:interp_algo=bicubic,fps=15/1[c0] -map [c0] -c:v h264_nvenc',
      )
      expect(timed.runs[0]?.join(' ')).toContain('-bf 3 -profile:v high -g 15 -f mpegts')
      const hevc = await controls(world, run, { codec: 1 })
      expect(hevc.facts).toMatchObject([{ codec: 1, frames: 60 }])
      expect(world.hardware.counts()).toEqual([{ backend: 'cuda-nvenc', want: 'encode', jobs: 3, failures: 0, benched: false }])
      expect(existsSync(plain.made[0]?.path ?? '')).toBe(true)
    })
  })

  it.each(['says-noNvenc', 'lost-frame'] as const)('are made in software where the card fails: %s', async (mode) => {
    await onCard(async (world, run) => {
      world.fake.set('good', mode)
      const { names, facts, runs } = await controls(world, run)
      expect(names).toEqual(presets)
      expect(facts.map(({ frames }) => frames)).toEqual([60, 60])
      expect(runs.length).toBe(1)
      const why = mode === 'lost-frame' ? 'made 59 pictures instead of 60' : 'No NVENC capable devices found'
      expect(world.failures).toEqual([`cuda-nvenc encode: ${why}`])
    })
  })

  it('are made in software where the order or the source is not for the card', async () => {
    await onCard(
      async (world, run) => {
        for (const changes of [{ quality: 23 }, { codec: 2 }]) expect((await controls(world, run, changes)).runs).toEqual([])
        const halfColour = clip(
          'ts',
          '-i',
          movingSource(),
          '-an',
          '-c:v',
          'libx264',
          '-pix_fmt',
          'yuv422p',
          '-preset',
          'ultrafast',
          '-f',
          'mpegts',
        )
        const { names, runs } = await controls(world, run, {}, halfColour)
        expect({ names, runs }).toEqual({ names: presets, runs: [] })
      },
      { name: 'vaapi' },
    )
  })
})
