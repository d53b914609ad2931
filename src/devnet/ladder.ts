import { join } from 'node:path'
import type { Profile } from '../../proofs/types.ts'
import { outputSize } from '../transcode/size.ts'
import { runFfmpeg } from './ffmpeg.ts'

const BASE = { fpsNum: 0, fpsDen: 1, codec: 0, h264Profile: 0, gopMs: 0, container: 0, quality: 0 } as const

/** The rungs that the local network orders: go-livepeer's 240p and 144p, the source's timestamps kept. */
export const DEFAULT_LADDER: readonly Profile[] = [
  { ...BASE, width: 426, height: 240, bitrate: 600_000 },
  { ...BASE, width: 256, height: 144, bitrate: 400_000 },
]

/** How a rung is made: as ordered, from a third of its size, or with the first picture held. */
export type Make = 'honest' | 'upscale' | 'freeze'

export interface LadderInit {
  source: string
  sourceWidth: number
  sourceHeight: number
  profiles: readonly Profile[]
  make: Make
  preset: 'veryfast' | 'ultrafast'
  /** Folder that the outputs are written to. */
  folder: string
  signal: AbortSignal
}

const even = (value: number) => 2 * Math.floor(value / 2)

/** Transcodes all rungs in one process and returns their files, in the order of the profiles. */
export async function transcodeLadder(init: LadderInit): Promise<string[]> {
  const files = init.profiles.map((profile, i) => join(init.folder, `${i}.${profile.container === 1 ? 'mp4' : 'ts'}`))
  const outputs = init.profiles.flatMap((profile, i) => [
    ...['-map', `[o${i}]`, '-map', '0:a:0?'],
    ...encoder(profile, init.preset),
    files[i] as string,
  ])
  const input = ['-threads', '1', '-filter_complex_threads', '1', '-i', init.source]
  await runFfmpeg([...input, '-filter_complex', graph(init), '-copyts', ...outputs], { signal: init.signal, timeoutMs: 60_000 })
  return files
}

function graph({ profiles, make, sourceWidth, sourceHeight }: LadderInit): string {
  const labels = profiles.map((_, i) => `[i${i}]`).join('')
  // freezeframes takes pictures from its second input; frame 0 stays what it is.
  const held = 'split[a][b];[a][b]freezeframes=first=1:last=1000000:replace=0,'
  const head = `[0:v:0]${make === 'freeze' ? held : ''}split=${profiles.length}${labels}`
  const rungs = profiles.map((profile, i) => {
    const { width, height } = outputSize({ width: sourceWidth, height: sourceHeight }, profile)
    const small = make === 'upscale' ? `scale=${even(width / 3)}:${even(height / 3)},` : ''
    const fps = profile.fpsNum > 0 ? `,fps=${profile.fpsNum}/${profile.fpsDen}` : ''
    return `[i${i}]${small}scale=${width}:${height}${fps}[o${i}]`
  })
  return [head, ...rungs].join(';')
}

/** What lpms gives to libx264, with one thread. */
function encoder(profile: Profile, preset: string): string[] {
  const rate = String(profile.bitrate)
  const fixedRate = profile.fpsNum > 0
  const noB = profile.h264Profile === 1 || profile.h264Profile === 4
  const name = ['', 'baseline', 'main', 'high', 'high'][profile.h264Profile] ?? ''
  const seconds = profile.gopMs / 1000
  const gop =
    profile.gopMs < 0
      ? ['-g', '1']
      : profile.gopMs === 0
        ? []
        : fixedRate
          ? ['-g', String(Math.max(1, Math.floor(seconds * profile.fpsNum)))]
          : ['-force_key_frames', `expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+${seconds}))`]
  return [
    ...['-c:v', 'libx264', '-preset', preset, '-threads', '1', '-forced-idr', '1', '-pix_fmt', 'yuv420p'],
    ...['-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate, '-bf', noB ? '0' : '3'],
    ...(profile.quality > 0 ? ['-crf', String(profile.quality)] : []),
    ...(name ? ['-profile:v', name] : []),
    ...gop,
    ...(fixedRate ? [] : ['-fps_mode', 'passthrough']),
    ...['-c:a', 'copy', '-muxdelay', '0'],
    ...(profile.container === 1 ? ['-movflags', 'faststart', '-f', 'mp4'] : ['-f', 'mpegts']),
  ]
}
