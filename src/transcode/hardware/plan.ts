import type { Profile } from '../../../proofs/types.ts'
import type { DecodeInput } from '../decode.ts'
import type { FfmpegJob } from '../ffmpeg.ts'
import { abilityOf, chooseBackend } from './choose.ts'
import { controlJob, decodeWay, fitForDevice } from './jobs.ts'
import { type Backend, backendOf } from './table.ts'
import type { BackendName, ControlSource, DecodeWay, HardwareName, HardwareReport, VideoCodec } from './types.ts'

export interface PlanState {
  report: HardwareReport
  preference: BackendName | undefined
  /** `name/want` of what is passed over. */
  benched: ReadonlySet<string>
}

const nodeOf = (report: HardwareReport, name: HardwareName): string | undefined =>
  report.backends.find((backend) => backend.name === name)?.node

/**
 * Ways of all inputs by one backend, or undefined where software does everything. One picture is decoded sooner than a card is
 * woken; and drawn pictures are fingerprinted, which is exact: they always come from software.
 */
export function planDecode(
  inputs: readonly DecodeInput[],
  { report, preference, benched }: PlanState,
): { backend: HardwareName; ways: (DecodeWay | undefined)[] } | undefined {
  const codecs = inputs.map((input) => (input.firstPicture || input.drawn?.length ? undefined : fitForDevice(input.facts)))
  const first = codecs.find((codec) => codec !== undefined)
  const backend = first ? chooseBackend(report, first, 'decode', preference, benched) : 'software'
  if (backend === 'software') return undefined
  let opened = false
  const ways = codecs.map((codec) => {
    if (!codec || abilityOf(report, backend, codec, 'decode')?.state !== 'trusted') return undefined
    const way = decodeWay(backendOf(backend), nodeOf(report, backend), codec, !opened)
    opened = true
    return way
  })
  return { backend, ways }
}

/** The job that makes a control with a device, or undefined where it is left to software. */
export function planControl(
  source: ControlSource,
  profile: Profile,
  { report, preference, benched }: PlanState,
): { backend: Backend; job: (path: string) => FfmpegJob } | undefined {
  const codec: VideoCodec | undefined = profile.codec === 0 ? 'h264' : profile.codec === 1 ? 'hevc' : undefined
  const own = fitForDevice(source.facts)
  if (!codec || !own) return undefined
  const name = chooseBackend(report, codec, 'encode', preference, benched)
  const ability = abilityOf(report, name, codec, 'encode')
  if (name === 'software' || ability?.state !== 'trusted') return undefined
  const backend = backendOf(name)
  const scaler = backend.scalers.find(({ filter }) => filter === ability.scaler)
  const via = ability.via ?? 'memory'
  if (!scaler || (via === 'device' && abilityOf(report, name, own, 'decode')?.state !== 'trusted')) return undefined
  const device = { backend, node: nodeOf(report, name), route: { via, scaler }, codec }
  const job = controlJob(source, profile, '', device)
  return job && { backend, job: (path) => ({ ...job, outputs: job.outputs.map((output) => ({ ...output, path })) }) }
}
