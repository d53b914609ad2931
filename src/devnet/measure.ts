import { FishermanError } from '../base/errors.ts'
import { runFfmpeg } from './ffmpeg.ts'

/** What a file of video really holds, read from its packets. */
export interface Measured {
  width: number
  height: number
  frames: number
  durationMs: number
}

/** Reads the first video track of each file in one pass, without decoding. */
export async function measureAll(files: readonly string[], options: { signal: AbortSignal }): Promise<Measured[]> {
  const inputs = files.flatMap((file) => ['-i', file])
  const maps = files.flatMap((_, i) => ['-map', `${i}:v:0`])
  const text = await runFfmpeg([...inputs, ...maps, '-copyts', '-c', 'copy', '-f', 'framecrc', '-'], {
    signal: options.signal,
    timeoutMs: 20_000,
  })
  return files.map((_, stream) => readTrack(text, stream))
}

/** framecrc prints `#dimensions 0: 426x240`, `#tb 0: 1/90000` and a line `stream, dts, pts, duration, size, crc` for each packet. */
export function readTrack(text: string, stream: number): Measured {
  const size = new RegExp(`^#dimensions ${stream}: (\\d+)x(\\d+)$`, 'm').exec(text)
  const base = new RegExp(`^#tb ${stream}: (\\d+)/(\\d+)$`, 'm').exec(text)
  let frames = 0
  let first = Number.POSITIVE_INFINITY
  let end = Number.NEGATIVE_INFINITY
  for (const line of text.split('\n')) {
    const [index, , pts, duration] = line.split(',').map((field) => field.trim())
    if (index !== String(stream) || pts === undefined) continue
    frames++
    first = Math.min(first, Number(pts))
    end = Math.max(end, Number(pts) + Number(duration))
  }
  if (!size || !base || frames === 0)
    throw new FishermanError({ code: 'no-video', message: 'the segment holds no video packets', blame: 'theirs' })
  const durationMs = Math.round(((end - first) * 1000 * Number(base[1])) / Number(base[2]))
  return { width: Number(size[1]), height: Number(size[2]), frames, durationMs: Math.max(0, durationMs) }
}
