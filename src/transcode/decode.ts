import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FishermanError } from '../base/errors.ts'
import { type FfmpegJob, runFfmpeg } from './ffmpeg.ts'
import type { DecodeWay, HardwareUse } from './hardware/types.ts'
import type { Container, DecodedRendition, MediaFacts, MediaLimits, Planes } from './types.ts'

/** Bytes of one 64x64 yuv444p picture. */
const PLANE_BYTES = 64 * 64 * 3
/** swscale gives the same bits on every machine only with both flags, on every step. */
export const EXACT = 'accurate_rnd+bitexact'
export const TO_PLANES = `scale=64:64:flags=area+${EXACT},format=yuv444p`

/** Errors are never hidden: a broken picture must not be repaired by guessing. */
const STRICT = ['-threads', '1', '-err_detect', 'crccheck+bitstream+buffer+explode', '-ec', '0']
const DEMUXER: Record<Container, string> = { mpegts: 'mpegts', mp4: 'mov', flv: 'flv' }

export interface DecodeInput {
  path: string
  facts: MediaFacts
  /** Frame numbers whose native luma is wanted. */
  drawn?: readonly number[]
  /** Frame numbers whose luma is looked at closely, at this file's own size; those of the source are scaled to each of its renditions. */
  detail?: readonly number[] | undefined
  /** Only the first picture: a screen. */
  firstOnly?: boolean
}

export interface DecodeRun {
  wrapper: string
  folder: string
  limits: MediaLimits
  signal?: AbortSignal | undefined
}

/** Options that pin an input to the demuxer found by its own bytes, so that no playlist or script is ever opened. */
export function inputOptions(facts: MediaFacts, way?: DecodeWay): string[] {
  // Edit lists are read by our own demuxer, and judged; here every coded picture must come out.
  const whole = facts.container === 'mp4' ? ['-ignore_editlist', '1'] : []
  // Transcoders do not turn pictures, so neither do we.
  return [...(way?.options ?? []), ...STRICT, '-noautorotate', ...whole, '-f', DEMUXER[facts.container]]
}

export const RAW = ['-fps_mode', 'passthrough', '-f', 'rawvideo']

/** Keeps the frames of these numbers, rising and without repeats. */
const pick = (numbers: readonly number[]): string => `select='${[...new Set(numbers)].map((n) => `eq(n\\,${n})`).join('+')}'`

interface Wanted {
  file: string
  label: string
  frames: number
}

const sizeOf = ({ facts }: DecodeInput): string => `${facts.width}x${facts.height}`

/** Sizes that the source's sampled pictures are scaled to: one for each rung, however many files have it. */
function detailSizes(renditions: readonly DecodeInput[]): string[] {
  return [...new Set(renditions.filter(({ detail }) => detail).map(sizeOf))]
}

/** How each input is decoded, the source first; undefined is software. */
type Ways = readonly (DecodeWay | undefined)[]

/** One filter graph for all files, and the raw outputs that come out of it. */
export function decodingGraph(
  source: DecodeInput,
  renditions: readonly DecodeInput[],
  ways: Ways = [],
): { filter: string; wanted: Wanted[] } {
  const chains: string[] = []
  const wanted: Wanted[] = []
  const want = (file: string, frames: number): string => {
    const label = `o${wanted.length}`
    wanted.push({ file, label, frames })
    return `[${label}]`
  }
  // Side data is dropped before the log line: a hostile stream could fill our log with it.
  const head = (i: number): string => `[${i}:v:0]${ways[i]?.download ?? ''}sidedata=mode=delete,showinfo@track${i}=checksum=0`
  const sampled = source.detail ?? []
  const sizes = sampled.length > 0 ? detailSizes(renditions) : []
  if (sizes.length === 0) chains.push(`${head(0)},${TO_PLANES}${want('planes0', source.facts.frames)}`)
  else {
    chains.push(`${head(0)},split=2[sp][sd]`)
    chains.push(`[sp]${TO_PLANES}${want('planes0', source.facts.frames)}`)
    chains.push(`[sd]${pick(sampled)},split=${sizes.length}${sizes.map((size) => `[s${size}]`).join('')}`)
  }
  for (const size of sizes) {
    const scaled = `scale=${size.replace('x', ':')}:flags=bicubic+${EXACT},format=yuv420p,extractplanes=y`
    chains.push(`[s${size}]${scaled}${want(`source${size}`, sampled.length)}`)
  }
  renditions.forEach((rendition, index) => {
    const i = index + 1
    const parts = ['p', ...(rendition.detail ? ['d'] : []), ...(rendition.drawn ? ['f'] : [])]
    const labels = parts.map((part) => `[r${i}${part}]`)
    chains.push(`${head(i)},split=${parts.length}${labels.join('')}`)
    chains.push(`[r${i}p]${TO_PLANES}${want(`planes${i}`, rendition.facts.frames)}`)
    if (rendition.detail) {
      chains.push(`[r${i}d]${pick(rendition.detail)},extractplanes=y${want(`detail${i}`, rendition.detail.length)}`)
    }
    if (rendition.drawn) {
      chains.push(`[r${i}f]${pick(rendition.drawn)},extractplanes=y${want(`drawn${i}`, rendition.drawn.length)}`)
    }
  })
  return { filter: `sws_flags=area+${EXACT};${chains.join(';')}`, wanted }
}

/** Frame times in milliseconds after the first frame, from the log lines of each input's showinfo filter. */
function frameTimes(lines: readonly string[], inputs: number): { timesMs: number[][]; sizes: Set<string>[] } {
  const bases = Array.from({ length: inputs }, () => 1 / 90_000)
  const timesMs: number[][] = Array.from({ length: inputs }, () => [])
  const sizes = Array.from({ length: inputs }, () => new Set<string>())
  for (const line of lines) {
    const track = /^\[showinfo@track(\d+) /.exec(line)
    if (!track) continue
    const i = Number(track[1])
    const base = /config in time_base: (\d+)\/(\d+)/.exec(line)
    if (base) bases[i] = Number(base[1]) / Number(base[2])
    const frame = / n: *\d+ pts: *(-?\d+|NOPTS) .* fmt:(\S+) .*s:(\d+x\d+) /.exec(line)
    if (!frame) continue
    timesMs[i]?.push(frame[1] === 'NOPTS' ? Number.NaN : Number(frame[1]) * (bases[i] ?? 0) * 1000)
    sizes[i]?.add(`${frame[2]} ${frame[3]}`)
  }
  return { timesMs: timesMs.map((times) => times.map((t) => t - (times[0] ?? 0))), sizes }
}

/** Pictures by frame number: the decoder gives each wanted one once, in rising order. */
function byNumber(numbers: readonly number[], pictures: readonly Uint8Array[]): Map<number, Uint8Array> {
  const order = [...new Set(numbers)].sort((a, b) => a - b)
  return new Map(order.flatMap((n, k) => (pictures[k] ? [[n, pictures[k]]] : [])))
}

export interface DecodedSet {
  source: Planes
  renditions: readonly DecodedRendition[]
  /** Something in the decoders' log or in the counts is not as a clean file would have it; index 0 is the source. */
  trouble: readonly boolean[]
  /** A picture said that its luma runs from 0 to 255: what a device makes of that is its own affair. */
  fullRange: boolean
}

/** A decoder that complained, or a picture that was lost; the demuxers' warnings about odd time stamps are not errors. */
export const COMPLAINT = /^(?:\[[^\]]* @ 0x[0-9a-f]+\] )?\[(?:error|fatal|panic|warning\].*corrupt)/i

/**
 * Decodes the source and all renditions in one process. Returns undefined where ffmpeg gave up as a whole. `hardware` serves
 * everyday jobs only: nothing that is voted on may be handed one.
 */
export async function decodeSet(
  source: DecodeInput,
  renditions: readonly DecodeInput[],
  run: DecodeRun,
  hardware?: HardwareUse,
): Promise<DecodedSet | undefined> {
  if (!hardware) return await decodeWith(source, renditions, run, [])
  return await hardware.decode([source, ...renditions], run, (own, ways) => decodeWith(source, renditions, own, ways))
}

async function decodeWith(
  source: DecodeInput,
  renditions: readonly DecodeInput[],
  run: DecodeRun,
  ways: Ways,
): Promise<DecodedSet | undefined> {
  const inputs = [source, ...renditions]
  const { filter, wanted } = decodingGraph(source, renditions, ways)
  const job: FfmpegJob = {
    inputs: inputs.map((input, i) => ({ path: input.path, options: inputOptions(input.facts, ways[i]) })),
    filter,
    outputs: wanted.map(({ file, label, frames }) => ({
      path: join(run.folder, file),
      // One frame more than there can be: a surplus must be seen, not hidden.
      options: ['-map', `[${label}]`, ...RAW, '-frames:v', String(source.firstOnly ? 1 : frames + 1)],
    })),
  }
  const result = await runFfmpeg(run.wrapper, job, { wallMs: run.limits.wallMs, signal: run.signal })
  if (!result.ok) return undefined
  const { timesMs, sizes } = frameTimes(result.lines, inputs.length)
  const complaint = result.lines.some((line) => COMPLAINT.test(line))
  const read = async (file: string): Promise<Buffer> => await readFile(join(run.folder, file))
  const planesOf = async (i: number): Promise<Planes> => {
    const data = await read(`planes${i}`)
    const frames = Math.min(data.length / PLANE_BYTES, timesMs[i]?.length ?? 0)
    return { frames: Math.floor(frames), data, timesMs: Float64Array.from(timesMs[i] ?? []) }
  }
  const planes = await Promise.all(inputs.map((_, i) => planesOf(i)))
  const [sourcePlanes, ...others] = planes
  if (!sourcePlanes) throw new FishermanError({ code: 'no-planes', message: 'the decoder left no planes', blame: 'ours' })
  const decoded = await Promise.all(
    others.map(async (own, index): Promise<DecodedRendition> => {
      const i = index + 1
      const input = renditions[index]
      const { width, height } = input?.facts ?? { width: 0, height: 0 }
      const cut = (data: Buffer): Uint8Array[] =>
        Array.from({ length: Math.floor(data.length / (width * height)) }, (_, n) =>
          data.subarray(n * width * height, (n + 1) * width * height),
        )
      return {
        planes: own,
        detail:
          input?.detail && source.detail
            ? {
                width,
                height,
                own: byNumber(input.detail, cut(await read(`detail${i}`))),
                source: byNumber(source.detail, cut(await read(`source${sizeOf(input)}`))),
              }
            : undefined,
        drawn: input?.drawn ? { width, height, frames: byNumber(input.drawn, cut(await read(`drawn${i}`))) } : undefined,
      }
    }),
  )
  const trouble = inputs.map((input, i) => {
    const frames = planes[i]?.frames ?? 0
    // A device may leave the coded size uncropped, which no decoder in software does.
    const uncropped = ways[i] !== undefined && !sizes[i]?.has(`yuv420p ${sizeOf(input)}`)
    const lost = frames === 0 || (!input.firstOnly && frames !== input.facts.frames)
    return complaint || lost || uncropped || sizes[i]?.size !== 1
  })
  const fullRange = result.lines.some((line) => line.startsWith('[showinfo@track') && line.includes('color_range:pc'))
  return { source: sourcePlanes, renditions: decoded, trouble, fullRange }
}

/** Decodes one file alone, strictly; true only where every coded picture came out and nothing was complained about. */
export async function decodesCleanly(input: DecodeInput, run: DecodeRun): Promise<boolean> {
  const job: FfmpegJob = {
    inputs: [{ path: input.path, options: ['-xerror', ...inputOptions(input.facts)] }],
    filter: `[0:v:0]sidedata=mode=delete,showinfo@track0=checksum=0,scale=16:16:flags=fast_bilinear[o]`,
    outputs: [{ path: join(run.folder, 'strict'), options: ['-map', '[o]', ...RAW] }],
  }
  const result = await runFfmpeg(run.wrapper, job, { wallMs: run.limits.wallMs, signal: run.signal })
  const { timesMs, sizes } = frameTimes(result.lines, 1)
  return (
    result.ok &&
    timesMs[0]?.length === input.facts.frames &&
    input.facts.frames > 0 &&
    sizes[0]?.size === 1 &&
    !result.lines.some((line) => COMPLAINT.test(line))
  )
}
