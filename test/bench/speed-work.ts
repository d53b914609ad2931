import { spawn } from 'node:child_process'
import type { Profile } from '../../proofs/types.ts'
import { compare } from '../../src/fingerprint/features.ts'
import { packetSetOf } from '../../src/fingerprint/packets.ts'
import { contentOf, sourceTrackOf, trackOf } from '../../src/fingerprint/track.ts'
import type { Depth, Judge, JudgeRequest } from '../../src/judge.ts'
import type { DecodeInput } from '../../src/transcode/decode.ts'
import { decodeJob, openFile, type TranscodeInit, withScratch } from '../../src/transcode/job.ts'
import { displayTimes } from '../../src/transcode/stills.ts'
import type { Ladder } from './speed-media.ts'

export async function ffmpeg(args: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ${args.join(' ')}`))))
  })
}

const inputs = (ladder: Ladder): string[] =>
  [ladder.source, ...ladder.renditions.map(({ path }) => path)].flatMap((path) => ['-threads', '1', '-i', path])

/** Decodes the five files in one process, one thread each, and throws the pictures away: what no verifier can be cheaper than. */
export async function bareDecode(ladder: Ladder): Promise<void> {
  const files = [ladder.source, ...ladder.renditions]
  const outputs = files.flatMap((_, i) => ['-map', `${i}:v`, '-fps_mode', 'passthrough', '-f', 'null', '-'])
  await ffmpeg([...inputs(ladder), ...outputs])
}

/** Structural similarity of every full frame of the four renditions, the source scaled to each. */
export async function fullSsim(ladder: Ladder): Promise<void> {
  const sources = ladder.renditions.map((_, i) => `[s${i}]`).join('')
  const chains = ladder.renditions.map(
    ({ width, height }, i) => `[s${i}]scale=${width}:${height}:flags=bicubic[t${i}];[t${i}][${i + 1}:v]ssim[o${i}]`,
  )
  const outputs = ladder.renditions.flatMap((_, i) => ['-map', `[o${i}]`, '-f', 'null', '-'])
  const filter = `[0:v]split=${ladder.renditions.length}${sources};${chains.join(';')}`
  await ffmpeg(['-filter_complex_threads', '1', ...inputs(ladder), '-filter_complex', filter, ...outputs])
}

/** Makes the four renditions again, as quickly as a hurried node would. */
export async function reencode(ladder: Ladder): Promise<void> {
  const outputs = ladder.renditions.flatMap(({ width, height, bitrate }) => [
    ...['-map', '0:v', '-vf', `scale=${width}:${height}`, '-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast'],
    ...['-b:v', String(bitrate), '-maxrate', String(bitrate), '-bufsize', String(bitrate), '-f', 'null', '-'],
  ])
  await ffmpeg(['-threads', '1', '-i', ladder.source, ...outputs])
}

export function requestOf(ladder: Ladder, depth: Depth): JudgeRequest {
  const base = { fpsNum: 0, fpsDen: 1, codec: 0, h264Profile: 0, gopMs: 0, container: 0, quality: 0 }
  return {
    source: ladder.source,
    depth,
    renditions: ladder.renditions.map(({ path, width, height, bitrate }) => {
      const profile: Profile = { ...base, width, height, bitrate }
      return { path, profile }
    }),
  }
}

/** Judges a ladder; honest work that does not pass would be measured on another path than the usual one. */
export async function judged(judge: Judge, ladder: Ladder, depth: 'screen' | 'check'): Promise<void> {
  const result = await judge.judge(requestOf(ladder, depth))
  const odd = result.renditions.filter(({ verdict }) => verdict === 'fail' || (depth === 'check' && verdict !== 'pass'))
  if (odd.length > 0)
    throw new Error(`the ladder does not pass: ${odd.map(({ path, verdict }) => `${path} ${verdict}`).join(', ')}`)
}

/** A check without the detail bands, put together from the same parts. */
export async function checkWithoutBands(init: TranscodeInit, ladder: Ladder): Promise<void> {
  await withScratch(init, undefined, async (run) => {
    const paths = [ladder.source, ...ladder.renditions.map(({ path }) => path)]
    const files = await Promise.all(paths.map((path) => openFile(path, run)))
    const demuxed = files.flatMap((file) => file.demuxed ?? [])
    const [source, ...renditions] = demuxed.map(({ facts, units }, i): DecodeInput => {
      return { path: paths[i] ?? '', facts, timesMs: displayTimes(units) }
    })
    if (!source || renditions.length !== ladder.renditions.length) throw new Error('a file of the ladder is no media')
    const { set } = await decodeJob(source, renditions, run, false)
    if (!set) throw new Error('the ladder does not decode')
    const track = sourceTrackOf(set.source)
    contentOf(track)
    set.renditions.forEach(({ planes }, i) => {
      compare(track, trackOf(planes))
      packetSetOf(demuxed[i + 1]?.units ?? [], demuxed[0]?.units ?? [], track)
    })
  })
}
