import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { z } from 'zod'
import { FishermanError, isFishermanError, localCode, messageOf } from '../base/errors.ts'
import { runFfmpeg } from '../devnet/ffmpeg.ts'
import type { Random } from './ladders.ts'

/** One piece of a stream as a camera sends it: MPEG-TS, one IDR frame, at its start. */
export interface SourceSegment {
  file: string
  durationMs: number
}

export interface SourceStream {
  segments: SourceSegment[]
  width: number
  height: number
  fps: number
  /** Name of the video that it was cut from; undefined where it was generated. */
  video: string | undefined
}

export interface SourceWanted {
  /** Folder of the operator's own videos; without one a picture that nobody can foresee is generated. */
  sourcesDir?: string
  /** Gets the segments; created. */
  folder: string
  count: number
  segmentSec: number
  /** Lines of the source at most. */
  maxHeight: number
}

const VIDEOS = ['.mp4', '.mov', '.mkv', '.webm', '.ts', '.m4v', '.avi', '.flv']
/** Sizes in which people stream (OBS's and Livepeer's documentation). */
const SIZES = [
  ...[
    { width: 640, height: 360 },
    { width: 854, height: 480 },
  ],
  ...[
    { width: 1_280, height: 720 },
    { width: 1_920, height: 1_080 },
  ],
] as const
/** Kilobits a second of a source of 1,280x720, from a modest to a good one; others in proportion to their pixels. */
const KBITS = { least: 1_800, most: 4_500, pixels: 1_280 * 720 }
/** Seconds from one key frame to the next in all but odd videos. */
const SEEK_BACK_SEC = 12
const ENCODE_MS = 120_000

/**
 * Makes a stream that no node has seen: a random piece of one of the operator's videos, seen through a random frame that is a little smaller,
 * encoded anew in one of the usual sizes and rates. A node that answers from memory, or with other work, cannot have it.
 */
export async function makeSource(wanted: SourceWanted, random: Random, signal: AbortSignal): Promise<SourceStream> {
  await mkdir(wanted.folder, { recursive: true })
  const seconds = wanted.count * wanted.segmentSec
  if (wanted.sourcesDir === undefined) return await generate(wanted, seconds, random, signal)
  const videos = await videosIn(wanted.sourcesDir)
  const video = videos[Math.floor(random() * videos.length)] as string
  const facts = await factsOf(join(wanted.sourcesDir, video), signal)
  if (facts.seconds < seconds)
    throw problem(
      'probe-source-short',
      `${join(wanted.sourcesDir, video)} lasts ${facts.seconds.toFixed(1)} s; ${seconds} s are needed for ${wanted.count} segments`,
    )
  const startSec = random() * (facts.seconds - seconds)
  const fps = facts.fps >= 10 && facts.fps <= 60 ? facts.fps : 30
  // Roughly by the container, which may land behind the only key frame of the place, then exactly by the pictures.
  const seekSec = Math.max(0, startSec - SEEK_BACK_SEC)
  const input = [...(seekSec > 0 ? ['-ss', seekSec.toFixed(3)] : []), '-i', join(wanted.sourcesDir, video)]
  const filters = [`trim=start=${(startSec - seekSec).toFixed(3)}`, 'setpts=PTS-STARTPTS', ...frameOf(random)]
  const made = await encode({ wanted, seconds, fps, input, filters, height: facts.height }, random, signal)
  return { ...made, fps, video }
}

/** Somebody else's picture in random colours, size and turn, over a place of the Mandelbrot set that nobody looked at: as real to an encoder as any. */
async function generate(wanted: SourceWanted, seconds: number, random: Random, signal: AbortSignal): Promise<SourceStream> {
  const fps = [25, 30][Math.floor(random() * 2)] as number
  const within = (low: number, high: number) => (low + random() * (high - low)).toFixed(6)
  const { width, height } = SIZES.filter((one) => one.height <= Math.min(wanted.maxHeight, 720)).at(-1) ?? SIZES[0]
  const size = `s=${width}x${height}`
  const deep = `mandelbrot=${size}:r=${fps}:start_x=${within(-0.78, -0.7)}:start_y=${within(0.05, 0.25)}:start_scale=${within(0.02, 0.3)}:end_pts=${within(300, 900)}`
  const moving = `testsrc2=${size}:r=${fps}`
  const filters = [
    `[1:v]hue=h=${within(0, 360)}:s=${within(0.6, 1.4)},rotate=a='${within(0, 6.28)}+t*${within(-0.5, 0.5)}':c=none[m]`,
    `[0:v][m]blend=all_mode=average,hue=h=${within(0, 360)},${frameOf(random).join(',')}`,
  ].join(';')
  const input = ['-f', 'lavfi', '-i', deep, '-f', 'lavfi', '-i', moving]
  const made = await encode({ wanted, seconds, fps, input, graph: filters, height }, random, signal)
  return { ...made, fps, video: undefined }
}

function frameOf(random: Random): string[] {
  const part = 0.9 + 0.09 * random()
  const at = () => random().toFixed(4)
  return [`crop=w=iw*${part.toFixed(4)}:h=ih*${part.toFixed(4)}:x=(iw-ow)*${at()}:y=(ih-oh)*${at()}`]
}

interface Encoding {
  wanted: SourceWanted
  seconds: number
  fps: number
  input: readonly string[]
  /** A chain for the one input, or a whole graph of several. */
  filters?: readonly string[]
  graph?: string
  /** Lines that the material has. */
  height: number
}

async function encode(
  { wanted, seconds, fps, input, filters, graph, height }: Encoding,
  random: Random,
  signal: AbortSignal,
): Promise<Pick<SourceStream, 'segments' | 'width' | 'height'>> {
  const { folder, segmentSec, maxHeight, count } = wanted
  const fitting = SIZES.filter((size) => size.height <= Math.min(maxHeight, Math.max(height, SIZES[0].height)))
  const size = fitting[Math.floor(random() * fitting.length)] ?? SIZES[0]
  const kbits = Math.round(((KBITS.least + random() * (KBITS.most - KBITS.least)) * size.width * size.height) / KBITS.pixels)
  const shape = `fps=${fps},scale=${size.width}:${size.height},setsar=1,format=yuv420p[v]`
  const chain = graph === undefined ? `[0:v:0]${[...(filters ?? []), shape].join(',')}` : `${graph},${shape}`
  const list = join(folder, 'segments.csv')
  await runFfmpeg(
    [
      ...[...input, '-filter_complex', chain, '-map', '[v]', '-t', String(seconds)],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-threads', '2', '-bf', '0'],
      ...[
        '-b:v',
        `${kbits}k`,
        '-maxrate',
        `${Math.round(kbits * 1.25)}k`,
        '-bufsize',
        `${kbits}k`,
        '-g',
        '9999',
        '-sc_threshold',
        '0',
      ],
      ...['-force_key_frames', `expr:gte(t,n_forced*${segmentSec})`, '-forced-idr', '1', '-flags', '+cgop'],
      ...['-f', 'segment', '-segment_time', String(segmentSec), '-segment_time_delta', '0.01', '-segment_format', 'mpegts'],
      ...['-segment_list', list, '-segment_list_type', 'csv', join(folder, '%04d.ts')],
    ],
    { signal, timeoutMs: ENCODE_MS },
  ).catch((error: unknown) => {
    if (isFishermanError(error) && error.blame === 'theirs')
      throw problem('probe-source', `the source cannot be made (${error.message}); use videos that ffmpeg reads`)
    throw error
  })
  const rows = (await readFile(list, 'utf8')).split('\n').filter(Boolean)
  const segments = rows.slice(0, count).map((row) => {
    const [name = '', start, end] = row.split(',')
    return { file: join(folder, name), durationMs: Math.round((Number(end) - Number(start)) * 1000) }
  })
  const sizes = await Promise.all(segments.map(async ({ file }) => (await stat(file)).size))
  if (segments.length < count || sizes.includes(0))
    throw problem(
      'probe-source',
      `a source came out with ${sizes.filter(Boolean).length} segments of ${count}; use another video`,
    )
  return { segments, ...size }
}

async function videosIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw problem('probe-sources', `the folder of sources ${folder} cannot be read (${localCode(error) ?? messageOf(error)})`)
  })
  const videos = names.filter((name) => VIDEOS.includes(extname(name).toLowerCase())).sort()
  if (videos.length === 0)
    throw problem('probe-sources', `${folder} holds no video (${VIDEOS.join(' ')}); put some of your own into it`)
  return videos
}

const probed = z.object({
  streams: z
    .array(z.object({ height: z.number().optional(), avg_frame_rate: z.string().optional(), duration: z.string().optional() }))
    .optional(),
  format: z.object({ duration: z.string().optional() }).optional(),
})

async function factsOf(file: string, signal: AbortSignal): Promise<{ seconds: number; fps: number; height: number }> {
  const entries = 'stream=height,avg_frame_rate,duration:format=duration'
  const json = await runFfmpeg(['-select_streams', 'v:0', '-show_entries', entries, '-of', 'json', file], {
    ...{ signal, timeoutMs: 30_000, program: 'ffprobe' },
  }).catch((error: unknown) => {
    if (isFishermanError(error) && error.blame === 'theirs')
      throw problem('probe-source', `${file} is not a video that ffmpeg can read; remove it from the folder`)
    throw error
  })
  const { streams, format } = probed.parse(JSON.parse(json))
  const [frames, per] = (streams?.[0]?.avg_frame_rate ?? '').split('/').map(Number)
  return {
    seconds: Number(streams?.[0]?.duration ?? format?.duration ?? 0) || 0,
    fps: frames && per ? frames / per : 0,
    height: streams?.[0]?.height ?? 0,
  }
}

function problem(code: string, message: string): FishermanError {
  return new FishermanError({ code, message, blame: 'ours' })
}
