import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Profile } from '../../proofs/types.ts'
import { hardwareReport } from '../../src/transcode/hardware/cache.ts'
import { chooseBackend } from '../../src/transcode/hardware/choose.ts'
import { encoderOptions } from '../../src/transcode/hardware/encoders.ts'
import { routesOf } from '../../src/transcode/hardware/jobs.ts'
import { probeHardware } from '../../src/transcode/hardware/probe.ts'
import { BACKENDS } from '../../src/transcode/hardware/table.ts'
import type { Ability, BackendName, HardwareReport } from '../../src/transcode/hardware/types.ts'
import { whyOf } from '../../src/transcode/hardware/why.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { CARDS, DRIVER_SAYS, type FakeInit, fakeFfmpeg, type Mode, machineWith } from './fake-ffmpeg.ts'

const folder = scratchFolder('hardware')
const NVIDIA = machineWith(['/dev/nvidia0', '/dev/nvidiactl'])
const RENDER = machineWith(['/dev/dri/renderD128'])
const init = (ffmpegPath: string, stepMs = 20_000) => ({
  ffmpegPath,
  searchPath: '',
  scratchDir: join(folder, 'scratch'),
  stepMs,
  // The stand-in for ffmpeg writes down what it was asked, which a sandbox would not let it.
  sandbox: 'limits' as const,
})

async function probe(card: FakeInit, machine = NVIDIA, modes: [decode: Mode, encode?: Mode] = ['good'], stepMs?: number) {
  const fake = fakeFfmpeg(card)
  fake.set(...modes)
  const report = await probeHardware(init(fake.path, stepMs), { machine })
  return { report, runs: fake.deviceRuns().map(plain) }
}

const backend = (report: HardwareReport, name: BackendName) => {
  const found = report.backends.find((b) => b.name === name)
  if (!found) throw new Error(`no ${name}`)
  return found
}
const whys = (abilities: Record<string, Ability>) =>
  Object.values(abilities).map((ability) => ('why' in ability ? `${ability.state}: ${ability.why}` : ability.state))

/** Arguments without what is the same in every run, and without folders. */
function plain(args: readonly string[]): string {
  return args
    .map((arg) => arg.replace(/^(file:)?\/.*\/([^/]+)$/, '$1$2'))
    .join(' ')
    .replace('-hide_banner -nostdin -loglevel repeat+level+info -filter_complex_threads 1 ', '')
}

const strict = (decoder: string): string =>
  `-threads 1 -err_detect crccheck+bitstream+buffer+explode -codec:v ${decoder} -max_pixels 16777216 -noautorotate -f mpegts -i`
const STRICT = strict('h264')
const GRAPH =
  'sws_flags=area+accurate_rnd+bitexact;[0:v:0]hwdownload,format=nv12,trim=end_frame=37,sidedata=mode=delete,' +
  'showinfo@track0=checksum=0,format=yuv420p,split=2[p][n];[p]scale=64:64:flags=area+accurate_rnd+bitexact,format=yuv444p[o0];[n]format=yuv420p[o1]'
const RAW = '-fps_mode passthrough -f rawvideo'
const PLANES = `-y -filter_complex ${GRAPH} -map [o0] ${RAW} planes -map [o1] ${RAW} native`
const RATE = '-b:v 800000 -maxrate 800000 -bufsize 800000'

describe('trying hardware', () => {
  it('asks nothing of a machine without devices, and says so', async () => {
    const fake = fakeFfmpeg({ ...CARDS.nvidia, accels: ['cuda', 'vaapi', 'qsv'] })
    const report = await probeHardware(init(fake.path), { machine: machineWith([]) })
    expect(report.backends.map(({ name }) => name)).toEqual(['cuda-nvenc', 'cuda-decode', 'vaapi', 'qsv', 'videotoolbox'])
    for (const { decode, encode, devices } of report.backends) {
      for (const why of [...whys(decode), ...whys(encode)])
        expect(why).toMatch(/^absent: (no such device here|only macOS has it)/)
      expect(devices).toEqual([])
    }
    expect(existsSync(join(folder, 'scratch'))).toBe(false)
    expect(fake.deviceRuns()).toEqual([])
  })

  it('ends with this machine too, whatever it has', async () => {
    const report = await probeHardware(init('ffmpeg'))
    expect(report.ffmpeg.version).toMatch(/^ffmpeg version /)
    for (const { decode, encode } of report.backends) {
      for (const ability of [...Object.values(decode), ...Object.values(encode)]) {
        if ('why' in ability) expect(ability.why).not.toBe('')
      }
    }
  })

  it('trusts an NVIDIA card after four runs with exactly these options', async () => {
    const { report, runs } = await probe({ ...CARDS.nvidia, hevc: true })
    const nvenc = backend(report, 'cuda-nvenc')
    expect(nvenc.decode).toEqual({ h264: { state: 'trusted' }, hevc: { state: 'trusted' } })
    const encodes = { state: 'trusted', via: 'device', scaler: 'scale_cuda' }
    expect(nvenc.encode).toEqual({ h264: encodes, hevc: encodes })
    expect(nvenc.devices).toEqual(['/dev/nvidia0', '/dev/nvidiactl'])
    expect(whys(backend(report, 'cuda-decode').decode)[0]).toBe('absent: the card encodes too: it is used as cuda-nvenc')
    const cuda = '-hwaccel cuda -hwaccel_device hw -hwaccel_output_format cuda'
    const control = `-protocol_whitelist file -init_hw_device cuda=hw -filter_hw_device hw ${cuda} ${STRICT} file:self-test-h264.ts -y`
    const scaled = '-filter_complex [0:v:0]scale_cuda=w=256:h=144:interp_algo=bicubic[c0] -map [c0] -fps_mode passthrough'
    const lpms = `-preset medium -forced-idr 1`
    expect(runs).toEqual([
      `-protocol_whitelist file -init_hw_device cuda=hw ${cuda} ${STRICT} file:self-test-h264.ts ${PLANES}`,
      `-protocol_whitelist file -init_hw_device cuda=hw ${cuda} ${strict('hevc')} file:self-test-hevc.ts ${PLANES}`,
      `${control} ${scaled} -c:v h264_nvenc ${lpms} ${RATE} -minrate 800000 -bf 0 -f mpegts encoded.ts`,
      `${control} ${scaled} -c:v hevc_nvenc ${lpms} -tier high ${RATE} -minrate 800000 -bf 0 -f mpegts encoded.ts`,
    ])
  })

  it('scales with npp where the build has it, with the other where not, and in memory where it has neither', () => {
    const [nvenc] = BACKENDS
    if (!nvenc) throw new Error('no backends')
    const routes = (filters: string[], decodes: boolean) =>
      routesOf(nvenc, new Set(['scale', ...filters]), decodes).map(({ via, scaler }) => `${scaler.graph(640, 360)} from ${via}`)
    expect(routes(['scale_npp', 'scale_cuda'], true)).toEqual([
      'scale_npp=w=640:h=360:interp_algo=super from device',
      'scale_cuda=w=640:h=360:interp_algo=bicubic from device',
      'scale_npp=w=640:h=360:interp_algo=super from memory',
      'scale_cuda=w=640:h=360:interp_algo=bicubic from memory',
      'scale=640:360:flags=bicubic+accurate_rnd+bitexact from memory',
    ])
    expect(routes([], true)).toEqual(['scale=640:360:flags=bicubic+accurate_rnd+bitexact from memory'])
    expect(routes(['scale_cuda'], false).length).toBe(2)
  })

  it('tries each render node that it may use', async () => {
    const machine = machineWith(['/dev/dri/renderD128', '/dev/dri/renderD129'], ['/dev/dri/renderD128'])
    const { report, runs } = await probe({ ...CARDS.vaapi, encoders: ['h264_vaapi'] }, machine)
    expect(backend(report, 'vaapi').decode.hevc).toEqual({
      state: 'unavailable',
      why: 'no self-test clip: this ffmpeg is built without libx265',
    })
    expect(backend(report, 'vaapi')).toMatchObject({ node: '/dev/dri/renderD129', decode: { h264: { state: 'trusted' } } })
    const vaapi = '-hwaccel vaapi -hwaccel_device hw -hwaccel_output_format vaapi'
    const open = '-protocol_whitelist file -init_hw_device vaapi=hw:/dev/dri/renderD129'
    expect(runs).toEqual([
      `${open} ${vaapi} ${STRICT} file:self-test-h264.ts ${PLANES}`,
      `${open} -filter_hw_device hw ${vaapi} ${STRICT} file:self-test-h264.ts -y -filter_complex ` +
        '[0:v:0]scale_vaapi=w=256:h=144:mode=hq:format=nv12:extra_hw_frames=8[c0] -map [c0] -fps_mode passthrough ' +
        `-c:v h264_vaapi ${RATE} -bf 0 -f mpegts encoded.ts`,
    ])
    const none = await probe(CARDS.vaapi, machineWith(['/dev/dri/renderD128'], ['/dev/dri/renderD128']))
    expect(whys(backend(none.report, 'vaapi').decode)[0]).toBe('unavailable: no permission to use /dev/dri/renderD128')
  })

  it('opens Quick Sync over a render node, with its own decoder', async () => {
    const { report, runs } = await probe({ ...CARDS.intel, encoders: ['h264_qsv'] }, RENDER)
    expect(backend(report, 'qsv').encode.h264).toEqual({ state: 'trusted', via: 'device', scaler: 'vpp_qsv' })
    const open = '-init_hw_device vaapi=va:/dev/dri/renderD128 -init_hw_device qsv=hw@va'
    const qsv = '-hwaccel qsv -hwaccel_device hw -hwaccel_output_format qsv'
    expect(runs[0]).toBe(`-protocol_whitelist file ${open} ${qsv} ${strict('h264_qsv')} file:self-test-h264.ts ${PLANES}`)
    expect(runs[1]).toBe(
      `-protocol_whitelist file ${open} -filter_hw_device hw ${qsv} ${strict('h264_qsv')} file:self-test-h264.ts -y -filter_complex ` +
        '[0:v:0]vpp_qsv=w=256:h=144:format=nv12:extra_hw_frames=8[c0] -map [c0] -fps_mode passthrough ' +
        `-c:v h264_qsv -preset medium -forced_idr 1 ${RATE} -bf 0 -f mpegts encoded.ts`,
    )
  })

  it('scales in memory for VideoToolbox where the build has no scaler for it', async () => {
    const { report, runs } = await probe({ ...CARDS.apple, encoders: ['h264_videotoolbox'] }, machineWith([], [], 'darwin'))
    expect(backend(report, 'videotoolbox').encode.h264).toEqual({ state: 'trusted', via: 'memory', scaler: 'scale' })
    expect(runs[0]).toContain(
      '-init_hw_device videotoolbox=hw -hwaccel videotoolbox -hwaccel_device hw -hwaccel_output_format videotoolbox_vld -threads',
    )
    expect(runs[1]).toBe(
      `-protocol_whitelist file -init_hw_device videotoolbox=hw -filter_hw_device hw ${STRICT} file:self-test-h264.ts -y ` +
        '-filter_complex sws_flags=bicubic+accurate_rnd+bitexact;[0:v:0]scale=256:144:flags=bicubic+accurate_rnd+bitexact,format=nv12[c0] ' +
        `-map [c0] -fps_mode passthrough -c:v h264_videotoolbox -realtime 0 -allow_sw 0 ${RATE} -bf 0 -f mpegts encoded.ts`,
    )
  })

  it('uses a card without an encoder for decoding', async () => {
    const { report } = await probe(CARDS.nvidia, NVIDIA, ['good', 'says-noNvenc'])
    expect(whys(backend(report, 'cuda-nvenc').decode)[0]).toBe('absent: the card only decodes: No NVENC capable devices found')
    expect(backend(report, 'cuda-decode').decode.h264).toEqual({ state: 'trusted' })
    expect(chooseBackend(report, 'h264', 'decode')).toBe('cuda-decode')
    expect(chooseBackend(report, 'h264', 'encode')).toBe('software')
  })

  it('does not trust pictures that are not those of software, nor a device that drops one', async () => {
    const { report } = await probe({ ...CARDS.nvidia, encoders: ['h264_nvenc'] }, NVIDIA, ['wrong-planes'])
    const { decode, encode } = backend(report, 'cuda-nvenc')
    expect(decode.h264.state).toBe('unavailable')
    expect(whys(backend(report, 'cuda-decode').decode)[0]).toMatch(
      /^differs: picture 0 is not that of software \(mean [56]\.\d\d levels of luma/,
    )
    expect(whys(encode)[0]).toMatch(/^differs: mean [56]\.\d\d levels of luma and [\d.]+ of colour off \(limits 3 and 5\)$/)
    const lost = await probe({ ...CARDS.vaapi, encoders: ['h264_vaapi'] }, RENDER, ['lost-frame', 'good'])
    expect(whys(backend(lost.report, 'vaapi').decode)[0]).toBe('differs: 35 pictures instead of 36')
    expect(backend(lost.report, 'vaapi').encode.h264).toEqual({ state: 'trusted', via: 'memory', scaler: 'scale_vaapi' })
  })

  it.each([
    ['says-noVaapi', CARDS.vaapi, RENDER, 'vaapi', 'Failed to initialise VAAPI connection: -1 (unknown libva error).'],
    ['silent-software', { ...CARDS.nvidia, encoders: [] }, NVIDIA, 'cuda-decode', /^Impossible to convert between the formats/],
    ['crash', CARDS.vaapi, RENDER, 'vaapi', 'crashes: ffmpeg was killed by a signal'],
    ['hang', CARDS.vaapi, RENDER, 'vaapi', 'hangs: ffmpeg was stopped after 1500 ms'],
  ] as const)('says why a device does not work: %s', async (mode, card, machine, name, why) => {
    const { report, runs } = await probe(card, machine, [mode], mode === 'hang' ? 1_500 : undefined)
    const found = backend(report, name).decode.h264
    expect(found).toMatchObject({ state: 'unavailable', why: typeof why === 'string' ? why : expect.stringMatching(why) })
    if (mode !== 'crash' && mode !== 'hang') return
    // One such step is enough: a broken driver is left alone.
    expect(runs.length).toBe(1)
    expect(whys(backend(report, name).encode)[0]).toBe(`unavailable: not tried, since it ${why}`)
  })

  it('finds the telling line in a log', () => {
    expect(whyOf(['[info] Stream mapping:', '[error] Device creation failed: -542398533.'])).toBe(
      'Device creation failed: -542398533.',
    )
    expect(whyOf(DRIVER_SAYS.noCuda)).toBe('Cannot load libcuda.so.1')
    expect(whyOf(DRIVER_SAYS.noNvenc)).toBe('No NVENC capable devices found')
    expect(whyOf(DRIVER_SAYS.noMfx)).toBe('Error initializing an internal MFX session: unsupported (-3)')
    expect(whyOf([])).toBe('ffmpeg gave no reason')
  })
})

describe('the kept report', () => {
  const cacheFile = join(folder, 'cache', 'hardware.json')

  it('is used while it is about the same ffmpeg and the same devices, and never when damaged', async () => {
    const fake = fakeFfmpeg(CARDS.vaapi)
    let nowMs = 1_800_000_000_000
    const clock = { nowMs: () => nowMs, monotonicMs: () => 0 }
    const first = await probeHardware(init(fake.path), { machine: RENDER })
    const ask = async (refresh = false, machine = NVIDIA) => {
      let trials = 0
      const trial = async () => {
        trials++
        return first
      }
      const deps = { machine, clock, probe: trial }
      const { cached, report } = await hardwareReport({ ...init(fake.path), cacheFile, refresh }, deps)
      expect(report).toEqual(first)
      return { cached, trials }
    }
    const tried = { cached: false, trials: 1 }
    const kept = { cached: true, trials: 0 }
    expect(await ask()).toEqual(tried)
    expect(await ask()).toEqual(kept)
    expect(await ask(true)).toEqual(tried)
    for (const damage of ['', '{', '{"key":1}', '[]', readFileSync(cacheFile, 'utf8').replace('"trusted"', '"fine"')]) {
      writeFileSync(cacheFile, damage)
      expect(await ask()).toEqual(tried)
    }
    expect(await ask(false, machineWith(['/dev/nvidia0', '/dev/nvidia1']))).toEqual(tried)
    expect(await ask()).toEqual(tried)
    utimesSync(fake.path, new Date(1e12), new Date(1e12))
    expect(await ask()).toEqual(tried)
    nowMs += 23 * 3_600_000
    expect(await ask()).toEqual(kept)
    nowMs += 2 * 3_600_000
    expect(await ask()).toEqual(tried)
    nowMs -= 3_600_000
    expect(await ask()).toEqual(tried)
    rmSync(cacheFile)
    expect(await ask()).toEqual(tried)
  })

  it('that cannot be kept is no reason to fail', async () => {
    const fake = fakeFfmpeg(CARDS.vaapi)
    const file = join(folder, 'not-a-folder')
    writeFileSync(file, '')
    const { report } = await hardwareReport({ ...init(fake.path), cacheFile: join(file, 'x.json') }, { machine: machineWith([]) })
    expect(report.backends.length).toBe(5)
  })
})

describe('the choice', () => {
  const good: Ability = { state: 'trusted' }
  const bad: Ability = { state: 'unavailable', why: 'x' }
  const report = (entries: Partial<Record<BackendName, string>>): HardwareReport => ({
    tableVersion: 1,
    ffmpeg: { path: '', version: '' },
    backends: Object.entries(entries).map(([name, can]) => ({
      name: name as 'vaapi',
      devices: [],
      decode: { h264: can?.includes('d') ? good : bad, hevc: can?.includes('D') ? good : bad },
      encode: { h264: can?.includes('e') ? good : bad, hevc: can?.includes('E') ? good : { state: 'differs', why: 'x' } },
    })),
  })

  it('takes the first that is trusted for just this, else software', () => {
    const all = report({ 'cuda-nvenc': 'de', vaapi: 'dDeE', qsv: 'dDeE', videotoolbox: 'dDeE' })
    expect(chooseBackend(all, 'h264', 'decode')).toBe('cuda-nvenc')
    expect(chooseBackend(all, 'hevc', 'encode')).toBe('vaapi')
    expect(chooseBackend(report({ 'cuda-decode': 'dD', qsv: 'e' }), 'h264', 'encode')).toBe('qsv')
    expect(chooseBackend(report({ vaapi: 'd' }), 'h264', 'encode')).toBe('software')
    expect(chooseBackend(undefined, 'h264', 'decode')).toBe('software')
  })

  it('follows a preference that is trusted, and passes over what is benched', () => {
    const two = report({ 'cuda-nvenc': 'de', vaapi: 'de', qsv: 'D' })
    expect(chooseBackend(two, 'h264', 'decode', 'vaapi')).toBe('vaapi')
    expect(chooseBackend(two, 'h264', 'decode', 'qsv')).toBe('cuda-nvenc')
    expect(chooseBackend(two, 'h264', 'decode', 'software')).toBe('software')
    const benched = new Set(['cuda-nvenc/decode'])
    expect(chooseBackend(two, 'h264', 'decode', undefined, benched)).toBe('vaapi')
    expect(chooseBackend(two, 'h264', 'encode', undefined, benched)).toBe('cuda-nvenc')
  })
})

describe('encoder options', () => {
  const order: Profile = {
    width: 640,
    height: 360,
    bitrate: 800_000,
    fpsNum: 0,
    fpsDen: 1,
    codec: 0,
    h264Profile: 0,
    gopMs: 0,
    container: 0,
    quality: 0,
  }
  const nvenc = (changes: Partial<Profile>) =>
    encoderOptions('cuda-nvenc', 'h264', { ...order, ...changes })
      ?.slice(4)
      .join(' ')

  it('are those of lpms for NVIDIA', () => {
    const rate = `-b:v 800000 -maxrate 800000 -bufsize 800000 -minrate 800000`
    expect(nvenc({})).toBe(`${rate} -bf 0`)
    expect(nvenc({ h264Profile: 1 })).toBe(`${rate} -bf 0 -profile:v baseline`)
    expect(nvenc({ h264Profile: 4, gopMs: 2_000 })).toBe(`${rate} -bf 0 -profile:v high -force_key_frames expr:gte(t,n_forced*2)`)
    // B frames need a frame rate; the denominator is forgotten, as lpms does.
    expect(nvenc({ h264Profile: 3 })).toBe(`${rate} -bf 0 -profile:v high`)
    expect(nvenc({ h264Profile: 2, fpsNum: 30_000, fpsDen: 1001, gopMs: 2_000 })).toBe(`${rate} -bf 3 -profile:v main -g 60000`)
    expect(nvenc({ gopMs: -1 })).toBe(`${rate} -bf 0 -g 0`)
    expect(nvenc({ quality: 23 })).toBe(`${rate} -cq 30 -bf 0`)
    expect(nvenc({ quality: 63 })).toBe(`${rate} -cq 51 -bf 0`)
  })

  it('leave to software what an encoder cannot say', () => {
    expect(encoderOptions('vaapi', 'h264', { ...order, quality: 23 })).toBeUndefined()
    expect(encoderOptions('vaapi', 'h264', { ...order, h264Profile: 1 })?.slice(-2)).toEqual([
      '-profile:v',
      'constrained_baseline',
    ])
    expect(encoderOptions('videotoolbox', 'h264', { ...order, gopMs: -1 })?.slice(-2)).toEqual(['-g', '1'])
  })
})
