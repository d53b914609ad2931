import type { DecodeRun } from '../decode.ts'
import type { Build } from './build.ts'
import { routesOf } from './jobs.ts'
import { CODECS, type Material } from './material.ts'
import type { Backend } from './table.ts'
import { tryDecode, tryEncode } from './trial.ts'
import type { Ability, BackendReport, VideoCodec } from './types.ts'
import { whyThrown } from './why.ts'

export const unavailable = (why: string): Ability => ({ state: 'unavailable', why })

export const both = (make: (codec: VideoCodec) => Ability): Record<VideoCodec, Ability> => ({
  h264: make('h264'),
  hevc: make('hevc'),
})

export interface TrialEnvironment {
  build: Build
  material: Material
  /** For what is done in software. */
  run: DecodeRun
  /** Gives one step its wrapper, its folder and its time. */
  step(work: (own: DecodeRun) => Promise<Ability>): Promise<Ability>
  /** The same card decodes the same under its other name. */
  known: BackendReport | undefined
}

/** A step, until one hangs or crashes: after that nothing more is asked of the device. */
function stepper({ step, run }: TrialEnvironment): { step: TrialEnvironment['step']; isBroken: () => boolean } {
  let broken: string | undefined
  return {
    isBroken: () => broken !== undefined,
    step: async (work) => {
      if (broken) return unavailable(`not tried, since it ${broken}`)
      try {
        return await step(work)
      } catch (error) {
        run.signal?.throwIfAborted()
        broken = whyThrown(error)
        return unavailable(broken)
      }
    },
  }
}

type Device = { backend: Backend; node: string | undefined }

async function decodeAbility(
  device: Device,
  codec: VideoCodec,
  env: TrialEnvironment,
  step: TrialEnvironment['step'],
): Promise<Ability> {
  if (env.known) return env.known.decode[codec]
  const own = device.backend.decoders[codec]
  if (own && !env.build.decoders.has(own)) return unavailable(`this ffmpeg is built without ${own}`)
  const clip = env.material.clips[codec]
  if (typeof clip === 'string') return unavailable(clip)
  return await step((run) => tryDecode({ ...device, run }, codec, clip.clip, clip.pictures))
}

async function encodeAbility(
  device: Device,
  codec: VideoCodec,
  env: TrialEnvironment,
  { step, isBroken }: ReturnType<typeof stepper>,
  decodes: boolean,
): Promise<Ability> {
  const encoder = device.backend.encoders[codec]
  if (!encoder) return unavailable('decodes only')
  if (!env.build.encoders.has(encoder)) return unavailable(`this ffmpeg is built without ${encoder}`)
  const source = env.material.clips.h264
  const { encoded } = env.material
  if (typeof source === 'string') return unavailable(source)
  if (typeof encoded === 'string') return unavailable(encoded)
  // The best route's reason is the one to read.
  let first: Ability | undefined
  for (const route of routesOf(device.backend, env.build.filters, decodes)) {
    const found = await step((run) => tryEncode({ ...device, run, route, decodeRun: env.run }, codec, source.clip, encoded))
    if (found.state === 'trusted') return found
    first ??= found
    if (isBroken()) break
  }
  return first ?? unavailable('this ffmpeg has no scaler for it')
}

/** Tries all that one backend is said to do, on one device. */
export async function tryBackend(device: Device, env: TrialEnvironment): Promise<BackendReport> {
  const steps = stepper(env)
  const decode = both(() => unavailable(''))
  for (const codec of CODECS) decode[codec] = await decodeAbility(device, codec, env, steps.step)
  const decodes = decode.h264.state === 'trusted'
  const encode = both(() => unavailable(''))
  for (const codec of CODECS) encode[codec] = await encodeAbility(device, codec, env, steps, decodes)
  return { name: device.backend.name, node: device.node, devices: [], decode, encode }
}
