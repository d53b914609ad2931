import type { Profile } from '../../proofs/types.ts'
import type { Group } from './report.ts'
import type { Segment } from './segments.ts'

/** What a class is built from. */
export interface Job {
  segment: Segment
  /** Size by the aspect rule. */
  width: number
  height: number
  bitrate: number
}

export interface RenditionClass {
  name: string
  group: Group
  kind: string
  /** No work was done: nothing but `fail` will do. */
  noWork?: true
  /** What was ordered beside size and rate. */
  profile?: Partial<Profile>
  extension?: 'ts' | 'mp4'
  /** Also tried on derived segments. */
  core?: true
  applies?: (job: Job) => boolean
  runs: (job: Job) => string[][]
}

export interface Encode {
  /** Filters before and after the scaling to the claimed size. */
  before?: string
  after?: string
  scaler?: string
  preset?: string
  options?: readonly string[]
  rate?: number
  input?: string
  output?: string
  audio?: readonly string[]
  format?: string
  codec?: readonly string[]
}

/** One honest-looking encode: scale, x264 with one thread, the rate as lpms sets it, audio copied. */
export function encode(job: Job, e: Encode = {}): string[] {
  const scale = `scale=${job.width}:${job.height}:flags=${e.scaler ?? 'bicubic'}`
  const filter = [e.before, scale, e.after].filter(Boolean).join(',')
  return ['-i', e.input ?? '@source', '-map', '0:v:0', '-map', '0:a:0?', '-vf', filter, ...tail(job, e)]
}

/** The same for a graph of several inputs: its parts see [s], the source at the claimed size, and must end in [v]. */
export function mix(job: Job, inputs: readonly string[], graph: string, e: Encode = {}): string[] {
  const head = `[0:v:0]scale=${job.width}:${job.height}:flags=bicubic,format=yuv420p[s]`
  return [
    ...['@source', ...inputs].flatMap((input) => ['-i', input]),
    ...['-filter_complex', `${head};${graph}`, '-map', '[v]', '-map', '0:a:0?', ...tail(job, e)],
  ]
}

function tail(job: Job, e: Encode): string[] {
  const rate = String(Math.round(job.bitrate * (e.rate ?? 1)))
  const codec = e.codec ?? ['-c:v', 'libx264', '-preset', e.preset ?? 'veryfast', '-threads', '1', '-bf', '3']
  return [
    ...['-fps_mode', 'passthrough', '-pix_fmt', 'yuv420p', ...codec, '-b:v', rate, '-maxrate', rate, '-bufsize', rate],
    ...[...(e.options ?? []), ...(e.audio ?? ['-c:a', 'copy']), '-f', e.format ?? 'mpegts', e.output ?? '@out'],
  ]
}

export const fpsOf = (job: Job): string => {
  const fps = job.segment.facts.fps
  const ntsc = Math.round(fps * 1001) / 1000
  return Math.abs(fps - Math.round(fps)) < 0.01 ? String(Math.round(fps)) : `${Math.round(ntsc * 1000)}/1001`
}

export const framesOf = (job: Job): number => job.segment.facts.frames
/** Renumbers frames at the source's rate and cuts to its length. */
export const retime = (job: Job): string => `setpts=N/(${fpsOf(job)})/TB,trim=end_frame=${framesOf(job)}`
/** The first of the frames, over and over. */
export const freeze = (job: Job): string => `select='eq(n,0)',loop=${framesOf(job)}:1:0,${retime(job)}`
/** Down to a part of the claimed size and up again. */
export const enlarge = (job: Job, part: number, how = 'bicubic'): string => {
  const even = (x: number): number => Math.max(16, 2 * Math.round(x / 2))
  return `scale=${even(job.width * part)}:${even(job.height * part)}:flags=bicubic,scale=${job.width}:${job.height}:flags=${how}`
}
