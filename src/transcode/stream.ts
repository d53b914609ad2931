import { createHash } from 'node:crypto'
import { beginsPicture, nalKind, pictureSetId, sequenceFacts } from './nal.ts'
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

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** Groups NAL units into pictures and derives the facts of the file. */
export function assemble(stream: ElementaryStream, fileBytes: number): Demuxed {
  const units: AccessUnit[] = []
  const sequences = new Map<string, SequenceFacts>()
  const pictures = new Map<number, string>()
  let redefined = 0
  let open: Open | undefined
  if (stream.codec === 'h264' || stream.codec === 'hevc') {
    for (const { nal, ptsMs } of stream.nals) {
      const kind = nalKind(nal, stream.codec)
      if (kind === 'sequence') {
        const id = Buffer.from(nal).toString('hex')
        if (sequences.size < 64 && !sequences.has(id)) sequences.set(id, sequenceFacts(nal, stream.codec))
      } else if (kind === 'picture') {
        const id = pictureSetId(nal, stream.codec)
        const content = Buffer.from(nal).toString('hex')
        const before = pictures.get(id)
        if (before !== undefined && before !== content) redefined++
        pictures.set(id, content)
      } else if (kind === 'slice' || kind === 'key-slice') {
        if (open === undefined || beginsPicture(nal, stream.codec)) {
          if (open) units.push(close(open))
          open = { ptsMs, key: kind === 'key-slice', slices: [] }
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
      durationMs,
      fps: durationMs > step ? ((sorted.length - 1) * 1000) / (durationMs - step) : 0,
      bitrate: durationMs > 0 ? Math.round((videoBytes * 8000) / durationMs) : 0,
    },
  }
}
