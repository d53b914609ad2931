import { access, constants, mkdir, readFile, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { blameOf, FishermanError, isFishermanError } from '../base/errors.ts'
import { runFfmpeg } from './ffmpeg.ts'

export interface CutInit {
  video: string
  /** Created when missing; segments are written to it. */
  folder: string
  /** Segments wanted; a video that is shorter is looped, changed each time. */
  count: number
  signal: AbortSignal
}

export interface Cut {
  /** Segment files in order, exactly as many as asked for. */
  files: string[]
  /** Times that the video was used. */
  loops: number
  /** Something that a person should know, though it goes on. */
  warning?: string
}

export const SEGMENT_SECONDS = 2
/** A segment that the end of the video cut short is left out below this. */
const SHORTEST_SECONDS = 1.9

/** Cuts a video into segments of 2 s as a camera would send them: MPEG-TS, at most 360p, one IDR frame each, at its start. */
export async function cutSegments({ video, folder, count, signal }: CutInit): Promise<Cut> {
  const facts = await probe(video, signal)
  const perLoop = Math.floor((facts.seconds + 2 - SHORTEST_SECONDS) / SEGMENT_SECONDS)
  if (perLoop < 1)
    throw problem(
      'video-short',
      `${video} lasts ${facts.seconds.toFixed(1)} s; at least ${SEGMENT_SECONDS} s of video are needed`,
    )
  await mkdir(folder, { recursive: true })
  const files: string[] = []
  let loop = 0
  let moves = false
  for (; files.length < count; loop++) {
    const wanted = Math.min(perLoop, count - files.length)
    const made = await cutOnce({ video, folder, loop, wanted, facts, offset: files.length * SEGMENT_SECONDS, signal })
    if (made.files.length === 0) throw problem('video-short', `${video} holds less than ${SEGMENT_SECONDS} s of pictures`)
    files.push(...made.files)
    moves ||= made.moves
  }
  const named = await Promise.all(
    files.slice(0, count).map(async (file, i) => {
      const name = join(folder, `${String(i).padStart(4, '0')}.ts`)
      await rename(file, name)
      return name
    }),
  )
  const warning = `${basename(video)} does not move: nobody can tell a replay or a freeze of it from honest work`
  return { files: named, loops: loop, ...(moves ? {} : { warning }) }
}

/**
 * Filters that make each further use of a video visibly another one: mirrored every second time, seen through a closer and wandering
 * frame, its colours turned by the golden angle, which never comes back.
 */
export function variation(loop: number): string[] {
  if (loop === 0) return []
  const zoom = 1.1 + 0.1 * ((loop - 1) % 5)
  const x = [0, 1, 0.5, 1, 0][loop % 5]
  const y = [0, 1, 0.5, 0, 1][loop % 5]
  return [
    ...(loop % 2 === 1 ? ['hflip'] : []),
    `crop=w=iw/${zoom.toFixed(1)}:h=ih/${zoom.toFixed(1)}:x=(iw-ow)*${x}:y=(ih-oh)*${y}`,
    `hue=h=${((loop * 137.508) % 360).toFixed(1)}`,
  ]
}

interface Pass {
  video: string
  folder: string
  loop: number
  wanted: number
  facts: VideoFacts
  offset: number
  signal: AbortSignal
}

/** One pass over the video. A second, tiny output tells whether anything moves. */
async function cutOnce(pass: Pass): Promise<{ files: string[]; moves: boolean }> {
  const { video, folder, loop, wanted, facts, offset, signal } = pass
  const list = join(folder, `loop${loop}.csv`)
  const small = join(folder, `loop${loop}.gray`)
  const { width, height, frameRate } = facts
  const shape = `scale=${width}:${height},setsar=1,format=yuv420p`
  const picture = ['yadif=deint=interlaced', `fps=${frameRate}`, ...variation(loop), shape].join(',')
  const graph = `[0:v:0]${picture},split[v][a];[a]fps=2,scale=${SMALL.width}:${SMALL.height},format=gray[m]`
  const limit = ['-t', String(wanted * SEGMENT_SECONDS)]
  await runFfmpeg(
    [
      ...['-i', video, '-filter_complex', graph],
      ...['-map', '[v]', '-map', '0:a:0?', ...limit, '-c:v', 'libx264', '-preset', 'veryfast', '-threads', '2', '-bf', '0'],
      ...['-b:v', '2000k', '-maxrate', '2500k', '-bufsize', '2500k', '-g', '9999', '-sc_threshold', '0'],
      ...['-force_key_frames', `expr:gte(t,n_forced*${SEGMENT_SECONDS})`, '-forced-idr', '1', '-flags', '+cgop'],
      ...['-c:a', 'aac', '-b:a', '64k', '-ac', '2', '-ar', '44100', '-output_ts_offset', String(offset)],
      ...['-f', 'segment', '-segment_time', String(SEGMENT_SECONDS), '-segment_time_delta', '0.01', '-segment_format', 'mpegts'],
      ...['-segment_list', list, '-segment_list_type', 'csv', join(folder, `loop${loop}-%04d.ts`)],
      ...['-map', '[m]', ...limit, '-f', 'rawvideo', small],
    ],
    { signal, timeoutMs: 300_000 },
  ).catch((error: unknown) => {
    if (isFishermanError(error) && error.blame === 'theirs')
      throw problem('video-unreadable', `${video} cannot be cut (${error.message})`)
    throw error
  })
  const rows = (await readFile(list, 'utf8')).split('\n').filter(Boolean)
  const files = rows
    .map((row) => row.split(','))
    .filter(([, start, end]) => Number(end) - Number(start) >= SHORTEST_SECONDS)
    .map(([name]) => join(folder, name as string))
  return { files, moves: hasMotion(await readFile(small)) }
}

/** Size of the pictures that tell whether anything moves, and the mean step of a pixel that counts: an encoder's noise is below it. */
const SMALL = { width: 32, height: 18 }
const MOTION = 0.5

function hasMotion(pictures: Uint8Array): boolean {
  const size = SMALL.width * SMALL.height
  for (let at = size; at + size <= pictures.length; at += size) {
    let sum = 0
    for (let i = 0; i < size; i++) sum += Math.abs((pictures[at + i] ?? 0) - (pictures[i] ?? 0))
    if (sum / size > MOTION) return true
  }
  return false
}

interface VideoFacts {
  seconds: number
  /** As ffmpeg writes it: 30 or 30000/1001. */
  frameRate: string
  /** Size of the segments. */
  width: number
  height: number
}

/** More frames than this a second cost time and show nothing new. */
const MAX_FRAME_RATE = 31

async function probe(video: string, signal: AbortSignal): Promise<VideoFacts> {
  await access(video, constants.R_OK).catch((cause: unknown) => {
    throw problem('video-missing', `${video} cannot be read; give the path of a video file`, cause)
  })
  const entries = 'stream=width,height,sample_aspect_ratio,avg_frame_rate,duration:stream_side_data=rotation:format=duration'
  const json = await runFfmpeg(['-select_streams', 'v:0', '-show_entries', entries, '-of', 'json', video], {
    ...{ signal, timeoutMs: 30_000, program: 'ffprobe' },
  }).catch((error: unknown) => {
    if (blameOf(error) === 'theirs') throw problem('video-unreadable', `${video} is not a video that ffmpeg can read`)
    throw error
  })
  const { streams, format } = probed.parse(JSON.parse(json))
  const stream = streams?.[0]
  if (!stream?.width || !stream.height) throw problem('video-none', `${video} holds no video track`)
  const turned = stream.side_data_list?.some((item) => Math.abs(item.rotation ?? 0) % 180 === 90) ?? false
  const [sarX, sarY] = (stream.sample_aspect_ratio ?? '').split(':').map(Number)
  const square = stream.width * (sarX && sarY ? sarX / sarY : 1)
  const [width, height] = turned ? [stream.height, square] : [square, stream.height]
  const factor = Math.min(1, 360 / Math.min(width, height), 640 / Math.max(width, height))
  const even = (side: number) => Math.max(16, 2 * Math.round((side * factor) / 2))
  const [frames, per] = (stream.avg_frame_rate ?? '').split('/').map(Number)
  const rate = frames && per ? frames / per : 0
  return {
    seconds: Number(stream.duration ?? format?.duration ?? 0) || 0,
    frameRate: rate >= 5 && rate <= MAX_FRAME_RATE ? `${frames}/${per}` : '30',
    width: even(width),
    height: even(height),
  }
}

const probed = z.object({
  streams: z
    .array(
      z.object({
        width: z.number().optional(),
        height: z.number().optional(),
        sample_aspect_ratio: z.string().optional(),
        avg_frame_rate: z.string().optional(),
        duration: z.string().optional(),
        side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
      }),
    )
    .optional(),
  format: z.object({ duration: z.string().optional() }).optional(),
})

function problem(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
