import { createHash } from 'node:crypto'
import { median } from '../base/median.ts'
import { beginsPicture, frameNumber, isIdr, nalKind, pictureSetId, sequenceFacts } from './nal.ts'
import { type Oddity, oddityOf } from './oddities.ts'
import type { AccessUnit, AudioPacket, CodecNumber, Container, Demuxed, SequenceFacts } from './types.ts'

/** What a demultiplexer hands over: NAL units in decode order, each with the time of the packet that it came in. */
export interface ElementaryStream {
  container: Container
  videoTracks: number
  audioTracks: number
  codec: 'h264' | 'hevc' | 'other' | 'none'
  codecName: string
  editList: boolean
  nals: readonly { nal: Uint8Array; ptsMs: number; packet: number }[]
  audio: readonly AudioPacket[] | undefined
  /** What the container itself has that is odd. */
  oddities: readonly Oddity[]
}

const CODECS: Record<ElementaryStream['codec'], CodecNumber> = { h264: 0, hevc: 1, other: -1, none: -1 }

interface Open {
  ptsMs: number
  key: boolean
  slices: Uint8Array[]
}

function close(open: Open): AccessUnit {
  const hash = createHash('sha256')
  let bytes = 0
  for (const slice of open.slices) {
    hash.update(slice)
    bytes += slice.length
  }
  return { ptsMs: open.ptsMs, key: open.key, bytes, hash: hash.digest('hex').slice(0, 32) }
}

/** Follows the numbers of reference pictures (H.264 7.4.3): each is that of the last one, or one more. */
class References {
  readonly #bits: number
  #last = 0

  constructor(bits: number) {
    this.#bits = bits
  }

  /** Whether a picture that begins with this slice comes after one that is not there; decoders make up what is missing. */
  after(slice: Uint8Array): boolean {
    if (this.#bits === 0) return false
    const number = isIdr(slice, 'h264') ? 0 : frameNumber(slice, this.#bits)
    const isGap = !isIdr(slice, 'h264') && number !== this.#last && number !== (this.#last + 1) % 2 ** this.#bits
    // Pictures that none refers to (nal_ref_idc 0) do not count.
    if (((slice[0] ?? 0) & 0x60) !== 0) this.#last = number
    return isGap
  }
}

const START_CODE = Buffer.from([0, 0, 0, 1])

/** Everything up to the end of the first picture, as a stream of its own: all that a screen has to decode. */
function firstPicture({ codec, nals }: ElementaryStream): Uint8Array {
  if (codec !== 'h264' && codec !== 'hevc') return new Uint8Array()
  const parts: Uint8Array[] = []
  let begun = false
  for (const { nal } of nals) {
    const kind = nalKind(nal, codec)
    const isSlice = kind === 'slice' || kind === 'key-slice'
    if (begun && (!isSlice || beginsPicture(nal, codec))) break
    begun ||= isSlice
    parts.push(START_CODE, nal)
  }
  return Buffer.concat(parts)
}

/** Groups NAL units into pictures and derives the facts of the file. */
export function assemble(stream: ElementaryStream, fileBytes: number): Demuxed {
  const units: AccessUnit[] = []
  const sequences = new Map<string, SequenceFacts>()
  const pictures = new Map<number, string>()
  const oddities = new Set<Oddity>(stream.oddities)
  let lost = new References(0)
  let redefined = 0
  let open: Open | undefined
  if (stream.codec === 'h264' || stream.codec === 'hevc') {
    for (const { nal, ptsMs } of stream.nals) {
      const kind = nalKind(nal, stream.codec)
      const odd = oddityOf(nal, stream.codec)
      if (odd) oddities.add(odd)
      if (kind === 'sequence') {
        const id = Buffer.from(nal).toString('hex')
        if (sequences.size < 64 && !sequences.has(id)) {
          const facts = sequenceFacts(nal, stream.codec)
          sequences.set(id, facts)
          for (const found of facts.oddities) oddities.add(found)
          lost = new References(facts.frameNumBits)
        }
      } else if (kind === 'picture') {
        const id = pictureSetId(nal, stream.codec)
        const content = Buffer.from(nal).toString('hex')
        const before = pictures.get(id)
        if (before !== undefined && before !== content) redefined++
        pictures.set(id, content)
      } else if (kind === 'slice' || kind === 'key-slice') {
        if (open === undefined && !isIdr(nal, stream.codec)) oddities.add('no-idr-start')
        if (open === undefined || beginsPicture(nal, stream.codec)) {
          if (open) units.push(close(open))
          open = { ptsMs, key: kind === 'key-slice', slices: [] }
          if (lost.after(nal)) oddities.add('lost-reference')
        }
        open.slices.push(nal)
      }
    }
    if (open) units.push(close(open))
  }
  const first = [...sequences.values()][0]
  const times = units.map((unit) => unit.ptsMs).filter((time) => !Number.isNaN(time))
  const sorted = [...times].sort((a, b) => a - b)
  const steps = sorted.slice(1).map((time, i) => time - (sorted[i] ?? 0))
  const step = median(steps.filter((s) => s > 0))
  const durationMs = sorted.length === 0 ? 0 : (sorted.at(-1) ?? 0) - (sorted[0] ?? 0) + step
  const videoBytes = units.reduce((sum, unit) => sum + unit.bytes, 0)
  return {
    units,
    firstPicture: firstPicture(stream),
    audio: stream.audio,
    facts: {
      container: stream.container,
      fileBytes,
      videoTracks: stream.videoTracks,
      audioTracks: stream.audioTracks,
      codec: CODECS[stream.codec],
      codecName: stream.codecName,
      width: first?.width ?? 0,
      height: first?.height ?? 0,
      chroma: first?.chroma ?? 0,
      bitDepth: first?.bitDepth ?? 0,
      progressive: first?.progressive ?? false,
      parameterSets: sequences.size + redefined,
      editList: stream.editList,
      frames: units.length,
      keyFrames: units.filter((unit) => unit.key).length,
      firstIsKey: units[0]?.key ?? false,
      timesOk: times.length === units.length && steps.every((s) => s > 0),
      longestGapMs: steps.reduce((most, gap) => Math.max(most, gap), 0),
      oddities: [...oddities],
      durationMs,
      fps: durationMs > step ? ((sorted.length - 1) * 1000) / (durationMs - step) : 0,
      bitrate: durationMs > 0 ? Math.round((videoBytes * 8000) / durationMs) : 0,
    },
  }
}
