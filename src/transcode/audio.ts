import { createHash } from 'node:crypto'
import { Reading } from './reading.ts'
import type { AudioPacket } from './types.ts'

/** First 16 bytes of SHA-256 as hex, as for pictures. */
export function audioPacket(data: Uint8Array): AudioPacket {
  return { hash: createHash('sha256').update(data).digest('hex').slice(0, 32), bytes: data.length }
}

/** Length of an ADTS frame and of its header (ISO 14496-3, 1.A.2.2); undefined where none begins here. */
function adtsAt(bytes: Buffer, at: number): { length: number; header: number } | undefined {
  if (at + 7 > bytes.length || bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xf6) !== 0xf0) return undefined
  const length = (((bytes[at + 3] ?? 0) & 3) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5)
  const header = ((bytes[at + 1] ?? 0) & 1) === 1 ? 7 : 9
  return length > header ? { length, header } : undefined
}

/** kbit/s of MPEG audio layer III by the number in its header: MPEG 1, then MPEG 2 and 2.5 (ISO 11172-3, 13818-3). */
const MP3_RATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const
const MP3_SAMPLING = [44_100, 48_000, 32_000]

/** Length of a layer III frame, header included; undefined where none begins here. */
function mp3At(bytes: Buffer, at: number): { length: number; header: number } | undefined {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xe6) !== 0xe2) return undefined
  const version = ((bytes[at + 1] ?? 0) >> 3) & 3
  const sampling = MP3_SAMPLING[((bytes[at + 2] ?? 0) >> 2) & 3]
  const rate = MP3_RATES[version === 3 ? 0 : 1][(bytes[at + 2] ?? 0) >> 4]
  if (version === 1 || sampling === undefined || !rate) return undefined
  const divided = version === 3 ? 1 : version === 2 ? 2 : 4
  const padding = ((bytes[at + 2] ?? 0) >> 1) & 1
  const length = Math.floor(((version === 3 ? 144 : 72) * rate * 1000) / (sampling / divided)) + padding
  return { length, header: 0 }
}

/**
 * Frames of a stream of AAC (with ADTS headers, which are left out: an MP4 has none) or MP3. Partial frames at the ends are
 * skipped; a frame counts only where another, or the end, follows it.
 */
export function audioFrames(stream: Buffer, codec: 'aac' | 'mp3', reading = new Reading()): AudioPacket[] {
  const frameAt = codec === 'aac' ? adtsAt : mp3At
  const packets: AudioPacket[] = []
  let at = 0
  while (at + 4 <= stream.length && !reading.isOver) {
    const frame = frameAt(stream, at)
    const end = frame ? at + frame.length : 0
    if (frame && (end === stream.length || (end < stream.length && frameAt(stream, end) !== undefined))) {
      reading.take(1)
      packets.push(audioPacket(stream.subarray(at + frame.header, end)))
      at = end
    } else {
      // On to the next byte that could begin one.
      const next = stream.indexOf(0xff, at + 1)
      if (next < 0) break
      at = next
    }
  }
  return packets
}
