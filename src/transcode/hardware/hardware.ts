import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Profile } from '../../../proofs/types.ts'
import type { DecodeRun } from '../decode.ts'
import { runFfmpeg } from '../ffmpeg.ts'
import { demux, readMedia } from '../probe.ts'
import type { SandboxMode } from '../sandbox.ts'
import { outputSize } from '../size.ts'
import { Bench, type HardwareCount } from './bench.ts'
import { type PlanState, planControl, planDecode } from './plan.ts'
import type { BackendName, Control, ControlSource, HardwareName, HardwareReport, HardwareUse, Want } from './types.ts'
import { whyOf, whyThrown } from './why.ts'
import { type WrapDevice, withDevice, wrapDevice } from './wrap.ts'

/** One failure may be a busy card, and so may two at once; three jobs in a row are a card that costs every job twice. */
const FAILURES_IN_A_ROW = 3
/** A device that needs a quarter of a job's time is no help, and software still has the rest. */
const WALL_SHARE = 0.25
/** Frame rate conversion may end a picture earlier or later. */
const RATE_TOLERANCE = 2

export interface HardwareInit {
  report: HardwareReport
  /** Absolute path; the one that the report is about. */
  ffmpegPath: string
  searchPath: string
  preference?: BackendName | undefined
  sandbox?: SandboxMode | undefined
  /** Failures in a row after which a backend is passed over until the next trial. */
  maxFailuresInARow?: number
  /** Jobs on devices at once; what comes beyond is done in software. No limit by default. */
  maxJobs?: number
  /** Niceness of ffmpeg, 0 to 19; default 0. */
  nice?: number | undefined
}

export interface HardwareDeps {
  wrap?: WrapDevice
  /** Told of each job that had to be done again in software. */
  onFailure?: (failure: { backend: HardwareName; want: Want; why: string; benched: boolean }) => void
}

export interface Hardware {
  report: HardwareReport
  /** For screens and checks only: what is proven is decoded and encoded in software, so `prove` has no place in the type. */
  everyday(depth: 'screen' | 'check'): HardwareUse
  counts(): HardwareCount[]
}

type Attempt<T> = { value: T } | { why: string; counts: boolean }

/** Hardware at run time: tried first, replaced once by software where it fails, counted, and benched when it keeps failing. */
export function createHardware(init: HardwareInit, deps: HardwareDeps = {}): Hardware {
  const { report, ffmpegPath, searchPath, preference } = init
  const bench = new Bench(init.maxFailuresInARow ?? FAILURES_IN_A_ROW)
  const wrap = deps.wrap ?? wrapDevice

  let running = 0
  const state = (): PlanState => ({ report, preference, benched: bench.benched() })
  const onDevice = async <T>(
    name: HardwareName,
    run: DecodeRun,
    work: (own: DecodeRun) => Promise<Attempt<T>>,
  ): Promise<Attempt<T>> => {
    const devices = report.backends.find((backend) => backend.name === name)?.devices ?? []
    const wallMs = Math.ceil(run.limits.wallMs * WALL_SHARE)
    running++
    try {
      return await withDevice(
        run,
        { wrap, init: { ffmpeg: ffmpegPath, searchPath, sandbox: init.sandbox, nice: init.nice }, devices, wallMs },
        work,
      )
    } catch (error) {
      run.signal?.throwIfAborted()
      return { why: whyThrown(error), counts: true }
    } finally {
      running--
    }
  }
  /** Other work of the device, an orchestrator's transcoding above all, keeps the rest of it. */
  const isFull = () => running >= (init.maxJobs ?? Number.POSITIVE_INFINITY)
  /** `sound`: software did what the device did not, so the file is not to blame. */
  const settle = <T>(backend: HardwareName, want: Want, attempt: Attempt<T>, sound: boolean): void => {
    if ('value' in attempt) bench.succeeded(backend, want)
    else if (attempt.counts && sound) {
      const benched = bench.failed(backend, want)
      deps.onFailure?.({ backend, want, why: attempt.why, benched })
    }
  }

  const decode: HardwareUse['decode'] = async (inputs, run, decodeWith) => {
    const plan = planDecode(inputs, state())
    if (!plan || isFull()) return await decodeWith(run, [])
    const attempt = await onDevice(plan.backend, run, async (own) => {
      const set = await decodeWith(own, plan.ways)
      if (!set) return { why: 'ffmpeg gave up', counts: true }
      if (set.fullRange) return { why: 'full colour range', counts: false }
      return set.trouble.some(Boolean) ? { why: 'pictures were lost or complained about', counts: true } : { value: set }
    })
    if ('value' in attempt) {
      settle(plan.backend, 'decode', attempt, true)
      return attempt.value
    }
    const set = await decodeWith(run, [])
    settle(plan.backend, 'decode', attempt, set !== undefined && !set.trouble.some(Boolean))
    return set
  }

  const control: HardwareUse['control'] = async (source, profile, run, software) => {
    const plan = planControl(source, profile, state())
    if (!plan || isFull()) return await software()
    const { name } = plan.backend
    const path = join(run.folder, `control-${run.label}-${name}.ts`)
    const attempt = await onDevice(name, run, async (own): Promise<Attempt<Control[]>> => {
      const made = join(own.folder, 'control.ts')
      const result = await runFfmpeg(own.wrapper, plan.job(made), { wallMs: own.limits.wallMs, signal: own.signal })
      if (!result.ok) return { why: whyOf(result.lines), counts: true }
      const wrong = await faultOf(made, source, profile, own)
      if (wrong) return { why: wrong, counts: true }
      await rename(made, path)
      return { value: [{ preset: name, path }] }
    })
    if ('value' in attempt) {
      settle(name, 'encode', attempt, true)
      return attempt.value
    }
    const controls = await software()
    settle(name, 'encode', attempt, true)
    return controls
  }

  return { report, everyday: () => ({ decode, control }), counts: () => bench.counts() }
}

/** What is wrong with a control that was encoded without a complaint, or undefined. */
async function faultOf(path: string, source: ControlSource, profile: Profile, run: DecodeRun): Promise<string | undefined> {
  const { facts } = demux(await readMedia(path, run.limits, run.signal))
  const size = outputSize(source.facts, profile)
  if (facts.width !== size.width || facts.height !== size.height) {
    return `made ${facts.width}x${facts.height} instead of ${size.width}x${size.height}`
  }
  const { frames, durationMs } = source.facts
  const wanted = profile.fpsNum > 0 ? Math.round((durationMs * profile.fpsNum) / (profile.fpsDen * 1000)) : frames
  const most = profile.fpsNum > 0 ? RATE_TOLERANCE : 0
  return Math.abs(facts.frames - wanted) > most ? `made ${facts.frames} pictures instead of ${wanted}` : undefined
}
