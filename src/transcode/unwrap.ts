import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DEMUXER, type DecodeRun, RAW } from './decode.ts'
import { type FfmpegResult, runFfmpeg } from './ffmpeg.ts'
import { isDecodable, type JobFile, openFile } from './job.ts'
import type { Container } from './types.ts'

/** Only these may be opened by what looks into a file of unknown content. */
const DECODERS = 'h264,hevc'

/** Bytes that the wrapping of a small picture takes in a transport stream, and that one packet may go beyond a limit. */
const PACKET_BYTES = 376
const SPARE_BYTES = 16 * 2 ** 20

/**
 * `read`: the video as it came out of its container, in a file of its own. `nothing`: ffmpeg finds no picture in it either. `unread`:
 * it shows something, and we still cannot read it, which is no fault of anybody.
 */
export type Unwrapped = { is: 'read'; file: JobFile } | { is: 'nothing' } | { is: 'unread' }

/**
 * A second reader for a file in which ours finds no picture, or not its size. ffmpeg takes the first video track out of the container, as a player
 * would, and nothing is encoded anew; what comes out is judged like any other. So a container that is only odd frames nobody, and
 * one that was made to confuse us hides nothing. `name` is that of a new file in the scratch folder.
 */
export async function unwrap(file: JobFile, name: string, run: DecodeRun): Promise<Unwrapped> {
  const { demuxed } = file
  if (!demuxed) return { is: 'nothing' }
  const { container, fileBytes, audioTracks } = demuxed.facts
  const path = join(run.folder, name)
  // A few bytes that are named over and over must not fill our disk. A sound copy is little larger than what it was taken from.
  const most = Math.min(2 * fileBytes + PACKET_BYTES * run.limits.frames, run.limits.fileBytes - SPARE_BYTES)
  const bounds = ['-fs', String(most), '-frames:v', String(run.limits.frames + 1)]
  const copied = await look(file.path, container, ['-c', 'copy', '-copyinkf', ...bounds, '-f', 'mpegts'], path, run)
  const taken = copied.ok && (await sizeOf(path)) > 0 ? await openFile(path, run) : undefined
  // One that is beyond our limits is judged by what it says of itself.
  if (taken?.demuxed && (taken.overLimit || isDecodable(taken))) {
    const own = { ...taken.demuxed, facts: { ...taken.demuxed.facts, fileBytes, audioTracks }, audio: demuxed.audio }
    return { is: 'read', file: { ...taken, demuxed: own } }
  }
  const picture = `${path}.picture`
  await look(file.path, container, ['-frames:v', '1', '-vf', 'scale=16:16', '-pix_fmt', 'gray', ...RAW], picture, run)
  return { is: (await sizeOf(picture)) > 0 ? 'unread' : 'nothing' }
}

async function look(
  path: string,
  container: Container,
  options: string[],
  output: string,
  run: DecodeRun,
): Promise<FfmpegResult> {
  const opened = ['-codec_whitelist', DECODERS, '-fflags', '+genpts', '-f', DEMUXER[container]]
  const job = {
    inputs: [{ path, options: opened }],
    filter: '',
    outputs: [{ path: output, options: ['-map', '0:v:0', ...options] }],
  }
  return await runFfmpeg(run.wrapper, job, { wallMs: run.limits.wallMs, signal: run.signal })
}

const sizeOf = async (path: string): Promise<number> =>
  await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
