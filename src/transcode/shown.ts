import type { DecodeWay } from './hardware/types.ts'
import type { MediaFacts } from './types.ts'

// What a decoder says of each picture that it gives: its time and its size, by a filter that writes both into the log.

/**
 * A track whose pictures are logged as its decoder gives them; side data is dropped before, or a hostile stream could fill our log
 * with it. Those of a device are fetched from it, and then get their chroma in two planes, which moves bytes and changes none.
 */
export function loggedTrack(i: number, frames: number, way?: DecodeWay): string {
  const log = `${upTo(frames)},sidedata=mode=delete,showinfo@track${i}=checksum=0`
  return way ? `[${i}:v:0]hwdownload,format=${way.format},${log},format=yuv420p` : `[${i}:v:0]${log}`
}

/** One picture more than there can be: a surplus must be seen, and not be decoded to its end, which only the file knows. */
export const upTo = (frames: number): string => `trim=end_frame=${frames + 1}`

/** Frame times in milliseconds after the first frame, from the log lines of each input's showinfo filter. */
export function frameTimes(lines: readonly string[], inputs: number): { timesMs: number[][]; sizes: Set<string>[] } {
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

/**
 * Whether all pictures have one size, and it is that of the header which we judge by: another one may stand in front of it, and be used by
 * none. A device may also leave the coded size uncropped, which no decoder in software does.
 */
export function isOfItsSize(sizes: ReadonlySet<string> | undefined, { width, height }: MediaFacts): boolean {
  return sizes?.size === 1 && [...sizes].every((size) => size.endsWith(` ${width}x${height}`))
}
