import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DecodeRun } from '../decode.ts'
import { openWrapper, requireFfmpeg, type SandboxMode } from '../sandbox.ts'
import { MEDIA_LIMITS, type MediaLimits } from '../types.ts'
import { both, type TrialEnvironment, tryBackend, unavailable } from './backend-trial.ts'
import { type Build, readBuild, versionOf } from './build.ts'
import { trustedIn } from './choose.ts'
import { candidates, type Machine, missingDevice, thisMachine } from './devices.ts'
import { prepareMaterial } from './material.ts'
import { BACKENDS, type Backend, TABLE_VERSION } from './table.ts'
import type { Ability, BackendReport, HardwareReport } from './types.ts'
import { type WrapDevice, withDevice, wrapDevice } from './wrap.ts'

/** A cold NVIDIA driver needs some seconds to wake, every other step of a trial less than one. */
const STEP_MS = 20_000

export interface ProbeInit {
  /** Name or path of ffmpeg. */
  ffmpegPath: string
  searchPath: string
  scratchDir: string
  limits?: Partial<MediaLimits>
  /** Milliseconds for each step of a trial. */
  stepMs?: number
  sandbox?: SandboxMode | undefined
}

export interface ProbeDeps {
  machine?: Machine
  wrap?: WrapDevice
}

/** What a build lacks for a backend as a whole; undefined where a trial must tell. */
function missingInBuild(backend: Backend, build: Build): Ability | undefined {
  if (!build.accels.has(backend.accel)) return unavailable(`this ffmpeg is built without ${backend.accel}`)
  const encoders = Object.values(backend.encoders)
  if (backend.needsEncoder && !encoders.some((name) => build.encoders.has(name))) {
    return unavailable(`this ffmpeg is built without ${encoders.join(' and ')}`)
  }
  return undefined
}

function refused({ name }: { name: BackendReport['name'] }, why: Ability): BackendReport {
  return { name, devices: [], decode: both(() => why), encode: both(() => why) }
}

/** An NVIDIA card is one of two: with an encoder, or for decoding only. */
function oneOfTwo(reports: readonly BackendReport[]): BackendReport[] {
  const whole = reports.find(({ name }) => name === 'cuda-nvenc')
  const only = reports.find(({ name }) => name === 'cuda-decode')
  if (!whole || !only) return [...reports]
  const encodes = trustedIn(whole.encode) > 0
  const { why = '' } = whole.encode.h264 as { why?: string }
  return reports.map((report) => {
    if (report === only && encodes)
      return refused(only, { state: 'absent', why: 'the card encodes too: it is used as cuda-nvenc' })
    if (report !== whole || encodes) return report
    if (trustedIn(only.decode) > 0) return refused(whole, { state: 'absent', why: `the card only decodes: ${why}` })
    return { ...whole, decode: both(() => unavailable(`no encoder: ${why}`)) }
  })
}

/** Tries each device that a backend may use and keeps the one that can do most. */
async function bestOf(backend: Backend, machine: Machine, env: TrialEnvironment): Promise<BackendReport> {
  let best: BackendReport | undefined
  const score = (report: BackendReport): number => trustedIn(report.decode) + trustedIn(report.encode)
  for (const node of candidates(backend, machine)) {
    const found = await tryBackend({ backend, node }, env)
    if (!best || score(found) > score(best)) best = found
  }
  return best ? { ...best, devices: machine.nodes(backend.devices) } : refused(backend, unavailable('no device to try'))
}

/** Tries every backend for real: decode, scale and encode of a self-test clip. What the build or the machine lacks is said at once. */
export async function probeHardware(init: ProbeInit, deps: ProbeDeps = {}, signal?: AbortSignal): Promise<HardwareReport> {
  const { machine = thisMachine, wrap = wrapDevice } = deps
  const wallMs = init.stepMs ?? STEP_MS
  const ffmpeg = requireFfmpeg(init.ffmpegPath, init.searchPath)
  const reportOf = (version: string, backends: BackendReport[]): HardwareReport => ({
    tableVersion: TABLE_VERSION,
    ffmpeg: { path: ffmpeg, version },
    backends,
  })
  const refuseAll = (version: string, whys: readonly (Ability | undefined)[]): HardwareReport =>
    reportOf(
      version,
      BACKENDS.map((backend, i) => refused(backend, whys[i] ?? unavailable(''))),
    )
  const missing = BACKENDS.map((backend) => missingDevice(backend, machine))
  // Most machines have no device at all, and need not be asked what their ffmpeg could do with one.
  if (missing.every((why) => why !== undefined)) return refuseAll(await versionOf(ffmpeg), missing)
  const build = await readBuild(ffmpeg)
  const refusals = BACKENDS.map((backend, i) => missing[i] ?? missingInBuild(backend, build))
  if (refusals.every((why) => why !== undefined)) return refuseAll(build.version, refusals)
  await mkdir(init.scratchDir, { recursive: true })
  const folder = await mkdtemp(join(init.scratchDir, 'trial-'))
  try {
    const limits = { ...MEDIA_LIMITS, ...init.limits, wallMs }
    const sandbox = { ffmpeg, searchPath: init.searchPath, sandbox: init.sandbox }
    const wrapper = await openWrapper(sandbox, folder, limits)
    const run: DecodeRun = { wrapper, folder, limits, signal }
    const material = await prepareMaterial(build, run)
    const reports: BackendReport[] = []
    for (const [i, backend] of BACKENDS.entries()) {
      const why = refusals[i]
      const devices = machine.nodes(backend.devices)
      const device = { wrap, init: sandbox, devices, wallMs }
      const step: TrialEnvironment['step'] = async (work) => await withDevice(run, device, work)
      const known = backend.name === 'cuda-decode' && refusals[i - 1] === undefined ? reports[i - 1] : undefined
      reports.push(
        why === undefined ? await bestOf(backend, machine, { build, material, run, step, known }) : refused(backend, why),
      )
    }
    return reportOf(build.version, oneOfTwo(reports))
  } finally {
    // What a stuck driver still holds must not make a finished trial fail.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}
