import { MAX_PARTS, type Reading } from './reading.ts'

export interface Box {
  type: string
  /** Where the box begins in what it was read from. */
  offset: number
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
    found.push({ type, offset: at, body: bytes.subarray(at + header, Math.min(bytes.length, at + size)) })
    at += size
  }
  return found
}

export function child(body: Buffer | undefined, ...path: string[]): Buffer | undefined {
  let now = body
  for (const type of path) now = now && boxes(now).find((box) => box.type === type)?.body
  return now
}

/** Rows of 32-bit numbers of a full box: version and flags, count, rows. */
export function rows(box: Buffer | undefined, columns: number, skip = 4): number[][] {
  if (!box || box.length < skip + 4) return []
  const count = Math.min(box.readUInt32BE(skip), Math.floor((box.length - skip - 4) / (4 * columns)), MAX_PARTS)
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
function sampleRanges(stbl: Buffer, reading: Reading): { at: number; size: number }[] {
  const stsz = child(stbl, 'stsz')
  if (!stsz || stsz.length < 12) return []
  const fixed = stsz.readUInt32BE(4)
  const count = reading.take(stsz.readUInt32BE(8))
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

/** One coded sample of a track: where its bytes lie and when it is shown, in ticks. */
export interface Mp4Sample {
  at: number
  size: number
  ticks: number
}

/** Samples that the tables of a plain file list. */
export function tableSamples(stbl: Buffer, reading: Reading): Mp4Sample[] {
  const ranges = sampleRanges(stbl, reading)
  const times = sampleTimes(stbl, ranges.length)
  return ranges.map(({ at, size }, i) => ({ at, size, ticks: times[i] ?? Number.NaN }))
}
