import type { DecodeRun } from '../decode.ts'
import type { Build } from './build.ts'
import { type ClipPictures, decodeClip, makeClip } from './clip.ts'
import { softwareEncode } from './trial.ts'
import type { ControlSource, VideoCodec } from './types.ts'
import { whyThrown } from './why.ts'

export const CODECS: readonly VideoCodec[] = ['h264', 'hevc']
const LIBRARY: Record<VideoCodec, string> = { h264: 'libx264', hevc: 'libx265' }

export interface Clip {
  clip: ControlSource
  pictures: ClipPictures
}

/** What devices are tried on, all of it made by software; a string says why something is not there. */
export interface Material {
  clips: Record<VideoCodec, Clip | string>
  /** Software's own encode of the H.264 clip. */
  encoded: ClipPictures | string
}

async function clipOf(codec: VideoCodec, build: Build, run: DecodeRun): Promise<Clip | string> {
  const library = LIBRARY[codec]
  if (!build.encoders.has(library)) return `no self-test clip: this ffmpeg is built without ${library}`
  const clip = await makeClip(codec, run)
  if ('why' in clip) return `no self-test clip: ${clip.why}`
  const pictures = await decodeClip(clip, run)
  return 'why' in pictures ? `software does not decode the self-test clip: ${pictures.why}` : { clip, pictures }
}

export async function prepareMaterial(build: Build, run: DecodeRun): Promise<Material> {
  // An ffmpeg that cannot even do this in software says nothing about a device.
  const tell = (error: unknown): string => {
    run.signal?.throwIfAborted()
    return `no self-test clip: ${whyThrown(error)}`
  }
  const h264 = await clipOf('h264', build, run).catch(tell)
  const hevc = await clipOf('hevc', build, run).catch(tell)
  if (typeof h264 === 'string') return { clips: { h264, hevc }, encoded: h264 }
  const encoded = await softwareEncode(h264.clip, run).catch((error: unknown) => ({ why: tell(error) }))
  return { clips: { h264, hevc }, encoded: 'why' in encoded ? encoded.why : encoded }
}
