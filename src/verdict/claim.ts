import type { Profile } from '../../proofs/types.ts'
import type { MediaFacts } from '../transcode/types.ts'

/** The order, or where there is none the claim that a container makes for itself. */
export function claimedProfile(ordered: Profile | undefined, own: MediaFacts, source: MediaFacts): Profile {
  if (ordered) return ordered
  const sameRate = own.fps === 0 || (source.fps > 0 && Math.abs(own.fps / source.fps - 1) <= 0.02)
  return {
    width: own.width,
    height: own.height,
    // x264 refuses less than a kilobit.
    bitrate: Math.max(1000, own.bitrate),
    fpsNum: sameRate ? 0 : Math.round(own.fps * 1000),
    fpsDen: sameRate ? 1 : 1000,
    codec: 0,
    h264Profile: 0,
    gopMs: 0,
    container: own.container === 'mp4' ? 1 : 0,
    quality: 0,
  }
}

/** Whether a container says in which codec its video is, be it one that we read or not. */
export function isNamedCodec({ codec, codecName }: MediaFacts): boolean {
  return codec !== -1 || !['none', 'other'].includes(codecName)
}

/** Pictures a second that an order names; 0 where they are to be the source's. */
export function orderedRate({ fpsNum, fpsDen }: Profile): number {
  return fpsNum > 0 ? fpsNum / Math.max(1, fpsDen) : 0
}

/** Pictures that a source has at this rate; at 0, its own. */
export function framesAtRate({ durationMs, frames }: MediaFacts, fps: number): number {
  return fps > 0 ? (durationMs * fps) / 1000 : frames
}
