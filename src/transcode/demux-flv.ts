import { audioPacket } from './audio.ts'
import { splitLengths } from './nal.ts'
import { oddlyMany } from './oddities.ts'
import { Reading } from './reading.ts'
import type { ElementaryStream } from './stream.ts'
import type { AudioPacket } from './types.ts'

/** Reads the tags of a Flash video file. H.264 is codec 7 of the video tag header. Never throws on hostile bytes. */
export function demuxFlv(bytes: Buffer): ElementaryStream {
  const nals: { nal: Uint8Array; ptsMs: number; packet: number }[] = []
  let at = bytes.length >= 9 ? bytes.readUInt32BE(5) + 4 : bytes.length
  let codec: ElementaryStream['codec'] = 'none'
  let audio: AudioPacket[] | undefined = []
  let audioTracks = 0
  let packet = 0
  let lengthSize = 4
  const reading = { nals: new Reading(), audio: new Reading() }
  const hear = (data: Buffer): void => {
    if (reading.audio.take(1) > 0) audio?.push(audioPacket(data))
  }
  while (at + 11 <= bytes.length) {
    const type = (bytes[at] ?? 0) & 31
    const size = bytes.readUIntBE(at + 1, 3)
    const dtsMs = bytes.readUIntBE(at + 4, 3) + (bytes[at + 7] ?? 0) * 2 ** 24
    const body = bytes.subarray(at + 11, Math.min(bytes.length, at + 11 + size))
    at += 11 + size + 4
    if (type === 8 && body.length > 1) {
      audioTracks = 1
      const format = (body[0] ?? 0) >> 4
      // 10 is AAC, whose first byte tells headers from frames; 2 and 14 are MP3.
      if (format === 10) {
        if (body[1] === 1) hear(body.subarray(2))
      } else if (format === 2 || format === 14) hear(body.subarray(1))
      else audio = undefined
    }
    if (type !== 9 || body.length < 5) continue
    if (((body[0] ?? 0) & 15) !== 7) {
      codec = 'other'
      continue
    }
    codec = codec === 'none' ? 'h264' : codec
    if (body[1] === 0) {
      const header = avcHeader(body.subarray(5))
      lengthSize = header.lengthSize
      for (const nal of header.nals) if (reading.nals.take(1) > 0) nals.push({ nal, ptsMs: dtsMs, packet })
    } else if (body[1] === 1) {
      const offset = body.readIntBE(2, 3)
      for (const nal of splitLengths(body.subarray(5), lengthSize, reading.nals))
        nals.push({ nal, ptsMs: dtsMs + offset, packet })
      packet++
    }
  }
  return {
    container: 'flv',
    videoTracks: codec === 'none' ? 0 : 1,
    audioTracks,
    codec,
    codecName: codec,
    editList: false,
    nals,
    audio,
    oddities: oddlyMany(reading),
  }
}

/** Parameter sets that a header of H.265 is read for; a stream has a handful. */
const MAX_HEADERS = 1024

/** Parameter sets and length size of an AVCDecoderConfigurationRecord (ISO 14496-15, 5.2.4.1). */
export function avcHeader(box: Buffer): { lengthSize: number; nals: Buffer[] } {
  const lengthSize = ((box[4] ?? 3) & 3) + 1
  const nals: Buffer[] = []
  let at = 5
  for (const mask of [31, 255]) {
    const count = (box[at++] ?? 0) & mask
    for (let i = 0; i < count && at + 2 <= box.length; i++) {
      const length = box.readUInt16BE(at)
      nals.push(box.subarray(at + 2, Math.min(box.length, at + 2 + length)))
      at += 2 + length
    }
  }
  return { lengthSize, nals }
}

/** The same for H.265 (ISO 14496-15, 8.3.3.1). */
export function hevcHeader(box: Buffer): { lengthSize: number; nals: Buffer[] } {
  const lengthSize = ((box[21] ?? 3) & 3) + 1
  const nals: Buffer[] = []
  let at = 23
  for (let arrays = box[22] ?? 0; arrays > 0 && at + 3 <= box.length; arrays--) {
    const count = box.readUInt16BE(at + 1)
    at += 3
    for (let i = 0; i < count && nals.length < MAX_HEADERS && at + 2 <= box.length; i++) {
      const length = box.readUInt16BE(at)
      nals.push(box.subarray(at + 2, Math.min(box.length, at + 2 + length)))
      at += 2 + length
    }
  }
  return { lengthSize, nals }
}
