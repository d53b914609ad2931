import type { Profile } from '../../../proofs/types.ts'
import type { HardwareName, VideoCodec } from './types.ts'

/** Bit rate, maximum and buffer are one number, as lpms sets them. */
function rateOf(profile: Profile): string[] {
  const rate = String(profile.bitrate)
  return ['-b:v', rate, '-maxrate', rate, '-bufsize', rate]
}

/** Key frames at least so often in time, where the order has no frame rate. */
function forcedKeys(profile: Profile): string[] {
  return profile.gopMs > 0 ? ['-force_key_frames', `expr:gte(t,n_forced*${profile.gopMs / 1000})`] : []
}

const NVENC_PROFILE: Readonly<Record<number, string>> = { 1: 'baseline', 2: 'main', 3: 'high', 4: 'high' }

/** The nvidia column of what lpms sets (table in the research notes): rate control and everything else are left to the preset. */
function nvenc(codec: VideoCodec, profile: Profile): string[] {
  const timed = profile.fpsNum > 0
  const named = codec === 'h264' ? NVENC_PROFILE[profile.h264Profile] : undefined
  // B frames only where the order names a profile that has them and the frame rate is fixed.
  const reordered = codec === 'h264' && timed && (profile.h264Profile === 2 || profile.h264Profile === 3)
  const options = ['-preset', 'medium', '-forced-idr', '1', ...(codec === 'hevc' ? ['-tier', 'high'] : [])]
  options.push(...rateOf(profile), '-minrate', String(profile.bitrate))
  // Its scale is about seven steps from that of x264.
  if (profile.quality > 0) options.push('-cq', String(Math.min(51, profile.quality + 7)))
  options.push('-bf', reordered ? '3' : '0', ...(named ? ['-profile:v', named] : []))
  if (profile.gopMs < 0) options.push('-g', '0')
  // lpms counts in whole frames a second and forgets the denominator.
  else if (profile.gopMs > 0 && timed) options.push('-g', String(Math.floor((profile.gopMs / 1000) * profile.fpsNum)))
  else options.push(...forcedKeys(profile))
  return options
}

const H264_NAMES: Partial<Record<HardwareName, Readonly<Record<number, string>>>> = {
  vaapi: { 1: 'constrained_baseline', 2: 'main', 3: 'high', 4: 'high' },
  qsv: { 1: 'baseline', 2: 'main', 3: 'high', 4: 'high' },
  videotoolbox: { 1: 'baseline', 2: 'main', 3: 'high', 4: 'high' },
}
const OWN: Partial<Record<HardwareName, readonly string[]>> = {
  qsv: ['-preset', 'medium', '-forced_idr', '1'],
  videotoolbox: ['-realtime', '0', '-allow_sw', '0'],
}

/** No Livepeer node encodes with these: a plain honest encode at the ordered rate, without B frames, which many of them do not have. */
function plain(name: HardwareName, codec: VideoCodec, profile: Profile): string[] {
  const named = codec === 'h264' ? H264_NAMES[name]?.[profile.h264Profile] : undefined
  const keys = profile.gopMs < 0 ? ['-g', '1'] : forcedKeys(profile)
  return [...(OWN[name] ?? []), ...rateOf(profile), '-bf', '0', ...(named ? ['-profile:v', named] : []), ...keys]
}

/**
 * Options of a backend's encoder for an order, or undefined where it has none that mean the same: constant quality is a
 * scale of each encoder's own, and only that of NVENC has a known distance to that of x264.
 */
export function encoderOptions(name: HardwareName, codec: VideoCodec, profile: Profile): string[] | undefined {
  if (name === 'cuda-nvenc') return nvenc(codec, profile)
  return profile.quality > 0 ? undefined : plain(name, codec, profile)
}
