import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './cache.ts'

export interface Ladder {
  source: string
  renditions: readonly Rung[]
}

export interface Rung {
  path: string
  width: number
  height: number
  bitrate: number
}

/** The usual ladder under 1080 lines. */
const RUNGS = [
  { width: 1280, height: 720, bitrate: 4_000_000 },
  { width: 854, height: 480, bitrate: 1_600_000 },
  { width: 640, height: 360, bitrate: 1_200_000 },
  { width: 426, height: 240, bitrate: 600_000 },
] as const
const SECONDS = 4
const X264 = ['-an', '-c:v', 'libx264', '-threads', '1', '-pix_fmt', 'yuv420p', '-fps_mode', 'passthrough']

function rate(bitrate: number): string[] {
  return ['-b:v', String(bitrate), '-maxrate', String(bitrate), '-bufsize', String(bitrate)]
}

/** Real footage where a corpus has it, else a fractal under a gliding window with a test card that flies across. */
function scene(corpus: string | undefined, fps: number): { inputs: string[]; filter: string; files: Record<string, string> } {
  const footage = corpus === undefined ? undefined : join(corpus, 'natural', 'master_2s_1080.mp4')
  if (footage !== undefined && existsSync(footage)) {
    return { inputs: ['-stream_loop', '3', '-i', '@clip'], filter: `[0:v]fps=${fps}`, files: { clip: footage } }
  }
  const still = 'mandelbrot=size=2600x1500:rate=1:start_scale=0.02:maxiter=300'
  return {
    inputs: ['-f', 'lavfi', '-i', still, '-f', 'lavfi', '-i', `testsrc2=s=480x270:r=${fps}`],
    filter:
      `[0]trim=end_frame=1,loop=-1:1:0,fps=${fps},setpts=N/${fps}/TB,crop=1920:1080:x='100+t*120':y='60+t*60'[a];` +
      `[a][1]overlay=x='60+t*180':y='700-t*60'`,
    files: {},
  }
}

/** Four seconds of 1080p at 6 Mbit/s and its four renditions; made once and kept in `dir`. */
export async function ladderOf(dir: string, corpus: string | undefined, fps: number): Promise<Ladder> {
  const { inputs, filter, files } = scene(corpus, fps)
  const source = await build(
    dir,
    'ts',
    [
      [
        ...inputs,
        ...['-filter_complex', `${filter},format=yuv420p`, '-t', String(SECONDS)],
        ...[...X264, '-preset', 'fast', ...rate(6_000_000), '-g', String(2 * fps), '-f', 'mpegts', '@out'],
      ],
    ],
    files,
  )
  const renditions = await Promise.all(
    RUNGS.map(async (rung) => ({
      ...rung,
      path: await build(
        dir,
        'ts',
        [
          [
            ...['-i', '@source', '-vf', `scale=${rung.width}:${rung.height}`],
            ...[...X264, '-preset', 'veryfast', ...rate(rung.bitrate), '-g', String(2 * fps), '-f', 'mpegts', '@out'],
          ],
        ],
        { source },
      ),
    })),
  )
  return { source, renditions }
}
