import type { AccessUnit } from '../transcode/types.ts'
import { UNITS } from './luma.ts'
import { nearest, type SourceTrack, sourceGrid } from './track.ts'
import type { PacketLook, PacketSet } from './types.ts'

/** Slices below this many bytes are mostly "nothing changed" and can be equal by chance. */
const MIN_BYTES = 64
/** RMSE in levels of two 16x9 pictures above which a person sees two different pictures: the fraud line of the frame error. */
const VISIBLY_DIFFERENT = 9

/** 16x9 luma of a 64x36 grid in sixteenths of a level, as base64. */
function lookOf(cells: Int16Array): string {
  const small = new Uint8Array(16 * 9)
  for (let y = 0; y < 9; y++) {
    for (let x = 0; x < 16; x++) {
      let sum = 0
      for (let dy = 0; dy < 4; dy++) for (let dx = 0; dx < 4; dx++) sum += cells[(y * 4 + dy) * 64 + x * 4 + dx] ?? 0
      small[y * 16 + x] = Math.round(sum / (16 * UNITS))
    }
  }
  return Buffer.from(small).toString('base64')
}

/** Looks of the frames of a source, made once however many renditions ask for them. */
const known = new WeakMap<SourceTrack, Map<number, string>>()

function lookAt(track: SourceTrack, frame: number): string {
  const looks = known.get(track) ?? new Map<number, string>()
  known.set(track, looks)
  const look = looks.get(frame) ?? lookOf(track.store.cells(sourceGrid(frame, 'y')))
  looks.set(frame, look)
  return look
}

function looksDiffer(a: string, b: string): boolean {
  if (!a || !b) return false
  const p = Buffer.from(a, 'base64')
  const q = Buffer.from(b, 'base64')
  let sum = 0
  for (let i = 0; i < p.length; i++) sum += ((p[i] ?? 0) - (q[i] ?? 0)) ** 2
  return Math.sqrt(sum / Math.max(1, p.length)) > VISIBLY_DIFFERENT
}

/** Packets with the look of the source at their moment. Without decoded planes the looks are empty and prove no reuse. */
export function packetSetOf(
  rendition: readonly AccessUnit[],
  source: readonly AccessUnit[],
  track: SourceTrack | undefined,
): PacketSet {
  const dress = (units: readonly AccessUnit[]): PacketLook[] => {
    const first = units.reduce(
      (least, unit) => Math.min(least, Number.isNaN(unit.ptsMs) ? least : unit.ptsMs),
      Number.POSITIVE_INFINITY,
    )
    return units.map(({ hash, bytes, ptsMs }) => ({
      hash,
      bytes,
      look: track && track.frames > 0 && Number.isFinite(ptsMs - first) ? lookAt(track, nearest(track, ptsMs - first)) : '',
    }))
  }
  return { rendition: dress(rendition), source: dress(source) }
}

type Coded = Pick<PacketLook, 'hash' | 'bytes'>

const counted = <P extends Coded>(packets: readonly P[]): P[] => packets.filter((packet) => packet.bytes >= MIN_BYTES)

/** Share of a rendition's packets that are packets of its own source: the work was not done. */
export function passedThrough(set: { rendition: readonly Coded[]; source: readonly Coded[] }): number {
  const source = new Set(set.source.map((packet) => packet.hash))
  const own = counted(set.rendition)
  return own.length === 0 ? 0 : own.filter((packet) => source.has(packet.hash)).length / own.length
}

/** Pictures of a packet that are compared; one that was used for more says nothing. */
const MOST_LOOKS = 64

/** Share of a rendition's packets that were served before, for a source picture that looked visibly different. */
export function reused(set: PacketSet, earlier: readonly PacketSet[]): number {
  // A node chooses how often a packet comes: each picture of it counts once, and no more of them than can be compared in a moment.
  const before = new Map<string, Set<string>>()
  for (const old of earlier) {
    for (const { hash, look } of counted(old.rendition)) {
      const looks = before.get(hash) ?? new Set()
      if (looks.size <= MOST_LOOKS) before.set(hash, looks.add(look))
    }
  }
  const isHit = ({ hash, look }: PacketLook): boolean => {
    const looks = before.get(hash)
    // Every earlier use must look different: an honest node repeats its bytes where the picture repeats.
    return looks !== undefined && looks.size <= MOST_LOOKS && [...looks].every((old) => looksDiffer(old, look))
  }
  const found = new Map<string, boolean>()
  const own = counted(set.rendition)
  const hits = own.filter((packet) => {
    const key = `${packet.hash} ${packet.look}`
    const hit = found.get(key) ?? isHit(packet)
    found.set(key, hit)
    return hit
  })
  return own.length === 0 ? 0 : hits.length / own.length
}
