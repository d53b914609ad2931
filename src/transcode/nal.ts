import { BitReader } from './bits.ts'
import { Reading } from './reading.ts'
import type { SequenceFacts } from './types.ts'

/** NAL units of an Annex B byte stream with their offsets: what lies between start codes 00 00 01. */
export function splitAnnexB(bytes: Buffer, reading = new Reading()): { offset: number; nal: Buffer }[] {
  const start = Buffer.from([0, 0, 1])
  const found: { offset: number; nal: Buffer }[] = []
  let at = bytes.indexOf(start)
  while (at >= 0) {
    const next = bytes.indexOf(start, at + 3)
    let end = next < 0 ? bytes.length : next
    // Trailing zeros belong to the next start code, or are padding.
    while (end > at + 3 && bytes[end - 1] === 0) end--
    if (end > at + 3) {
      if (reading.take(1) === 0) break
      found.push({ offset: at, nal: bytes.subarray(at + 3, end) })
    }
    at = next
  }
  return found
}

/** NAL units of an MP4 or FLV sample: each with its length in front. A length beyond the sample ends the list. */
export function splitLengths(sample: Buffer, lengthSize: number, reading = new Reading()): Buffer[] {
  const nals: Buffer[] = []
  let at = 0
  while (at + lengthSize <= sample.length) {
    const length = sample.readUIntBE(at, lengthSize)
    at += lengthSize
    if (length === 0 || at + length > sample.length || reading.take(1) === 0) break
    nals.push(sample.subarray(at, at + length))
    at += length
  }
  return nals
}

export type NalKind = 'slice' | 'key-slice' | 'sequence' | 'picture' | 'other'

/** What one NAL unit is. H.264: table 7-1; H.265: table 7-1 (IRAP 16..23, VPS 32, SPS 33, PPS 34). */
export function nalKind(nal: Uint8Array, codec: 'h264' | 'hevc'): NalKind {
  const head = nal[0] ?? 0
  if (codec === 'h264') {
    const type = head & 31
    if (type === 5) return 'key-slice'
    if (type >= 1 && type <= 4) return 'slice'
    return type === 7 ? 'sequence' : type === 8 ? 'picture' : 'other'
  }
  const type = (head >> 1) & 63
  if (type >= 16 && type <= 23) return 'key-slice'
  if (type < 16) return 'slice'
  return type === 33 ? 'sequence' : type === 34 ? 'picture' : 'other'
}

/** Whether a picture is one that a decoder can begin with and show everything after it: IDR, not a clean random access of H.265. */
export function isIdr(nal: Uint8Array, codec: 'h264' | 'hevc'): boolean {
  const head = nal[0] ?? 0
  return codec === 'h264' ? (head & 31) === 5 : [19, 20].includes((head >> 1) & 63)
}

/** `frame_num` of an H.264 slice (7.3.3): counts reference pictures, so that a lost one leaves a gap. */
export function frameNumber(nal: Uint8Array, bits: number): number {
  const r = new BitReader(nal.subarray(1, 32))
  r.ue()
  r.ue()
  r.ue()
  return r.bits(bits)
}

/** Whether a slice begins a new picture: first_mb_in_slice is 0 (a leading 1 bit), or first_slice_segment_in_pic_flag. */
export function beginsPicture(nal: Uint8Array, codec: 'h264' | 'hevc'): boolean {
  return ((nal[codec === 'h264' ? 1 : 2] ?? 0) & 0x80) !== 0
}

/** Id of a picture parameter set. */
export function pictureSetId(nal: Uint8Array, codec: 'h264' | 'hevc'): number {
  return new BitReader(nal.subarray(codec === 'h264' ? 1 : 2, 24)).ue()
}

const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

function h264Sequence(nal: Uint8Array): SequenceFacts {
  const profile = nal[1] ?? 0
  const r = new BitReader(nal.subarray(4))
  r.ue() // seq_parameter_set_id
  let chroma = 1
  let bitDepth = 8
  if (HIGH_PROFILES.has(profile)) {
    chroma = r.ue()
    if (chroma === 3) r.skip(1)
    bitDepth = Math.max(8 + r.ue(), 8 + r.ue())
    r.skip(1)
    if (r.bits(1) === 1) skipScalingLists(r, chroma === 3 ? 12 : 8)
  }
  const frameNumBits = r.ue() + 4
  const pocType = r.ue()
  if (pocType === 0) r.ue()
  else if (pocType === 1) {
    r.skip(1)
    r.se()
    r.se()
    const cycle = Math.min(r.ue(), 255)
    for (let i = 0; i < cycle; i++) r.se()
  }
  r.ue() // max_num_ref_frames
  const gaps = r.bits(1) === 1
  const widthUnits = r.ue() + 1
  const heightUnits = r.ue() + 1
  const frameOnly = r.bits(1)
  if (frameOnly === 0) r.skip(1)
  r.skip(1)
  const crop = r.bits(1) === 1 ? [r.ue(), r.ue(), r.ue(), r.ue()] : [0, 0, 0, 0]
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1
  const unitY = (chroma === 1 ? 2 : 1) * (2 - frameOnly)
  return {
    width: widthUnits * 16 - unitX * ((crop[0] ?? 0) + (crop[1] ?? 0)),
    height: heightUnits * 16 * (2 - frameOnly) - unitY * ((crop[2] ?? 0) + (crop[3] ?? 0)),
    chroma,
    bitDepth,
    progressive: frameOnly === 1,
    frameNumBits: Math.min(16, frameNumBits),
    oddities: [...(gaps ? (['frame-gaps'] as const) : []), ...(isFullRange(r) ? (['full-range'] as const) : [])],
  }
}

/** Whether the VUI that begins here says that luma runs from 0 to 255 (H.264 E.1.1): encoders squeeze it, or do not. */
function isFullRange(r: BitReader): boolean {
  if (r.bits(1) === 0) return false
  if (r.bits(1) === 1 && r.bits(8) === 255) r.skip(32)
  if (r.bits(1) === 1) r.skip(1)
  if (r.bits(1) === 0) return false
  r.skip(3)
  return r.bits(1) === 1
}

function skipScalingLists(r: BitReader, lists: number): void {
  for (let i = 0; i < lists; i++) {
    if (r.bits(1) === 0) continue
    let last = 8
    let next = 8
    for (let j = 0; j < (i < 6 ? 16 : 64); j++) {
      if (next !== 0) next = (last + r.se() + 256) % 256
      last = next === 0 ? last : next
    }
  }
}

function hevcSequence(nal: Uint8Array): SequenceFacts {
  const r = new BitReader(nal.subarray(2))
  r.skip(4)
  const subLayers = r.bits(3)
  r.skip(1)
  r.skip(40)
  const progressive = r.bits(1) === 1
  const interlaced = r.bits(1) === 1
  r.skip(46 + 8)
  const present = Array.from({ length: subLayers }, () => [r.bits(1), r.bits(1)] as const)
  if (subLayers > 0) r.skip(2 * (8 - subLayers))
  for (const [profile, level] of present) r.skip(88 * profile + 8 * level)
  r.ue()
  const chroma = r.ue()
  if (chroma === 3) r.skip(1)
  const width = r.ue()
  const height = r.ue()
  const crop = r.bits(1) === 1 ? [r.ue(), r.ue(), r.ue(), r.ue()] : [0, 0, 0, 0]
  const bitDepth = Math.max(8 + r.ue(), 8 + r.ue())
  return {
    width: width - (chroma === 1 || chroma === 2 ? 2 : 1) * ((crop[0] ?? 0) + (crop[1] ?? 0)),
    height: height - (chroma === 1 ? 2 : 1) * ((crop[2] ?? 0) + (crop[3] ?? 0)),
    chroma,
    bitDepth,
    progressive: progressive || !interlaced,
    frameNumBits: 0,
    oddities: [],
  }
}

/** Reads a sequence parameter set (H.264 7.3.2.1.1, H.265 7.3.2.2). Nonsense in gives nonsense numbers out, never a throw. */
export function sequenceFacts(nal: Uint8Array, codec: 'h264' | 'hevc'): SequenceFacts {
  return codec === 'h264' ? h264Sequence(nal) : hevcSequence(nal)
}
