import type { Features } from '../fingerprint/types.ts'
import { framesAtRate, isNamedCodec, orderedRate } from './claim.ts'
import { LINES, type LineCode, MOVING_FRAMES } from './lines.ts'
import type { VerdictInput } from './types.ts'

/** One measure's value, and how many frames alone break a given limit. */
export interface Measured {
  code: LineCode
  value: number
  frame?: number
  badFrames: (limit: number) => number
}

const over = (values: Float64Array, limit: number): number =>
  values.reduce((count, value) => (value > limit ? count + 1 : count), 0)

function peakOf(values: Float64Array): { value: number; frame: number } {
  let frame = 0
  let value = 0
  values.forEach((v, i) => {
    if (v > value) {
      value = v
      frame = i
    }
  })
  return { value, frame }
}

/** The picture measures (D2) of a comparison. */
export function pictureMeasures(f: Features): Measured[] {
  const error = peakOf(f.rmse)
  const structure = peakOf(f.ssimLoss)
  const chroma = peakOf(f.chromaByFrame)
  const measured: Measured[] = [
    { code: 'frame-error', value: error.value, frame: error.frame, badFrames: (limit) => over(f.rmse, limit) },
    { code: 'frame-structure', value: structure.value, frame: structure.frame, badFrames: (limit) => over(f.ssimLoss, limit) },
    { code: 'cell', value: f.cell.value, frame: f.cell.frame, badFrames: (limit) => over(f.cellByFrame, limit) },
    { code: 'chroma-mean', value: f.chromaMean, frame: chroma.frame, badFrames: (limit) => over(f.chromaByFrame, limit) },
    {
      code: 'chroma-cell',
      value: f.chromaCell.value,
      frame: f.chromaCell.frame,
      badFrames: (limit) => over(f.chromaCellByFrame, limit),
    },
  ]
  if (f.colourLoss !== undefined) {
    const { frame } = peakOf(f.colourByFrame)
    measured.push({ code: 'colour', value: f.colourLoss, frame, badFrames: (limit) => over(f.colourByFrame, limit) })
  }
  if (f.moving >= MOVING_FRAMES) {
    const share = f.frozen / f.moving
    measured.push({ code: 'frozen', value: share, ...(f.frozenAt >= 0 ? { frame: f.frozenAt } : {}), badFrames: () => f.frozen })
    measured.push({ code: 'shift', value: f.shiftGain, badFrames: () => 0 })
  }
  return measured
}

/** Milliseconds of length that odd times of a first or last picture account for. */
const LENGTH_SLACK_MS = 150

/** Audio packets that may differ at the ends of an honest copy. */
const AUDIO_PACKETS = 2

/** Audio tracks that a transcoder gives at most: lpms copies the best one. */
const AUDIO_TRACKS = 1

/** Allowed distance of frame counts: max(2, 2 %). */
const frameSlack = (frames: number): number => Math.max(2, 0.02 * frames)

/** The measures of claim and container (D3): each in the unit of its line. */
export function claimMeasures(input: VerdictInput): Measured[] {
  const own = input.rendition.facts
  const source = input.source?.facts
  const { profile, size, leaf } = input.claim
  const measured: Measured[] = []
  const add = (code: LineCode, value: number): void => {
    measured.push({ code, value, badFrames: () => 0 })
  }
  if (!own || !source) return []
  // A container that names a codec which we do not read still says that it is not the one ordered.
  if (profile && (profile.codec === 0 || profile.codec === 1) && isNamedCodec(own))
    add('codec', own.codec === profile.codec ? 0 : 1)
  // No video track at all is not counted here: whether there is one to be seen is ffmpeg's word too (`undecodable`).
  const surplus = own.audioTracks > Math.max(AUDIO_TRACKS, source.audioTracks) ? own.audioTracks - AUDIO_TRACKS : 0
  add('tracks', Math.max(own.videoTracks - 1, surplus, 0))
  if (size && (own.width > 0 || own.frames > 0))
    add('size', Math.max(Math.abs(own.width - size.width), Math.abs(own.height - size.height)))
  if (own.frames === 0) return measured
  const fps = profile ? orderedRate(profile) : changedRate(source.fps, own.fps)
  const expected = framesAtRate(source, fps)
  // Where the source has gaps, a rate that is ordered fills them, or not.
  const gaps = fps > 0 && source.longestGapMs > 1500 / Math.max(1, source.fps) ? (source.longestGapMs * fps) / 1000 : 0
  add('frames', Math.abs(own.frames - expected) / (frameSlack(expected) + gaps))
  const step = 1000 / Math.max(1, Math.min(source.fps || 25, own.fps || 25))
  const lengthSlack = Math.max(2 * step, 0.02 * source.durationMs, LENGTH_SLACK_MS)
  add('duration', Math.abs(own.durationMs - source.durationMs) / lengthSlack)
  if (leaf) {
    const sized = leaf.width === 0 && leaf.height === 0 ? 0 : leaf.width === own.width && leaf.height === own.height ? 0 : 2
    const counted = Math.abs(leaf.frames - own.frames) / frameSlack(own.frames)
    add('leaf', Math.max(sized, counted, Math.abs(leaf.durationMs - own.durationMs) / lengthSlack))
  }
  add('pass-through', input.packets.passedThrough)
  add('reuse', input.packets.reused)
  const { audio } = input
  if (audio) add('audio', audio.foreign > AUDIO_PACKETS ? audio.foreign / audio.rendition : 0)
  return measured
}

/** Without an order the container's own rate is the claim: 0 where it is the source's, within 2 %. */
function changedRate(source: number, own: number): number {
  return source > 0 && Math.abs(own / source - 1) > 0.02 ? own : 0
}

/** The measures of quality (Q). */
export function qualityMeasures(input: VerdictInput): Measured[] {
  const { quality, audio } = input
  const measured: Measured[] = []
  const add = (code: LineCode, value: number | undefined): void => {
    if (value !== undefined) measured.push({ code, value, badFrames: () => 0 })
  }
  add('detail', quality.detail)
  // A reason to look again, beside a control; there it has nothing to add.
  if (input.controls.length === 0) add('loss', quality.loss)
  add('detail-own', quality.detailOwn)
  add('coherence-own', quality.coherenceOwn)
  add('coherence-part', quality.coherencePart)
  add('coherence-tile', quality.coherenceTile)
  add('error-ratio', quality.errorRatio)
  add('error-part', quality.errorPart)
  if (audio) add('audio-missing', audio.missing > AUDIO_PACKETS ? audio.missing / audio.source : 0)
  return measured
}

/** The line that a measure must exceed at this depth: D2 lines grow at prove. */
export function limitOf(code: LineCode, input: Pick<VerdictInput, 'depth' | 'proveFactor'>): number {
  const line = LINES[code]
  return line.class === 'D2' && input.depth === 'prove' ? line.fraud * input.proveFactor : line.fraud
}
