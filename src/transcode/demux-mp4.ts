import { audioPacket } from './audio.ts'
import { avcHeader, hevcHeader } from './demux-flv.ts'
import { fragmentSamples } from './mp4-fragments.ts'
import { boxes, child, type Mp4Sample, rows, tableSamples } from './mp4-tables.ts'
import { splitLengths } from './nal.ts'
import { type Oddity, oddlyMany } from './oddities.ts'
import { Reading } from './reading.ts'
import type { ElementaryStream } from './stream.ts'
import { type AudioPacket, MEDIA_LIMITS } from './types.ts'

/**
 * Whether an edit list does more than take off the encoder's reordering delay, as every muxer writes it: at most one empty
 * edit, then one edit at normal speed that begins and ends within two frames of the pictures.
 */
function isRealEdit(trak: Buffer, movieScale: number, timescale: number, times: readonly number[]): boolean {
  const elst = child(trak, 'edts', 'elst')
  if (!elst || elst.length < 8 || times.length === 0) return false
  const edits =
    elst[0] === 1
      ? rows(elst, 5).map(([dh = 0, dl = 0, high = 0, low = 0, rate = 0]) => ({
          length: dh * 2 ** 32 + dl,
          from: high === 0xffffffff ? -1 : high * 2 ** 32 + low,
          rate,
        }))
      : rows(elst, 3).map(([length = 0, from = 0, rate = 0]) => ({ length, from: from | 0, rate }))
  const shown = edits.filter((edit) => edit.from !== -1)
  const sorted = [...times].sort((a, b) => a - b)
  const first = sorted[0] ?? 0
  const last = sorted.at(-1) ?? 0
  const slack = Math.max((2 * (last - first)) / Math.max(1, times.length - 1), (2 * timescale) / 30)
  const bends = shown.some(({ length, from, rate }) => {
    const end = from + (length / movieScale) * timescale
    // A length of 0 means "to the end".
    return rate !== 0x10000 || from > first + slack || (length > 0 && end < last - slack)
  })
  return shown.length > 1 || edits.length - shown.length > 1 || bends
}

/** Samples of a track: those of its tables, then those of the file's fragments. */
function samplesOf(bytes: Buffer, moov: Buffer | undefined, trak: Buffer, reading: Reading): Mp4Sample[] {
  const stbl = child(trak, 'mdia', 'minf', 'stbl')
  const tkhd = child(trak, 'tkhd')
  const id = tkhd && tkhd.length >= 24 ? tkhd.readUInt32BE(tkhd[0] === 1 ? 20 : 12) : 0
  const listed = [...(stbl ? tableSamples(stbl, reading) : []), ...fragmentSamples(bytes, moov, id, reading)]
  // Samples that overlap could list far more bytes than there are: nobody shall make us hash a file a thousand times.
  let left = 2 * bytes.length
  return listed.filter(({ size }) => {
    left -= size
    return left >= 0
  })
}

/** Audio frames of all tracks: an AAC or MP3 sample is one frame. Undefined where a track holds something else. */
function audioOf(bytes: Buffer, moov: Buffer | undefined, traks: readonly Buffer[], reading: Reading): AudioPacket[] | undefined {
  const packets: AudioPacket[] = []
  for (const trak of traks) {
    if (reading.isOver) break
    const stsd = child(trak, 'mdia', 'minf', 'stbl', 'stsd')
    const entries = stsd && stsd.length >= 8 ? boxes(stsd.subarray(8)) : []
    if (entries.length !== 1 || !['mp4a', '.mp3'].includes(entries[0]?.type ?? '')) return undefined
    for (const { at, size } of samplesOf(bytes, moov, trak, reading)) {
      if (size > 0 && at >= 0 && at + size <= bytes.length) packets.push(audioPacket(bytes.subarray(at, at + size)))
    }
  }
  return packets
}

/** A picture that players turn and transcoders do not, and samples that are said to lie in another file. */
function trackOddities(trak: Buffer): Oddity[] {
  const found: Oddity[] = []
  const tkhd = child(trak, 'tkhd')
  const at = tkhd && tkhd[0] === 1 ? 52 : 40
  // The matrix is a, b, u, c, d, v, x, y, w in 16.16: b and c turn it, a negative a or d mirrors it.
  if (tkhd && tkhd.length >= at + 36) {
    const [a, b, c, d] = [0, 4, 12, 16].map((offset) => tkhd.readInt32BE(at + offset))
    if (b !== 0 || c !== 0 || (a ?? 0) < 0 || (d ?? 0) < 0) found.push('rotation')
  }
  const dref = child(trak, 'mdia', 'minf', 'dinf', 'dref')
  const sources = dref && dref.length >= 8 ? boxes(dref.subarray(8)) : []
  if (sources.some(({ body }) => body.length < 4 || ((body[3] ?? 0) & 1) === 0)) found.push('external-data')
  const entry = boxes(child(trak, 'mdia', 'minf', 'stbl', 'stsd')?.subarray(8) ?? Buffer.alloc(0))[0]
  const colour = entry && child(entry.body.subarray(78), 'colr')
  if (colour && colour.toString('latin1', 0, 4) === 'nclx' && ((colour[10] ?? 0) & 0x80) !== 0) found.push('full-range')
  return found
}

/** Reads the tables, fragments and samples of an MP4 file. Never throws on hostile bytes. */
export function demuxMp4(bytes: Buffer): ElementaryStream {
  const moov = boxes(bytes).find((box) => box.type === 'moov')?.body
  const traks = moov ? boxes(moov).filter((box) => box.type === 'trak') : []
  const tracksOf = (kind: string): Buffer[] =>
    traks.flatMap(({ body }) => (child(body, 'mdia', 'hdlr')?.toString('latin1', 8, 12) === kind ? [body] : []))
  const videos = tracksOf('vide')
  const sounds = tracksOf('soun')
  const result: ElementaryStream = {
    container: 'mp4',
    videoTracks: videos.length,
    audioTracks: sounds.length,
    codec: 'none',
    codecName: 'none',
    editList: false,
    nals: [],
    audio: undefined,
    oddities: videos.flatMap(trackOddities),
  }
  const reading = { samples: new Reading(), nals: new Reading(), audio: new Reading() }
  const finished = (more: Partial<ElementaryStream>): ElementaryStream => {
    // What has more tracks than we look at is over our limits anyway, and each would be looked for in all fragments.
    const audio = traks.length > MEDIA_LIMITS.tracks ? [] : audioOf(bytes, moov, sounds, reading.audio)
    return { ...result, ...more, audio, oddities: [...result.oddities, ...oddlyMany(reading)] }
  }
  const trak = videos[0]
  const mdhd = child(trak, 'mdia', 'mdhd')
  const stsd = child(trak, 'mdia', 'minf', 'stbl', 'stsd')
  if (!trak || !mdhd || mdhd.length < 24 || !stsd || stsd.length < 8) return finished({})
  const timescale = Math.max(1, mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12))
  const mvhd = child(moov, 'mvhd')
  const movieScale = mvhd && mvhd.length >= 24 ? Math.max(1, mvhd.readUInt32BE(mvhd[0] === 1 ? 20 : 12)) : timescale
  const entries = boxes(stsd.subarray(8))
  const entry = entries[0]
  const codec = entry && /^avc[13]$/.test(entry.type) ? 'h264' : entry && /^(hvc1|hev1)$/.test(entry.type) ? 'hevc' : 'other'
  if (!entry || codec === 'other') return finished({ codec: entry ? 'other' : 'none', codecName: entry?.type ?? 'none' })
  const config = child(entry.body.subarray(78), codec === 'h264' ? 'avcC' : 'hvcC') ?? Buffer.alloc(0)
  const header = codec === 'h264' ? avcHeader(config) : hevcHeader(config)
  const samples = samplesOf(bytes, moov, trak, reading.samples)
  const nals: { nal: Uint8Array; ptsMs: number; packet: number }[] = header.nals.map((nal) => ({ nal, ptsMs: 0, packet: 0 }))
  samples.forEach(({ at, size, ticks }, i) => {
    const ptsMs = (ticks * 1000) / timescale
    const sample = at >= 0 ? bytes.subarray(at, at + size) : Buffer.alloc(0)
    for (const nal of splitLengths(sample, header.lengthSize, reading.nals)) nals.push({ nal, ptsMs, packet: i })
  })
  const times = samples.map(({ ticks }) => ticks)
  // Several sample entries are several sets of headers: a source like that is never the ground of a fail.
  const editList = entries.length > 1 || isRealEdit(trak, movieScale, timescale, times)
  return finished({ codec, codecName: codec, editList, nals })
}
