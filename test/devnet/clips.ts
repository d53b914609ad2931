import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runFfmpeg } from '../../src/devnet/ffmpeg.ts'
import { cutSegments } from '../../src/devnet/segments.ts'

const never = new AbortController().signal

export interface Clips {
  folder: string
  segments: Buffer[]
  files: string[]
  clean(): Promise<void>
}

/** A short moving picture with sound, drawn by ffmpeg. */
export async function drawVideo(
  file: string,
  options: { seconds: number; size?: string; rate?: string; source?: string },
): Promise<void> {
  const { seconds, size = '640x360', rate = '30', source = 'testsrc2' } = options
  await runFfmpeg(
    [
      ...['-f', 'lavfi', '-i', `${source}=size=${size}:rate=${rate}:duration=${seconds}`],
      ...['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', file],
    ],
    { signal: never, timeoutMs: 30_000 },
  )
}

export async function drawSegments(count: number, size = '640x360'): Promise<Clips> {
  const folder = await mkdtemp(join(tmpdir(), 'fisherman-clips-'))
  await drawVideo(join(folder, 'video.mp4'), { seconds: 2 * count, size })
  const { files } = await cutSegments({ video: join(folder, 'video.mp4'), folder: join(folder, 'cut'), count, signal: never })
  return {
    folder,
    files,
    segments: await Promise.all(files.map((file) => readFile(file))),
    clean: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Luma of every frame at a small size: enough to see what a picture shows. */
export async function lookAt(file: string, width = 32, height = 18): Promise<number[][]> {
  const raw = `${file}.raw`
  const output = ['-map', '0:v:0', '-vf', `scale=${width}:${height},format=gray`, '-f', 'rawvideo', raw]
  await runFfmpeg(['-i', file, ...output], { signal: never, timeoutMs: 20_000 })
  const bytes = await readFile(raw)
  await rm(raw)
  const size = width * height
  return Array.from({ length: bytes.length / size }, (_, i) => [...bytes.subarray(size * i, size * (i + 1))])
}

/** Mean step between neighbours of a row: what a blurred picture lacks. */
export function sharpness(frame: readonly number[]): number {
  return frame.slice(1).reduce((sum, value, i) => sum + Math.abs(value - (frame[i] ?? 0)), 0) / frame.length
}

/** Root mean square difference of two small pictures. */
export function difference(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0) / a.length)
}
