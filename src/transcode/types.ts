import type { Oddity } from './oddities.ts'
import type { Pictures } from './pictures.ts'

/** Containers that Livepeer nodes take and return; anything else is refused at the door, playlists above all. */
export type Container = 'mpegts' | 'mp4' | 'flv'

/** Numbers of `Profile.codec`; -1 is a codec that we do not know. */
export type CodecNumber = 0 | 1 | 2 | 3 | -1

/** One coded picture, in decode order. */
export interface AccessUnit {
  /** Presentation time in milliseconds; NaN where the container gives none. */
  ptsMs: number
  /** Random access point: IDR for H.264, IRAP for H.265. */
  key: boolean
  /** Bytes of the coded slices, without parameter sets, SEI and start codes. */
  bytes: number
  /** First 16 bytes of SHA-256 over those slices as hex: equal in TS and MP4, so that a re-wrapped copy is seen. */
  hash: string
}

/** What a video sequence header says. */
export interface SequenceFacts {
  width: number
  height: number
  /** H.264 chroma_format_idc: 1 is 4:2:0. */
  chroma: number
  bitDepth: number
  /** False where the stream may hold fields. */
  progressive: boolean
  /** H.264: bits of the number that counts reference pictures; 0 where there is none. */
  frameNumBits: number
  oddities: readonly Oddity[]
}

/** Facts of a file that need no decoder. */
export interface MediaFacts {
  container: Container
  fileBytes: number
  videoTracks: number
  audioTracks: number
  codec: CodecNumber
  codecName: string
  /** Displayed size in pixels of the first sequence header; 0 where there is none. */
  width: number
  height: number
  chroma: number
  bitDepth: number
  progressive: boolean
  /** Distinct sequence headers, plus picture headers that were redefined with other contents. */
  parameterSets: number
  /** An edit list that does more than take off the encoder's delay. */
  editList: boolean
  /** Coded pictures. */
  frames: number
  keyFrames: number
  firstIsKey: boolean
  /** All presentation times present and different. */
  timesOk: boolean
  /** Longest time between two pictures. */
  longestGapMs: number
  /** What lets two good decoders show different pictures. */
  oddities: readonly Oddity[]
  durationMs: number
  /** Mean frames per second; 0 where unknown. */
  fps: number
  /** Video bits per second. */
  bitrate: number
}

/** One coded audio frame, without the header that only a transport stream has. */
export interface AudioPacket {
  /** First 16 bytes of SHA-256, hex. */
  hash: string
  bytes: number
}

/** A file after demultiplexing. */
export interface Demuxed {
  facts: MediaFacts
  units: readonly AccessUnit[]
  /** The headers and the first coded picture as a bare elementary stream (Annex B); empty where there is none. */
  firstPicture: Uint8Array
  /** Audio frames of all tracks; undefined where one of them is in a codec that we do not read. */
  audio: readonly AudioPacket[] | undefined
}

/** 64x64 yuv444p pictures of a track in display order: 12288 bytes a frame (Y, U, V). */
export interface Planes {
  frames: number
  data: Uint8Array
  /** Milliseconds after the first frame. */
  timesMs: Float64Array
}

/** What the decoder made of one rendition, beside its planes. */
export interface DecodedRendition {
  planes: Planes
  /** Native luma of the sampled frames, and the source's scaled to the same size, both by frame number. */
  detail: { width: number; height: number; own: Pictures; source: Pictures } | undefined
  /** Native luma of the drawn frames, by frame number. */
  drawn: { width: number; height: number; frames: Pictures } | undefined
}

/** Limits that hold for every media job; hostile media is cut off by them. */
export interface MediaLimits {
  /** Bytes of one input file: go-livepeer's own limit of a segment. */
  fileBytes: number
  /** Decoded frames of one file: 300 s (go-livepeer's limit) at 60 fps. */
  frames: number
  /** Pixels of one picture: 4096 x 4096, the largest that go-livepeer's encoders make. */
  pixels: number
  /** Tracks of one file. */
  tracks: number
  /** Milliseconds of wall clock for one ffmpeg run. */
  wallMs: number
  /** CPU seconds of one ffmpeg run. */
  cpuSeconds: number
  /** Bytes of address space of one ffmpeg run. */
  addressBytes: number
  /** Bytes of one output file of a run. */
  outputBytes: number
}

export const MEDIA_LIMITS: MediaLimits = {
  fileBytes: 300_000_000,
  frames: 18_000,
  pixels: 4096 * 4096,
  tracks: 32,
  wallMs: 300_000,
  cpuSeconds: 300,
  addressBytes: 4 * 1024 ** 3,
  outputBytes: 1024 ** 3,
}
