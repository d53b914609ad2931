import { join } from 'node:path'
import type { Profile } from '../../../proofs/types.ts'
import { encodeControls } from '../control.ts'
import type { DecodeRun } from '../decode.ts'
import { runFfmpeg } from '../ffmpeg.ts'
import { demux, readMedia } from '../probe.ts'
import { outputSize } from '../size.ts'
import { type ClipPictures, decodeClip } from './clip.ts'
import { controlJob, decodeWay, type Route } from './jobs.ts'
import type { Backend } from './table.ts'
import type { Ability, ControlSource, VideoCodec } from './types.ts'
import { whyOf } from './why.ts'

/**
 * Mean difference in levels at 64x64 between a device's encode of the self-test clip and that of software. Measured with x264:
 * other presets, scalers and half the rate 0.7 to 0.9 in luma and 1.2 to 1.8 in colour; the nearest pixel without any filter 1.9
 * and 3.7. Of real faults, a luma offset of four levels is 4.0, a wrong range 8, a broken edge 4.4 and 6.3, a cut one 7 and 10,
 * a still picture 7 and 10, turned or swapped colours 17 and more. A shift by one picture stays below: comparisons allow for it.
 */
export const NEAR = { luma: 3, chroma: 5 } as const

const PLANE = 64 * 64
const FRAME = 3 * PLANE

/** A rung as the network orders them, small and at an easy rate: only a real fault may show. */
export function trialProfile(codec: VideoCodec): Profile {
  const plain = { fpsNum: 0, fpsDen: 1, h264Profile: 0, gopMs: 0, container: 0, quality: 0 }
  return { width: 256, height: 144, bitrate: 800_000, codec: codec === 'hevc' ? 1 : 0, ...plain }
}

/** Mean difference of two runs of 64x64 pictures, in levels. */
export function distanceOf(a: Uint8Array, b: Uint8Array): { luma: number; chroma: number } {
  let luma = 0
  let chroma = 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const d = Math.abs((a[i] ?? 0) - (b[i] ?? 0))
    if (i % FRAME < PLANE) luma += d
    else chroma += d
  }
  const frames = Math.max(1, Math.floor(length / FRAME))
  return { luma: luma / (frames * PLANE), chroma: chroma / (frames * 2 * PLANE) }
}

/** Undefined where both are the same, byte for byte. */
function firstDifference(own: ClipPictures, software: ClipPictures): string | undefined {
  if (own.frames !== software.frames) return `${own.frames} pictures instead of ${software.frames}`
  for (const [name, a, b] of [
    ['picture', own.native, software.native],
    ['64x64 picture', own.planes, software.planes],
  ] as const) {
    if (a.equals(b)) continue
    if (a.length !== b.length) return `a ${name} of another size than that of software`
    const frame = Math.floor((a.findIndex((value, i) => value !== b[i]) * software.frames) / b.length)
    const { luma, chroma } = distanceOf(own.planes, software.planes)
    return `${name} ${frame} is not that of software (mean ${luma.toFixed(2)} levels of luma, ${chroma.toFixed(2)} of colour)`
  }
  return undefined
}

export interface Trial {
  backend: Backend
  node: string | undefined
  run: DecodeRun
}

/** Decodes the clip by the device; every byte must be that of software. */
export async function tryDecode(trial: Trial, codec: VideoCodec, clip: ControlSource, software: ClipPictures): Promise<Ability> {
  const own = await decodeClip(clip, trial.run, decodeWay(trial.backend, trial.node, codec, true))
  if ('why' in own) return { state: 'unavailable', why: own.why }
  const why = firstDifference(own, software)
  return why === undefined ? { state: 'trusted' } : { state: 'differs', why }
}

/** Software's encode of the clip at the size of the trial, decoded: what a device's encode must look like. */
export async function softwareEncode(clip: ControlSource, run: DecodeRun): Promise<ClipPictures | { why: string }> {
  const profile = trialProfile('h264')
  const [made] = await encodeControls(clip, profile, { ...run, label: 'self-test', presets: ['veryfast'] })
  if (!made) return { why: 'software made no control' }
  return await decodeClip({ path: made.path, facts: demux(await readMedia(made.path, run.limits)).facts }, run)
}

/** Scales and encodes the clip by the device along one route, and looks at it in software. */
export async function tryEncode(
  trial: Trial & { route: Route; decodeRun: DecodeRun },
  codec: VideoCodec,
  clip: ControlSource,
  software: ClipPictures,
): Promise<Ability> {
  const { backend, node, route, run } = trial
  const profile = trialProfile(codec)
  const path = join(run.folder, 'encoded.ts')
  const job = controlJob(clip, profile, path, { backend, node, route, codec })
  if (!job) return { state: 'unavailable', why: `no ${codec} encoder` }
  const result = await runFfmpeg(run.wrapper, job, { wallMs: run.limits.wallMs, signal: run.signal })
  if (!result.ok) return { state: 'unavailable', why: whyOf(result.lines) }
  const { facts } = demux(await readMedia(path, run.limits, run.signal))
  const size = outputSize(clip.facts, profile)
  if (facts.width !== size.width || facts.height !== size.height) {
    return { state: 'differs', why: `made ${facts.width}x${facts.height} instead of ${size.width}x${size.height}` }
  }
  if (facts.codec !== profile.codec) return { state: 'differs', why: `made ${facts.codecName} instead of ${codec}` }
  const own = await decodeClip({ path, facts }, trial.decodeRun)
  if ('why' in own) return { state: 'differs', why: `made what software does not decode: ${own.why}` }
  if (own.frames !== software.frames)
    return { state: 'differs', why: `made ${own.frames} pictures instead of ${software.frames}` }
  const { luma, chroma } = distanceOf(own.planes, software.planes)
  if (luma <= NEAR.luma && chroma <= NEAR.chroma) return { state: 'trusted', via: route.via, scaler: route.scaler.filter }
  const limits = `limits ${NEAR.luma} and ${NEAR.chroma}`
  return { state: 'differs', why: `mean ${luma.toFixed(2)} levels of luma and ${chroma.toFixed(2)} of colour off (${limits})` }
}
