import { avcHeader, hevcHeader } from './demux-flv.ts'
import { splitLengths } from './nal.ts'
import type { ElementaryStream } from './stream.ts'

/** Samples of one file that we list at most; the frame limit of the decoder is far lower. */
const MAX_SAMPLES = 200_000

interface Box {
  type: string
  body: Buffer
}

/** Boxes inside a body; a size beyond the end is cut, a size below its header ends the list. */
export function boxes(bytes: Buffer): Box[] {
  const found: Box[] = []
  let at = 0
  while (at + 8 <= bytes.length && found.length < 4096) {
    let size = bytes.readUInt32BE(at)
    const type = bytes.toString('latin1', at + 4, at + 8)
    let header = 8
    if (size === 1 && at + 16 <= bytes.length) {
      size = Number(bytes.readBigUInt64BE(at + 8))
      header = 16
    } else if (size === 0) size = bytes.length - at
    if (size < header) break
    found.push({ type, body: bytes.subarray(at + header, Math.min(bytes.length, at + size)) })
    at += size
  }
  return found
}

function child(body: Buffer | undefined, ...path: string[]): Buffer | undefined {
  let now = body
  for (const type of path) now = now && boxes(now).find((box) => box.type === type)?.body
  return now
}

/** Rows of 32-bit numbers of a full box: version and flags, count, rows. */
function rows(box: Buffer | undefined, columns: number, skip = 4): number[][] {
  if (!box || box.length < skip + 4) return []
  const count = Math.min(box.readUInt32BE(skip), Math.floor((box.length - skip - 4) / (4 * columns)), MAX_SAMPLES)
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: columns }, (_, c) => box.readUInt32BE(skip + 4 + 4 * (i * columns + c))),
  )
}

/** Decode and composition times in ticks, one a sample. */
function sampleTimes(stbl: Buffer, count: number): number[] {
  const times: number[] = []
  let time = 0
  for (const [n = 0, delta = 0] of rows(child(stbl, 'stts'), 2)) {
    for (let i = 0; i < n && times.length < count; i++) {
      times.push(time)
      time += delta
    }
  }
  let at = 0
  for (const [n = 0, offset = 0] of rows(child(stbl, 'ctts'), 2)) {
    for (let i = 0; i < n && at < times.length; i++, at++) times[at] = (times[at] ?? 0) + (offset | 0)
  }
  return times
}

/** Byte ranges of the samples, from chunk table, chunk offsets and sizes. */
function sampleRanges(stbl: Buffer): { at: number; size: number }[] {
  const stsz = child(stbl, 'stsz')
  if (!stsz || stsz.length < 12) return []
  const fixed = stsz.readUInt32BE(4)
  const count = Math.min(stsz.readUInt32BE(8), MAX_SAMPLES)
  const sizes = fixed > 0 ? [] : rows(stsz, 1, 8).map((row) => row[0] ?? 0)
  const wide = child(stbl, 'co64')
  const chunks = wide
    ? rows(wide, 2).map(([high = 0, low = 0]) => high * 2 ** 32 + low)
    : rows(child(stbl, 'stco'), 1).map((row) => row[0] ?? 0)
  const runs = rows(child(stbl, 'stsc'), 3)
  const ranges: { at: number; size: number }[] = []
  let run = 0
  chunks.forEach((offset, chunk) => {
    while (run + 1 < runs.length && (runs[run + 1]?.[0] ?? 0) <= chunk + 1) run++
    let at = offset
    for (let i = 0; i < (runs[run]?.[1] ?? 0) && ranges.length < count; i++) {
      const size = fixed > 0 ? fixed : (sizes[ranges.length] ?? 0)
      ranges.push({ at, size })
      at += size
    }
  })
  return ranges
}

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

/** Reads the tables and video samples of an MP4 file; fragments are not read, so such a file has no pictures. Never throws. */
export function demuxMp4(bytes: Buffer): ElementaryStream {
  const moov = boxes(bytes).find((box) => box.type === 'moov')?.body
  const traks = moov ? boxes(moov).filter((box) => box.type === 'trak') : []
  const kindOf = (trak: Box): string => child(trak.body, 'mdia', 'hdlr')?.toString('latin1', 8, 12) ?? ''
  const videos = traks.filter((trak) => kindOf(trak) === 'vide')
  const result: ElementaryStream = {
    container: 'mp4',
    videoTracks: videos.length,
    audioTracks: traks.filter((trak) => kindOf(trak) === 'soun').length,
    codec: 'none',
    codecName: 'none',
    editList: false,
    nals: [],
  }
  const trak = videos[0]?.body
  const mdhd = child(trak, 'mdia', 'mdhd')
  const stbl = child(trak, 'mdia', 'minf', 'stbl')
  const stsd = child(stbl, 'stsd')
  if (!trak || !mdhd || mdhd.length < 24 || !stbl || !stsd || stsd.length < 8) return result
  const timescale = Math.max(1, mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12))
  const mvhd = child(moov, 'mvhd')
  const movieScale = mvhd && mvhd.length >= 24 ? Math.max(1, mvhd.readUInt32BE(mvhd[0] === 1 ? 20 : 12)) : timescale
  const entries = boxes(stsd.subarray(8))
  const entry = entries[0]
  const codec = entry && /^avc[13]$/.test(entry.type) ? 'h264' : entry && /^(hvc1|hev1)$/.test(entry.type) ? 'hevc' : 'other'
  if (!entry || codec === 'other') return { ...result, codec: entry ? 'other' : 'none', codecName: entry?.type ?? 'none' }
  const config = child(entry.body.subarray(78), codec === 'h264' ? 'avcC' : 'hvcC') ?? Buffer.alloc(0)
  const header = codec === 'h264' ? avcHeader(config) : hevcHeader(config)
  const ranges = sampleRanges(stbl)
  const times = sampleTimes(stbl, ranges.length)
  const nals: { nal: Uint8Array; ptsMs: number; packet: number }[] = header.nals.map((nal) => ({ nal, ptsMs: 0, packet: 0 }))
  ranges.forEach(({ at, size }, i) => {
    const ptsMs = times[i] === undefined ? Number.NaN : ((times[i] ?? 0) * 1000) / timescale
    for (const nal of splitLengths(bytes.subarray(at, at + size), header.lengthSize)) nals.push({ nal, ptsMs, packet: i })
  })
  // Several sample entries are several sets of headers: a source like that is never the ground of a fail.
  const editList = entries.length > 1 || isRealEdit(trak, movieScale, timescale, times)
  return { ...result, codec, codecName: codec, editList, nals }
}
