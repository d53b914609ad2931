import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { COMPLAINT, type DecodeRun, EXACT, inputOptions, RAW, TO_PLANES } from '../decode.ts'
import { runFfmpeg } from '../ffmpeg.ts'
import { demux } from '../probe.ts'
import { loggedTrack } from '../shown.ts'
import type { ControlSource, DecodeWay, VideoCodec } from './types.ts'
import { whyOf } from './why.ts'

/** Pictures of the self-test clip: two groups, each with B frames that refer to B frames. */
const FRAMES = 36
/**
 * A moving test card with noise, so that all kinds of blocks and vectors occur; neither side is a whole number of blocks, so
 * that cropping shows.
 */
const CARD = 'testsrc2=size=426x240:rate=30,noise=alls=6:allf=t:all_seed=1,format=yuv420p'
/** One thread and fixed settings: the same clip each time. Quick, with what quick settings leave out of a stream put back. */
const ENCODE: Record<VideoCodec, readonly string[]> = {
  h264: ['-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast', '-x264-params', 'ref=4:partitions=all', '-crf', '20'],
  hevc: ['-c:v', 'libx265', '-x265-params', 'pools=none:frame-threads=1:log-level=error', '-preset', 'veryfast', '-crf', '22'],
}
/** What runs in front of a first input elsewhere; this job has none. */
const GLOBAL = ['-hide_banner', '-nostdin', '-loglevel', 'repeat+level+info', '-filter_complex_threads', '1']

/** Makes the self-test clip in software. */
export async function makeClip(codec: VideoCodec, run: DecodeRun, frames = FRAMES): Promise<ControlSource | { why: string }> {
  const path = join(run.folder, `self-test-${codec}${frames === FRAMES ? '' : `-${frames}`}.ts`)
  const result = await runFfmpeg(
    run.wrapper,
    {
      inputs: [],
      filter: `${CARD}[card]`,
      outputs: [
        {
          path,
          options: [
            ...GLOBAL,
            '-map',
            '[card]',
            '-frames:v',
            String(frames),
            ...ENCODE[codec],
            '-bf',
            '3',
            '-g',
            '24',
            '-f',
            'mpegts',
          ],
        },
      ],
    },
    { wallMs: run.limits.wallMs, signal: run.signal },
  )
  if (!result.ok) return { why: whyOf(result.lines) }
  return { path, facts: demux(await readFile(path)).facts }
}

export interface ClipPictures {
  frames: number
  /** The 64x64 pictures that verdicts rest on. */
  planes: Buffer
  /** Whole pictures, yuv420p. */
  native: Buffer
}

/** Decodes a clip to both sizes, in software or by `way`, with the options and the graph of real jobs. */
export async function decodeClip(clip: ControlSource, run: DecodeRun, way?: DecodeWay): Promise<ClipPictures | { why: string }> {
  const [planes, native] = ['planes', 'native'].map((name) => join(run.folder, name)) as [string, string]
  const head = `${loggedTrack(0, clip.facts.frames, way)},split=2[p][n]`
  const result = await runFfmpeg(
    run.wrapper,
    {
      inputs: [{ path: clip.path, options: inputOptions(clip.facts, way) }],
      filter: `sws_flags=area+${EXACT};${head};[p]${TO_PLANES}[o0];[n]format=yuv420p[o1]`,
      outputs: [planes, native].map((path, i) => ({ path, options: ['-map', `[o${i}]`, ...RAW] })),
    },
    { wallMs: run.limits.wallMs, signal: run.signal },
  )
  if (!result.ok || result.lines.some((line) => COMPLAINT.test(line))) return { why: whyOf(result.lines) }
  const pictures = { planes: await readFile(planes), native: await readFile(native) }
  return { ...pictures, frames: Math.floor(pictures.planes.length / (64 * 64 * 3)) }
}
