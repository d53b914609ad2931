import { join } from 'node:path'
import type { Profile } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import { type DecodeRun, inputOptions } from './decode.ts'
import { runFfmpeg } from './ffmpeg.ts'
import type { Control, HardwareUse } from './hardware/types.ts'
import { outputSize } from './size.ts'
import type { MediaFacts } from './types.ts'

/** Two honest encoders: what go-livepeer uses in software, and the fastest that an honest hurried node might use. */
export const CONTROL_PRESETS = ['medium', 'veryfast'] as const

const X264_PROFILE: Readonly<Record<number, string>> = { 1: 'baseline', 2: 'main', 3: 'high', 4: 'high' }

/** Rate, profile and key frame options as lpms sets them for software (its ffmpeg.go; table in the research notes). */
function encoderOptions(profile: Profile, preset: string): string[] {
  const rate = String(profile.bitrate)
  const options = ['-c:v', 'libx264', '-preset', preset, '-threads', '1', '-forced-idr', '1', '-pix_fmt', 'yuv420p']
  if (profile.quality > 0) options.push('-crf', String(profile.quality), '-maxrate', rate, '-bufsize', rate)
  else options.push('-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate)
  // Baseline has no B frames; "constrained high" means high without them.
  options.push('-bf', profile.h264Profile === 1 || profile.h264Profile === 4 ? '0' : '3')
  const name = X264_PROFILE[profile.h264Profile]
  if (name) options.push('-profile:v', name)
  if (profile.gopMs === -1) options.push('-g', '1')
  else if (profile.gopMs > 0) options.push('-force_key_frames', `expr:gte(t,n_forced*${profile.gopMs / 1000})`)
  return options
}

type ControlRun = DecodeRun & { label: string; presets: readonly string[] }

/**
 * Our own honest re-transcodes of a source for one claim. With `hardware`, which is for everyday jobs, one control of a device
 * stands for all presets. A failure here is never the node's fault.
 */
export async function encodeControls(
  source: { path: string; facts: MediaFacts },
  profile: Profile,
  run: ControlRun,
  hardware?: HardwareUse,
): Promise<Control[]> {
  const software = (): Promise<Control[]> => encodeInSoftware(source, profile, run)
  return hardware ? await hardware.control(source, profile, run, software) : await software()
}

/** x264 with one thread, so that every machine with this build makes the same. */
async function encodeInSoftware(
  source: { path: string; facts: MediaFacts },
  profile: Profile,
  run: ControlRun,
): Promise<Control[]> {
  const size = outputSize(source.facts, profile)
  const rate = profile.fpsNum > 0 ? `,fps=${profile.fpsNum}/${profile.fpsDen}` : ''
  const outputs = run.presets.map((preset) => ({ preset, path: join(run.folder, `control-${run.label}-${preset}.ts`) }))
  const labels = outputs.map((_, i) => `[c${i}]`)
  const result = await runFfmpeg(
    run.wrapper,
    {
      inputs: [{ path: source.path, options: inputOptions(source.facts) }],
      filter: `sws_flags=bicubic+accurate_rnd+bitexact;[0:v:0]scale=${size.width}:${size.height}:flags=bicubic+accurate_rnd+bitexact${rate},format=yuv420p,split=${outputs.length}${labels.join('')}`,
      outputs: outputs.map(({ preset, path }, i) => ({
        path,
        options: [
          '-map',
          labels[i] ?? '',
          ...(profile.fpsNum > 0 ? [] : ['-fps_mode', 'passthrough']),
          ...encoderOptions(profile, preset),
          '-f',
          'mpegts',
        ],
      })),
    },
    { wallMs: run.limits.wallMs, signal: run.signal },
  )
  if (!result.ok) {
    throw new FishermanError({
      code: 'control-failed',
      message: `our own re-transcode failed: ${result.lines.findLast((line) => line.includes('[error]')) ?? 'no reason given'}`,
      blame: 'ours',
    })
  }
  return outputs
}
