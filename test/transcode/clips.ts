import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Clips made once and kept between runs, named by the command that makes them. */
const CACHE = join(tmpdir(), 'fisherman-test-clips')

/** Runs ffmpeg for a test; `OUT` in the arguments is the file that is returned. */
export function clip(extension: string, ...args: string[]): string {
  mkdirSync(CACHE, { recursive: true })
  const name = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 20)
  const path = join(CACHE, `${name}.${extension}`)
  if (existsSync(path)) return path
  const part = join(CACHE, `${name}.${process.pid}.part.${extension}`)
  const run = spawnSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args, part], { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${run.stderr}`)
  renameSync(part, path)
  return path
}

const X264 = ['-an', '-c:v', 'libx264', '-threads', '1', '-pix_fmt', 'yuv420p']

/**
 * Two seconds of a detailed picture that moves: a still fractal under a gliding window, with a smaller picture that flies
 * across. `second` is where in the stream the segment begins.
 */
export function movingSource(second = 0): string {
  const still = clip('png', '-f', 'lavfi', '-i', 'mandelbrot=size=1600x900:rate=1:start_scale=0.02:maxiter=300', '-frames:v', '1')
  const at = `(${second}+t)`
  const filter =
    `[0]crop=960:540:x='60+${at}*60':y='20+${at}*30',scale=640:360[a];` +
    `[a][1]overlay=x='20+${at}*60':y='240-${at}*20',hue=h=${second * 9},format=yuv420p`
  const still30 = ['-loop', '1', '-framerate', '30', '-t', '2', '-i', still]
  const overlay = ['-f', 'lavfi', '-t', '2', '-i', 'testsrc2=s=160x90:r=30']
  return clip(
    'ts',
    ...still30,
    ...overlay,
    '-filter_complex',
    filter,
    ...X264,
    '-preset',
    'veryfast',
    '-crf',
    '20',
    '-f',
    'mpegts',
  )
}

/** A 2 s cut of a natural clip, at most 640x360. */
export function naturalSource(file: string, second: number): string {
  const fit = "scale=w='min(640,iw)':h='min(360,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2,format=yuv420p"
  return clip(
    'ts',
    '-i',
    file,
    '-ss',
    String(second),
    '-t',
    '2',
    '-vf',
    fit,
    ...X264,
    '-preset',
    'veryfast',
    '-crf',
    '18',
    '-f',
    'mpegts',
  )
}

export interface Rung {
  width: number
  height: number
  kbit: number
}

/** A rendition as a small node makes it, with `filter` put after the scaling. */
export function rendition(
  source: string,
  rung: Rung,
  filter = '',
  options: readonly string[] = ['-preset', 'veryfast'],
  before = '',
): string {
  const rate = `${rung.kbit}k`
  const scale = `${before}scale=${rung.width}:${rung.height}${filter ? `,${filter}` : ''}`
  const cap = ['-b:v', rate, '-maxrate', rate, '-bufsize', rate]
  return clip('ts', '-i', source, '-vf', scale, '-fps_mode', 'passthrough', ...X264, ...options, ...cap, '-f', 'mpegts')
}

/** Supplemental information that is cut off: a decoder complains about each, and shows nothing the worse for it. */
const CUT_OFF = [6, 5, 200, 1, 1, 0x80]

/** A transport stream of ffmpeg's whose tenth picture is followed by a quarter of a million NAL units more. */
export function flooding(path: string, nal: readonly number[] = CUT_OFF, count = 250_000): Buffer {
  const bytes = readFileSync(path)
  const packets = Array.from({ length: bytes.length / 188 }, (_, i) => Buffer.from(bytes.subarray(i * 188, (i + 1) * 188)))
  const isVideo = (packet: Buffer): boolean => (packet.readUInt16BE(1) & 0x1fff) === 0x100
  const eleventh = packets.flatMap((packet, i) => (isVideo(packet) && ((packet[1] ?? 0) & 0x40) !== 0 ? [i] : []))[10]
  const load = Buffer.concat(Array<Buffer>(count).fill(Buffer.from([0, 0, 1, ...nal])))
  const more = Array.from({ length: Math.floor(load.length / 184) }, (_, i) =>
    Buffer.concat([Buffer.from([0x47, 1, 0, 0x10]), load.subarray(i * 184, (i + 1) * 184)]),
  )
  const all = [...packets.slice(0, eleventh), ...more, ...packets.slice(eleventh)]
  let counter = 0
  for (const packet of all.filter(isVideo)) {
    packet[3] = ((packet[3] ?? 0) & 0xf0) | counter
    counter = (counter + 1) & 15
  }
  return Buffer.concat(all)
}

/** The corpus of real footage, or undefined where this machine does not have it. */
export function corpus(): string | undefined {
  const repo = resolve(import.meta.dirname, '../..')
  return [process.env.FISHERMAN_CORPUS, join(repo, '../shared/corpus'), join(repo, '../../shared/corpus')].find(
    (path): path is string => path !== undefined && existsSync(join(path, 'natural')),
  )
}

export const scratch = join(tmpdir(), 'fisherman-test-scratch')
