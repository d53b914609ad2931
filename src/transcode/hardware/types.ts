import type { Profile } from '../../../proofs/types.ts'
import type { DecodedSet, DecodeInput, DecodeRun } from '../decode.ts'
import type { MediaFacts } from '../types.ts'

/** What decodes and encodes; `cuda-decode` is an NVIDIA card without an encoder, as data centres have them. */
export type BackendName = 'cuda-nvenc' | 'cuda-decode' | 'vaapi' | 'qsv' | 'videotoolbox' | 'software'
export type HardwareName = Exclude<BackendName, 'software'>
export type VideoCodec = 'h264' | 'hevc'
export type Want = 'decode' | 'encode'
/** How a picture comes to the encoder: it was decoded on the device and stays there, or is brought there from memory. */
export type Via = 'device' | 'memory'

/**
 * What a trial said. Only `trusted` is ever used; the others carry the one line that says why not: its pictures are not those of
 * software, it does not work, or there is no such device here.
 */
export type Ability =
  | { state: 'trusted'; via?: Via | undefined; scaler?: string | undefined }
  | { state: 'differs' | 'unavailable' | 'absent'; why: string }

export interface BackendReport {
  name: HardwareName
  /** Render node that was used, where a machine may have several. */
  node?: string | undefined
  /** Device files that a sandbox must let through. */
  devices: string[]
  decode: Record<VideoCodec, Ability>
  encode: Record<VideoCodec, Ability>
}

/** What this machine can do, as tried. */
export interface HardwareReport {
  tableVersion: number
  ffmpeg: { path: string; version: string }
  backends: BackendReport[]
}

/** How one input is decoded by hardware. */
export interface DecodeWay {
  /** In front of `-i`. */
  options: readonly string[]
  /** The device's own decoder, where it has one. */
  decoder: string | undefined
  /** Pixel format in which its pictures come to memory. */
  format: string
}

/** Decodes all inputs once; without a way an input is decoded in software. */
export type DecodeWith = (run: DecodeRun, ways: readonly (DecodeWay | undefined)[]) => Promise<DecodedSet | undefined>

export type Control = { preset: string; path: string }

export interface ControlSource {
  path: string
  facts: MediaFacts
}

/** Hardware for one everyday job. Whatever goes wrong with it, the job is done in software instead. */
export interface HardwareUse {
  decode(inputs: readonly DecodeInput[], run: DecodeRun, decodeWith: DecodeWith): Promise<DecodedSet | undefined>
  control(
    source: ControlSource,
    profile: Profile,
    run: DecodeRun & { label: string },
    software: () => Promise<Control[]>,
  ): Promise<Control[]>
}
