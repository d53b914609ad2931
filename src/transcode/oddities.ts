import { BitReader } from './bits.ts'
import type { Reading } from './reading.ts'

/**
 * What in a stream lets two good decoders show different pictures, or none: it is legal, rare, and no ground to blame a node.
 * One word each, for people and for the verdict's reasons.
 */
export type Oddity =
  | 'film-grain'
  | 'frame-freeze'
  | 'orientation'
  | 'frame-gaps'
  | 'slice-groups'
  | 'redundant-slices'
  | 'unusual-nal'
  | 'full-range'
  | 'rotation'
  | 'damaged-packets'
  | 'external-data'
  | 'no-idr-start'
  | 'lost-reference'
  | 'too-many-parts'

/** Of a file that was not read to its end. */
export function oddlyMany(readings: Readonly<Record<string, Reading>>): Oddity[] {
  return Object.values(readings).some(({ isOver }) => isOver) ? ['too-many-parts'] : []
}

/** SEI payload types that change what is shown (H.264 D.1, H.265 D.2): freeze and snapshot, film grain, orientation. */
const SEI: Readonly<Record<number, Oddity>> = {
  13: 'frame-freeze',
  14: 'frame-freeze',
  15: 'frame-freeze',
  19: 'film-grain',
  47: 'orientation',
}
/** H.264: data partitions, prefix, subset headers, auxiliary pictures, extensions. Decoders of the base profile skip some of them. */
const UNUSUAL_H264 = new Set([2, 3, 4, 14, 15, 19, 20, 21])

/** Payload types in an SEI NAL unit. At most a few dozen messages are read: what is hidden behind more is odd enough. */
function seiOddity(nal: Uint8Array, header: number): Oddity | undefined {
  const bytes = new BitReader(nal.subarray(header))
  let left = nal.length - header
  const sum = (): number => {
    let value = 0
    while (left > 0) {
      const byte = bytes.bits(8)
      left--
      value += byte
      if (byte !== 255) break
    }
    return value
  }
  for (let message = 0; message < 32 && left > 2; message++) {
    const type = sum()
    const size = sum()
    const found = SEI[type]
    if (found) return found
    if (size > left) return undefined
    bytes.skip(size * 8)
    left -= size
  }
  return undefined
}

/** A picture parameter set of H.264 with slice groups or redundant slices: few decoders know them. */
function pictureSetOddity(nal: Uint8Array): Oddity | undefined {
  const r = new BitReader(nal.subarray(1, 64))
  r.ue()
  r.ue()
  r.skip(2)
  if (r.ue() > 0) return 'slice-groups'
  r.ue()
  r.ue()
  r.skip(3)
  r.se()
  r.se()
  r.se()
  r.skip(2)
  return r.bits(1) === 1 ? 'redundant-slices' : undefined
}

/** What is odd about one NAL unit; sequence headers are looked at where they are read. */
export function oddityOf(nal: Uint8Array, codec: 'h264' | 'hevc'): Oddity | undefined {
  const head = nal[0] ?? 0
  if (codec === 'h264') {
    const type = head & 31
    if (UNUSUAL_H264.has(type)) return 'unusual-nal'
    if (type === 6) return seiOddity(nal, 1)
    return type === 8 ? pictureSetOddity(nal) : undefined
  }
  const type = (head >> 1) & 63
  // A layer above the base one belongs to an extension that our decoder leaves out.
  if (((head & 1) << 5) | ((nal[1] ?? 0) >> 3)) return 'unusual-nal'
  return type === 39 || type === 40 ? seiOddity(nal, 2) : undefined
}
