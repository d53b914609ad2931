import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FishermanError } from '../base/errors.ts'
import { type FfmpegJob, runFfmpeg } from './ffmpeg.ts'
import type { DecodeWay, HardwareUse } from './hardware/types.ts'
import { PictureFile, type Pictures } from './pictures.ts'
import type { Wrapper } from './sandbox.ts'
import { frameTimes, isOfItsSize, loggedTrack, upTo } from './shown.ts'
import { type Container, type DecodedRendition, MEDIA_LIMITS, type MediaFacts, type MediaLimits, type Planes } from './types.ts'

/** Bytes of one 64x64 yuv444p picture. */
const PLANE_BYTES = 64 * 64 * 3
/** swscale gives the same bits on every machine only with both flags, on every step. */
export const EXACT = 'accurate_rnd+bitexact'
export const TO_PLANES = `scale=64:64:flags=area+${EXACT},format=yuv444p`

/** Errors are never hidden: a picture that was repaired by guessing is noticed by `COMPLAINT`. */
const STRICT = ['-threads', '1', '-err_detect', 'crccheck+bitstream+buffer+explode']
/** ffmpeg's name of each container's demuxer. */
export const DEMUXER: Record<Container, string> = { mpegts: 'mpegts', mp4: 'mov', flv: 'flv' }

export interface DecodeInput {
  path: string
  facts: MediaFacts
  /** Frame numbers whose native luma is wanted. */
  drawn?: readonly number[]
  /** Frame numbers whose luma is looked at closely, at this file's own size; those of the source are scaled to each of its renditions. */
  detail?: readonly number[] | undefined
  /** Presentation times of all pictures in order of display, milliseconds after the first, where the container is to be trusted. */
  timesMs?: readonly number[]
  /** Only this picture, with its headers, as a bare elementary stream: a screen. */
  firstPicture?: Uint8Array
}

export interface DecodeRun {
  wrapper: Wrapper
  folder: string
  limits: MediaLimits
  signal?: AbortSignal | undefined
}

/** Options that pin an input to the demuxer found by its own bytes, so that no playlist or script is ever opened. */
export function inputOptions(facts: MediaFacts, way?: DecodeWay): string[] {
  // Edit lists are read by our own demuxer, and judged; here every coded picture must come out.
  const whole = facts.container === 'mp4' ? ['-ignore_editlist', '1'] : []
  // Transcoders do not turn pictures, so neither do we.
  return [...(way?.options ?? []), ...STRICT, ...pinned(facts, way), '-noautorotate', ...whole, '-f', DEMUXER[facts.container]]
}

const codecOf = (facts: MediaFacts): string => (facts.codec === 1 ? 'hevc' : 'h264')

/** The decoder is ours to choose, and how large a picture may be. */
function pinned(facts: MediaFacts, way?: DecodeWay): string[] {
  return ['-codec:v', way?.decoder ?? codecOf(facts), '-max_pixels', String(MEDIA_LIMITS.pixels)]
}

/** A single picture needs no search for the order of pictures, nor for the kind of stream. */
function pictureOptions(facts: MediaFacts): string[] {
  return [...STRICT, ...pinned(facts), '-nofind_stream_info', '-f', codecOf(facts)]
}

/**
 * Whether the times of a file need not be asked of the decoder: they are all there and different, so that order of display is
 * order of time, and one set of headers means one size. A log line a picture would cost more than its scaling.
 */
function timesAreKnown({ facts, timesMs, firstPicture }: DecodeInput): boolean {
  return firstPicture !== undefined || (timesMs?.length === facts.frames && facts.timesOk && facts.parameterSets === 1)
}

export const RAW = ['-fps_mode', 'passthrough', '-f', 'rawvideo']

/** Keeps the frames of these numbers, rising and without repeats. */
export const pick = (numbers: readonly number[]): string =>
  `select='${[...new Set(numbers)].map((n) => `eq(n\\,${n})`).join('+')}'`

interface Wanted {
  file: string
  label: string
  frames: number
  /** Bytes of one picture. */
  bytes: number
}

const sizeOf = ({ facts }: DecodeInput): string => `${facts.width}x${facts.height}`

const areaOf = (size: string): number => size.split('x').reduce((area, side) => area * Number(side), 1)

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
  const want = (file: string, frames: number, bytes = PLANE_BYTES): string => {
    const label = `o${wanted.length}`
    wanted.push({ file, label, frames, bytes })
    return `[${label}]`
  }
  // What a device gives is always looked at frame by frame.
  const head = (i: number, input: DecodeInput): string =>
    ways[i] || !timesAreKnown(input) ? loggedTrack(i, input.facts.frames, ways[i]) : `[${i}:v:0]${upTo(input.facts.frames)}`
  const sampled = source.detail ?? []
  const sizes = sampled.length > 0 ? detailSizes(renditions) : []
  if (sizes.length === 0) chains.push(`${head(0, source)},${TO_PLANES}${want('planes0', source.facts.frames)}`)
  else {
    chains.push(`${head(0, source)},split=2[sp][sd]`)
    chains.push(`[sp]${TO_PLANES}${want('planes0', source.facts.frames)}`)
    chains.push(`[sd]${pick(sampled)},split=${sizes.length}${sizes.map((size) => `[s${size}]`).join('')}`)
  }
  for (const size of sizes) {
    const scaled = `scale=${size.replace('x', ':')}:flags=bicubic+${EXACT},format=yuv420p,extractplanes=y`
    chains.push(`[s${size}]${scaled}${want(`source${size}`, sampled.length, areaOf(size))}`)
  }
  renditions.forEach((rendition, index) => {
    const i = index + 1
    const parts = ['p', ...(rendition.detail ? ['d'] : []), ...(rendition.drawn ? ['f'] : [])]
    const labels = parts.map((part) => `[r${i}${part}]`)
    chains.push(`${head(i, rendition)},split=${parts.length}${labels.join('')}`)
    chains.push(`[r${i}p]${TO_PLANES}${want(`planes${i}`, rendition.facts.frames)}`)
    if (rendition.detail) {
      chains.push(
        `[r${i}d]${pick(rendition.detail)},format=yuv420p,extractplanes=y${want(`detail${i}`, rendition.detail.length, areaOf(sizeOf(rendition)))}`,
      )
    }
    if (rendition.drawn) {
      chains.push(
        `[r${i}f]${pick(rendition.drawn)},format=yuv420p,extractplanes=y${want(`drawn${i}`, rendition.drawn.length, areaOf(sizeOf(rendition)))}`,
      )
    }
  })
  return { filter: `sws_flags=area+${EXACT};${chains.join(';')}`, wanted }
}

export interface DecodedSet {
  source: Planes
  renditions: readonly DecodedRendition[]
  /** Something in the decoders' log or in the counts is not as a clean file would have it; index 0 is the source. */
  trouble: readonly boolean[]
  /** A picture said that its luma runs from 0 to 255: what a device makes of that is its own affair. */
  fullRange: boolean
}

/**
 * A decoder that complained, a picture that was lost, or a part of one that was made up: a slice that ends early is no error to
 * ffmpeg, and only its concealment says so, in passing. Therefore concealment stays on, and wherever it does anything the file is
 * not sound. The demuxers' warnings about odd time stamps are not errors.
 */
export const COMPLAINT = /^(?:\[[^\]]* @ 0x[0-9a-f]+\] )?\[(?:error|fatal|panic|warning\].*corrupt)|concealing \d+ DC/i

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
  const firstOnly = source.firstPicture !== undefined
  const bytes = wanted.reduce((sum, output) => sum + (output.frames + 1) * output.bytes, 0)
  if (bytes > run.limits.outputBytes) {
    throw new FishermanError({
      code: 'media-too-large',
      message: `the decoded pictures would take ${Math.ceil(bytes / 1e6)} MB, more than the limit of ${run.limits.outputBytes / 1e6} MB`,
      blame: 'unknown',
    })
  }
  const job: FfmpegJob = {
    inputs: await Promise.all(inputs.map(async (input, i) => await inputOf(input, join(run.folder, `first${i}`), ways[i]))),
    filter,
    outputs: wanted.map(({ file, label, frames }) => ({
      path: join(run.folder, file),
      // One frame more than there can be: a surplus must be seen, not hidden.
      options: ['-map', `[${label}]`, ...RAW, '-frames:v', String(firstOnly ? 1 : frames + 1)],
    })),
  }
  const result = await runFfmpeg(run.wrapper, job, { wallMs: run.limits.wallMs, signal: run.signal })
  if (!result.ok) return undefined
  const logged = frameTimes(result.lines, inputs.length)
  const complaint = result.lines.some((line) => COMPLAINT.test(line))
  const planes = await Promise.all(
    inputs.map(async (input, i): Promise<Planes> => {
      const data = await readFile(join(run.folder, `planes${i}`))
      const timesMs = firstOnly ? [0] : timesAreKnown(input) ? (input.timesMs ?? []) : (logged.timesMs[i] ?? [])
      return {
        frames: Math.floor(Math.min(data.length / PLANE_BYTES, timesMs.length)),
        data,
        timesMs: Float64Array.from(timesMs),
      }
    }),
  )
  const [sourcePlanes, ...others] = planes
  if (!sourcePlanes) throw new FishermanError({ code: 'no-planes', message: 'the decoder left no planes', blame: 'ours' })
  const trouble = inputs.map((input, i) => {
    const { data, frames } = planes[i] ?? { data: new Uint8Array(), frames: 0 }
    const counted = firstOnly || (frames === input.facts.frames && data.length === frames * PLANE_BYTES)
    const seen = ways[i] !== undefined || !timesAreKnown(input)
    return complaint || frames === 0 || !counted || (seen && !isOfItsSize(logged.sizes[i], input.facts))
  })
  const decoded = others.map((own, index): DecodedRendition => {
    const input = renditions[index]
    const { width, height } = input?.facts ?? { width: 0, height: 0 }
    const pictures = (name: string, numbers: readonly number[] | undefined): Pictures | undefined => {
      const file = numbers && new PictureFile(join(run.folder, name), numbers, width * height)
      if (!file || file.isWhole) return file
      // What is not of the right length is of another size, or lost.
      trouble[index + 1] = true
      return undefined
    }
    const close = input?.detail && pictures(`detail${index + 1}`, input.detail)
    const scaled = input?.detail && pictures(`source${sizeOf(input)}`, source.detail)
    const drawn = pictures(`drawn${index + 1}`, input?.drawn)
    return {
      planes: own,
      detail: close && scaled ? { width, height, own: close, source: scaled } : undefined,
      drawn: drawn && { width, height, frames: drawn },
    }
  })
  const fullRange = result.lines.some((line) => line.startsWith('[showinfo@track') && line.includes('color_range:pc'))
  return { source: sourcePlanes, renditions: decoded, trouble, fullRange }
}

/** What ffmpeg reads: the file, or a file of its first picture alone. */
async function inputOf(input: DecodeInput, picturePath: string, way?: DecodeWay): Promise<FfmpegJob['inputs'][number]> {
  if (input.firstPicture === undefined) return { path: input.path, options: inputOptions(input.facts, way) }
  await writeFile(picturePath, input.firstPicture)
  return { path: picturePath, options: pictureOptions(input.facts) }
}

/**
 * Decodes one file alone, strictly; true only where every coded picture came out and nothing was complained about. Where a trouble of
 * the machine was named and is not there, it is asked again: what has passed does not come twice, what the media made does.
 */
export async function decodesCleanly(input: DecodeInput, run: DecodeRun): Promise<boolean> {
  const first = await decodeStrictly(input, run)
  return first.isClean || (first.trouble !== undefined && (await decodeStrictly(input, run)).isClean)
}

async function decodeStrictly(input: DecodeInput, run: DecodeRun): Promise<{ isClean: boolean; trouble: string | undefined }> {
  const job: FfmpegJob = {
    inputs: [{ path: input.path, options: ['-xerror', ...inputOptions(input.facts)] }],
    filter: `${loggedTrack(0, input.facts.frames)},scale=16:16:flags=fast_bilinear[o]`,
    outputs: [{ path: join(run.folder, 'strict'), options: ['-map', '[o]', ...RAW] }],
  }
  const { ok, lines, trouble } = await runFfmpeg(run.wrapper, job, { wallMs: run.limits.wallMs, signal: run.signal })
  const { timesMs, sizes } = frameTimes(lines, 1)
  const isWhole = timesMs[0]?.length === input.facts.frames && input.facts.frames > 0 && isOfItsSize(sizes[0], input.facts)
  return { isClean: ok && isWhole && !lines.some((line) => COMPLAINT.test(line)), trouble }
}
