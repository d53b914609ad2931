import { type Box, boxes, child, type Mp4Sample } from './mp4-tables.ts'
import type { Reading } from './reading.ts'

/** Values that a track's samples have where its fragments say nothing (ISO 14496-12, 8.8.3). */
interface Defaults {
  duration: number
  size: number
}

/** Reads 32-bit fields one after the other; past the end it gives zeros. */
function reader(bytes: Buffer, from: number): { u32: () => number; u64: () => number } {
  let at = from
  const u32 = (): number => {
    const value = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0
    at += 4
    return value
  }
  return { u32, u64: () => u32() * 2 ** 32 + u32() }
}

const flagsOf = (box: Buffer): number => (box.length >= 4 ? box.readUIntBE(1, 3) : 0)

function trackDefaults(moov: Buffer | undefined, trackId: number): Defaults {
  const trex = moov
    ? boxes(child(moov, 'mvex') ?? Buffer.alloc(0)).find(
        ({ type, body }) => type === 'trex' && body.length >= 24 && body.readUInt32BE(4) === trackId,
      )
    : undefined
  return { duration: trex?.body.readUInt32BE(12) ?? 0, size: trex?.body.readUInt32BE(16) ?? 0 }
}

/** Samples of one run (trun), each a part of what may be read; `start` is where its data lies and when it is decoded. */
function runSamples(trun: Buffer, defaults: Defaults, start: { at: number; ticks: number }, reading: Reading): Mp4Sample[] {
  const flags = flagsOf(trun)
  const read = reader(trun, 4)
  const count = read.u32()
  if (flags & 1) read.u32()
  if (flags & 4) read.u32()
  const fields = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length
  // A run cannot list more than its own bytes hold; without fields each sample has the defaults, which must then be given.
  const listed = fields > 0 ? Math.floor(Math.max(0, trun.length - 8) / (4 * fields)) : defaults.size > 0 ? count : 0
  const samples: Mp4Sample[] = []
  let { at, ticks } = start
  for (let left = reading.take(Math.min(count, listed)); left > 0; left--) {
    const duration = flags & 0x100 ? read.u32() : defaults.duration
    const size = flags & 0x200 ? read.u32() : defaults.size
    if (flags & 0x400) read.u32()
    const offset = flags & 0x800 ? read.u32() | 0 : 0
    samples.push({ at, size, ticks: ticks + offset })
    at += size
    ticks += duration
  }
  start.at = at
  start.ticks = ticks
  return samples
}

/** Samples of one track in all movie fragments of a file, in the order of the file. */
export function fragmentSamples(file: Buffer, moov: Buffer | undefined, trackId: number, reading: Reading): Mp4Sample[] {
  const samples: Mp4Sample[] = []
  const basis = trackDefaults(moov, trackId)
  let nextTicks = 0
  for (const fragment of boxes(file)) {
    const begin = fragment.offset
    if (fragment.type !== 'moof') continue
    let dataAt = begin
    for (const traf of boxes(fragment.body).filter((box: Box) => box.type === 'traf')) {
      if (reading.take(1) === 0) return samples
      const tfhd = child(traf.body, 'tfhd')
      if (!tfhd || tfhd.length < 8) continue
      const flags = flagsOf(tfhd)
      const read = reader(tfhd, 8)
      const base = flags & 1 ? read.u64() : flags & 0x20000 ? begin : dataAt
      if (flags & 2) read.u32()
      const defaults = {
        duration: flags & 8 ? read.u32() : basis.duration,
        size: flags & 0x10 ? read.u32() : basis.size,
      }
      const mine = tfhd.readUInt32BE(4) === trackId
      const tfdt = child(traf.body, 'tfdt')
      const ticks = !mine
        ? 0
        : tfdt && tfdt.length >= 8
          ? tfdt[0] === 1
            ? reader(tfdt, 4).u64()
            : tfdt.readUInt32BE(4)
          : nextTicks
      const start = { at: base, ticks }
      for (const trun of boxes(traf.body).filter((box: Box) => box.type === 'trun')) {
        if (flagsOf(trun.body) & 1 && trun.body.length >= 12) start.at = base + trun.body.readInt32BE(8)
        if (reading.take(1) === 0) return samples
        const found = runSamples(trun.body, defaults, start, reading)
        if (mine) for (const sample of found) samples.push(sample)
      }
      dataAt = start.at
      if (mine) nextTicks = start.ticks
    }
  }
  return samples
}
