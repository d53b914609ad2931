import { audioFrames } from './audio.ts'
import { splitAnnexB } from './nal.ts'
import { oddlyMany } from './oddities.ts'
import { Reading } from './reading.ts'
import type { ElementaryStream } from './stream.ts'

const PACKET = 188
/** ISO 13818-1 stream types: video and audio ones that occur in Livepeer's traffic. */
const VIDEO: Readonly<Record<number, string>> = { 27: 'h264', 36: 'hevc', 1: 'mpeg1video', 2: 'mpeg2video', 16: 'mpeg4' }
const AUDIO = new Set([0x03, 0x04, 0x0f, 0x11, 0x81])
const AUDIO_READ: Readonly<Record<number, 'aac' | 'mp3'>> = { 3: 'mp3', 4: 'mp3', 15: 'aac' }

interface Track {
  type: number
  pid: number
}

/** Offset of the first packet: the sync byte 0x47 that repeats every 188 bytes. -1 where there is none in the first 64 KiB. */
export function tsOffset(bytes: Buffer): number {
  for (let at = 0; at < Math.min(bytes.length - PACKET, 65_536); at++) {
    if (
      bytes[at] === 0x47 &&
      bytes[at + PACKET] === 0x47 &&
      (at + 2 * PACKET >= bytes.length || bytes[at + 2 * PACKET] === 0x47)
    ) {
      return at
    }
  }
  return -1
}

function patPrograms(section: Buffer): number[] {
  const pids: number[] = []
  const end = Math.min(3 + (section.readUInt16BE(1) & 0xfff) - 4, section.length - 3)
  for (let at = 8; at + 4 <= end; at += 4) {
    if (section.readUInt16BE(at) !== 0) pids.push(section.readUInt16BE(at + 2) & 0x1fff)
  }
  return pids
}

function pmtTracks(section: Buffer): Track[] {
  const tracks: Track[] = []
  if (section.length < 12) return tracks
  const end = Math.min(3 + (section.readUInt16BE(1) & 0xfff) - 4, section.length - 4)
  let at = 12 + (section.readUInt16BE(10) & 0xfff)
  while (at + 5 <= end) {
    tracks.push({ type: section[at] ?? 0, pid: section.readUInt16BE(at + 1) & 0x1fff })
    at += 5 + (section.readUInt16BE(at + 3) & 0xfff)
  }
  return tracks
}

/** 33-bit presentation time of a PES header in ticks of 90 kHz, or NaN. */
function pesTime(pes: Buffer): number {
  if (pes.length < 14 || ((pes[7] ?? 0) & 0x80) === 0) return Number.NaN
  const high = ((pes[9] ?? 0) >> 1) & 7
  return high * 2 ** 30 + ((pes.readUInt16BE(10) >> 1) << 15) + (pes.readUInt16BE(12) >> 1)
}

/** Reads the programme tables and the video packets of an MPEG transport stream. Never throws on hostile bytes. */
export function demuxTs(bytes: Buffer): ElementaryStream {
  const pmtPids = new Set<number>()
  const tracks = new Map<number, number>()
  let videoPid = -1
  // One buffer for all video: a slice a packet would be tens of thousands of objects.
  const video = Buffer.allocUnsafe(bytes.length)
  const marks: { offset: number; ptsMs: number }[] = []
  const audioParts = new Map<number, Buffer[]>()
  let length = 0
  let lastTicks = Number.NaN
  let epoch = 0
  let damaged = 0
  let lastCounter = -1
  for (let at = Math.max(0, tsOffset(bytes)); at + PACKET <= bytes.length; at += PACKET) {
    if (bytes[at] !== 0x47) continue
    const pid = bytes.readUInt16BE(at + 1) & 0x1fff
    const starts = ((bytes[at + 1] ?? 0) & 0x40) !== 0
    const control = ((bytes[at + 3] ?? 0) >> 4) & 3
    let from = at + 4
    if (control & 2) from += 1 + (bytes[at + 4] ?? 0)
    if (!(control & 1) || from >= at + PACKET) continue
    const end = at + PACKET
    if (pid === 0 || pmtPids.has(pid)) {
      const payload = bytes.subarray(from, end)
      // Tables of one packet only: those of segments are small; a longer one leaves the tracks unknown, which is never a fail.
      const skip = starts ? 1 + (payload[0] ?? 0) : payload.length
      const section = payload.subarray(skip)
      if (section.length < 8) continue
      if (pid === 0) for (const found of patPrograms(section)) pmtPids.add(found)
      else for (const track of pmtTracks(section)) if (tracks.size < 64) tracks.set(track.pid, track.type)
      if (videoPid < 0) videoPid = [...tracks].find(([, type]) => type in VIDEO)?.[0] ?? -1
      continue
    }
    const type = tracks.get(pid)
    if (type !== undefined && type in AUDIO_READ) {
      const payload = bytes.subarray(from, end)
      const begins = starts && payload.length >= 9 && payload.readUIntBE(0, 3) === 1
      const known = audioParts.get(pid)
      const body = begins ? payload.subarray(Math.min(payload.length, 9 + (payload[8] ?? 0))) : payload
      if (known) known.push(body)
      else if (begins) audioParts.set(pid, [body])
      continue
    }
    if (pid !== videoPid) continue
    const counter = (bytes[at + 3] ?? 0) & 15
    const announced = (control & 2) !== 0 && (bytes[at + 4] ?? 0) > 0 && ((bytes[at + 5] ?? 0) & 0x80) !== 0
    // A transport error, a scrambled packet, or one that is lost or repeated: demultiplexers part ways here.
    if ((bytes[at + 1] ?? 0) & 0x80 || (bytes[at + 3] ?? 0) & 0xc0) damaged++
    else if (lastCounter >= 0 && counter !== ((lastCounter + 1) & 15) && !announced) damaged++
    lastCounter = counter
    if (starts) {
      const payload = bytes.subarray(from, end)
      if (payload.length < 9 || payload.readUIntBE(0, 3) !== 1) continue
      const ticks = pesTime(payload)
      // The 33-bit counter wraps every 26.5 hours.
      if (!Number.isNaN(ticks) && !Number.isNaN(lastTicks)) {
        if (lastTicks - ticks > 2 ** 32) epoch += 2 ** 33
        else if (ticks - lastTicks > 2 ** 32) epoch -= 2 ** 33
      }
      if (!Number.isNaN(ticks)) lastTicks = ticks
      marks.push({ offset: length, ptsMs: (ticks + epoch) / 90 })
      from = Math.min(end, from + 9 + (payload[8] ?? 0))
    } else if (marks.length === 0) continue
    length += bytes.copy(video, length, from, end)
  }
  let mark = 0
  const reading = { video: new Reading(), audio: new Reading() }
  const nals = splitAnnexB(video.subarray(0, length), reading.video).map(({ offset, nal }) => {
    // A start code of four bytes is found one byte late; the packet begins with its first zero.
    while (mark + 1 < marks.length && (marks[mark + 1]?.offset ?? 0) <= offset + 1) mark++
    return { nal, ptsMs: marks[mark]?.ptsMs ?? Number.NaN, packet: mark }
  })
  const types = [...tracks.values()]
  const unread = types.some((t) => AUDIO.has(t) && !(t in AUDIO_READ))
  const audio = [...audioParts].flatMap(([pid, pieces]) =>
    audioFrames(Buffer.concat(pieces), AUDIO_READ[tracks.get(pid) ?? 0] ?? 'aac', reading.audio),
  )
  const codecName = VIDEO[tracks.get(videoPid) ?? 0] ?? 'none'
  return {
    container: 'mpegts',
    videoTracks: types.filter((t) => t in VIDEO).length,
    audioTracks: types.filter((t) => AUDIO.has(t)).length,
    codec: codecName === 'h264' || codecName === 'hevc' || codecName === 'none' ? codecName : 'other',
    codecName,
    editList: false,
    nals,
    audio: unread ? undefined : audio,
    oddities: [...(damaged > 0 ? (['damaged-packets'] as const) : []), ...oddlyMany(reading)],
  }
}
