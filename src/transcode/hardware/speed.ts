import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../base/clock.ts'
import { encodeControls } from '../control.ts'
import type { DecodeRun } from '../decode.ts'
import { runFfmpeg } from '../ffmpeg.ts'
import { openWrapper } from '../sandbox.ts'
import { MEDIA_LIMITS } from '../types.ts'
import { decodeClip, makeClip } from './clip.ts'
import { decodeWay } from './jobs.ts'
import { planControl } from './plan.ts'
import type { ProbeDeps, ProbeInit } from './probe.ts'
import { backendOf } from './table.ts'
import { trialProfile } from './trial.ts'
import type { BackendReport, ControlSource, HardwareName, HardwareReport } from './types.ts'
import { type DeviceRun, withDevice, wrapDevice } from './wrap.ts'

/** Pictures of the longer clip; the shorter one is the self-test's. What both cost, starting included, is taken off. */
const LONG = 180

/** How many times as fast as software, starting not counted; undefined where it is not trusted or too quick to tell. */
export interface Speed {
  decode: number | undefined
  encode: number | undefined
}

type Work = (clip: ControlSource) => Promise<unknown>

/** Measures every trusted backend on the self-test card. For people: nothing is decided by it. */
export async function measureSpeed(
  report: HardwareReport,
  init: ProbeInit,
  deps: ProbeDeps & { clock?: Clock } = {},
  signal?: AbortSignal,
): Promise<Partial<Record<HardwareName, Speed>>> {
  const { wrap = wrapDevice, clock = systemClock } = deps
  const useful = report.backends.filter(({ decode, encode }) =>
    [decode.h264, encode.h264].some(({ state }) => state === 'trusted'),
  )
  if (useful.length === 0) return {}
  await mkdir(init.scratchDir, { recursive: true })
  const folder = await mkdtemp(join(init.scratchDir, 'speed-'))
  try {
    const limits = { ...MEDIA_LIMITS, ...init.limits, wallMs: init.stepMs ?? 60_000 }
    const sandbox = { ffmpeg: report.ffmpeg.path, searchPath: init.searchPath, sandbox: init.sandbox }
    const wrapper = await openWrapper(sandbox, folder, limits)
    const run: DecodeRun = { wrapper, folder, limits, signal }
    const [short, long] = [await makeClip('h264', run), await makeClip('h264', run, LONG)]
    if ('why' in short || 'why' in long) return {}
    const extraMs = async (work: Work): Promise<number> => {
      const times: number[] = []
      for (const clip of [short, long]) {
        const start = clock.monotonicMs()
        await work(clip)
        times.push(clock.monotonicMs() - start)
      }
      return (times[1] ?? 0) - (times[0] ?? 0)
    }
    const ratio = async (software: number, work: Work | undefined): Promise<number | undefined> => {
      const ms = work ? await extraMs(work).catch(() => 0) : 0
      signal?.throwIfAborted()
      return ms > 0 && software > 0 ? software / ms : undefined
    }
    const profile = trialProfile('h264')
    const softwareDecode = await extraMs((clip) => decodeClip(clip, run))
    const softwareEncode = await extraMs((clip) => encodeControls(clip, profile, { ...run, label: 'speed', presets: ['medium'] }))
    const found: Partial<Record<HardwareName, Speed>> = {}
    for (const backend of useful) {
      const device = {
        wrap,
        init: sandbox,
        devices: backend.devices,
        wallMs: limits.wallMs,
      }
      found[backend.name] = {
        decode: await ratio(softwareDecode, decoding(backend, run, device)),
        encode: await ratio(softwareEncode, encoding(backend, report, run, device)),
      }
    }
    return found
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}

function decoding(backend: BackendReport, run: DecodeRun, device: DeviceRun): Work | undefined {
  if (backend.decode.h264.state !== 'trusted') return undefined
  const way = decodeWay(backendOf(backend.name), backend.node, 'h264', true)
  return async (clip) =>
    await withDevice(run, device, async (own) => {
      const made = await decodeClip(clip, own, way)
      if ('why' in made) throw new Error(made.why)
    })
}

function encoding(backend: BackendReport, report: HardwareReport, run: DecodeRun, device: DeviceRun): Work | undefined {
  const only = { ...report, backends: [backend] }
  return backend.encode.h264.state !== 'trusted'
    ? undefined
    : async (clip) => {
        const plan = planControl(clip, trialProfile('h264'), { report: only, preference: undefined, benched: new Set() })
        if (!plan) throw new Error('no job')
        await withDevice(run, device, async (own) => {
          const result = await runFfmpeg(own.wrapper, plan.job(join(own.folder, 'speed.ts')), {
            wallMs: own.limits.wallMs,
            signal: own.signal,
          })
          if (!result.ok) throw new Error('failed')
        })
      }
}
