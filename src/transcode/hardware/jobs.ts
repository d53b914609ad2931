import type { Profile } from '../../../proofs/types.ts'
import { EXACT, inputOptions } from '../decode.ts'
import type { FfmpegJob } from '../ffmpeg.ts'
import { outputSize } from '../size.ts'
import type { MediaFacts } from '../types.ts'
import { encoderOptions } from './encoders.ts'
import { type Backend, DEVICE_FORMAT, decoderOptions, FILTER_DEVICE, type Scaler } from './table.ts'
import type { ControlSource, DecodeWay, Via, VideoCodec } from './types.ts'

/** Pixels of a side that every decoder chip takes; smaller and larger pictures are left to software. */
const SIDE = { min: 144, max: 4096 } as const

export function codecOf(facts: Pick<MediaFacts, 'codec'>): VideoCodec | undefined {
  return facts.codec === 0 ? 'h264' : facts.codec === 1 ? 'hevc' : undefined
}

/** Codec of a file that a device may decode, or undefined: what is rare is where drivers err, and software does not. */
export function fitForDevice(facts: MediaFacts): VideoCodec | undefined {
  const plain = facts.chroma === 1 && facts.bitDepth === 8 && facts.progressive && facts.parameterSets === 1
  const sound = facts.oddities.length === 0 && facts.firstIsKey && facts.videoTracks === 1
  const sized = [facts.width, facts.height].every((side) => side >= SIDE.min && side <= SIDE.max)
  return plain && sound && sized ? codecOf(facts) : undefined
}

/** `first`: opens the device, which is done once a process. */
export function decodeWay(backend: Backend, node: string | undefined, codec: VideoCodec, first: boolean): DecodeWay {
  const options = [...(first ? backend.open(node) : []), ...decoderOptions(backend)]
  return { options, decoder: backend.decoders[codec], format: DEVICE_FORMAT }
}

/** One way for pictures to the encoder. */
export interface Route {
  via: Via
  scaler: Scaler
}

/** All routes that a build has, best first: pictures that stay on the device, then those that are brought there. */
export function routesOf(backend: Backend, filters: ReadonlySet<string>, decodes: boolean): Route[] {
  const there = backend.scalers.filter(({ filter }) => filters.has(filter))
  const hard = there.filter(({ soft }) => !soft)
  return [
    ...(decodes ? hard.map((scaler): Route => ({ via: 'device', scaler })) : []),
    ...hard.map((scaler): Route => ({ via: 'memory', scaler })),
    ...there.filter(({ soft }) => soft).map((scaler): Route => ({ via: 'memory', scaler })),
  ]
}

function filterOf(backend: Backend, { via, scaler }: Route, source: MediaFacts, profile: Profile): string {
  const size = outputSize(source, profile)
  const scale = scaler.graph(size.width, size.height)
  // After the scaling, as lpms does.
  const rate = profile.fpsNum > 0 ? [`fps=${profile.fpsNum}/${profile.fpsDen}`] : []
  if (via === 'device') return `[0:v:0]${[scale, ...rate].join(',')}[c0]`
  const up = backend.upload
  const chain = scaler.soft
    ? [scale, ...rate, 'format=nv12', ...(backend.encodesOnDevice ? [up] : [])]
    : ['format=nv12', up, scale, ...rate]
  return `sws_flags=bicubic+${EXACT};[0:v:0]${chain.join(',')}[c0]`
}

/** The job that makes a control with a device, or undefined where its encoder cannot do what was ordered. */
export function controlJob(
  source: ControlSource,
  profile: Profile,
  path: string,
  device: { backend: Backend; node: string | undefined; route: Route; codec: VideoCodec },
): FfmpegJob | undefined {
  const { backend, node, route, codec } = device
  const encoder = backend.encoders[codec]
  const options = encoderOptions(backend.name, codec, profile)
  const own = codecOf(source.facts)
  if (!encoder || !options || !own) return undefined
  // The filters' device must be open before it is named.
  const opened = [...backend.open(node), ...FILTER_DEVICE]
  const way = route.via === 'device' ? decodeWay(backend, node, own, false) : undefined
  const ahead = [...opened, ...inputOptions(source.facts, way)]
  const times = profile.fpsNum > 0 ? [] : ['-fps_mode', 'passthrough']
  return {
    inputs: [{ path: source.path, options: ahead }],
    filter: filterOf(backend, route, source.facts, profile),
    outputs: [{ path, options: ['-map', '[c0]', ...times, '-c:v', encoder, ...options, '-f', 'mpegts'] }],
  }
}
