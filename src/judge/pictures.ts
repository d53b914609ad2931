import { encodeControls } from '../transcode/control.ts'
import type { DecodeRun } from '../transcode/decode.ts'
import { isDecodable, type JobFile } from '../transcode/job.ts'
import { demux, readMedia } from '../transcode/probe.ts'
import { displayTimes, type StillsInput, stillsOf } from '../transcode/stills.ts'
import type { Demuxed } from '../transcode/types.ts'
import { claimedProfile } from '../verdict/claim.ts'
import type { RenditionRequest } from './types.ts'

export const COLUMNS = ['source', 'control', 'claimed'] as const
export type Column = (typeof COLUMNS)[number]

/** Pictures of one moment: rgb24 tiles of one size, undefined where there is none. */
export interface PictureRow {
  frame: number
  /** Milliseconds after the first picture; undefined where the rendition tells no times. */
  atMs: number | undefined
  sourceFrame: number
  pictures: Partial<Record<Column, Uint8Array>>
}

/**
 * What the source shows, what our own re-transcode makes of it, and what was delivered, at these frames of the rendition. Control and source
 * are taken at the same times, whatever their rates. A control that cannot be made leaves its column empty: this is an illustration, no evidence.
 */
export async function picturesOf(
  files: { source: JobFile; claimed: JobFile; asked: RenditionRequest | undefined },
  /** Numbers of frames, given how many there are. */
  choose: (frames: number) => readonly number[],
  /** Width of a landscape tile of 16 to 9; others keep about the same area. */
  tileWidth: number,
  run: DecodeRun,
): Promise<{ rows: PictureRow[]; tile: { width: number; height: number } }> {
  const source = decodable(files.source)
  const own = decodable(files.claimed)
  const shape = source?.facts ?? own?.facts ?? { width: 16, height: 9 }
  const tile = tileOf(shape, tileWidth)
  const frames = own ? choose(own.facts.frames) : [0]
  const times = own ? displayTimes(own.units) : []
  const sourceTimes = source ? displayTimes(source.units) : []
  const inSource = frames.map((frame) => (own ? nearest(sourceTimes, times[frame] ?? 0) : frame))
  const profile = source && own ? claimedProfile(files.asked?.profile, own.facts, source.facts) : undefined
  const made =
    source && profile
      ? await encodeControls({ path: files.source.path, facts: source.facts }, profile, {
          ...run,
          label: 'sheet',
          presets: ['medium'],
        }).catch(() => [])
      : []
  const control = made[0] && { path: made[0].path, demuxed: demux(await readMedia(made[0].path, run.limits)) }
  const controlTimes = control ? displayTimes(control.demuxed.units) : []
  const inputs: (StillsInput & { column: Column })[] = []
  if (source) inputs.push({ column: 'source', path: files.source.path, facts: source.facts, frames: inSource })
  if (control) {
    const at = frames.map((frame) => nearest(controlTimes, times[frame] ?? 0))
    inputs.push({ column: 'control', path: control.path, facts: control.demuxed.facts, frames: at })
  }
  if (own) inputs.push({ column: 'claimed', path: files.claimed.path, facts: own.facts, frames })
  const pictures = inputs.length > 0 ? await stillsOf(inputs, tile.width, tile.height, run) : []
  const rows = frames.map((frame, r) => ({
    ...{ frame, atMs: times[frame], sourceFrame: inSource[r] ?? 0 },
    pictures: Object.fromEntries(inputs.flatMap(({ column }, i) => (pictures[i]?.[r] ? [[column, pictures[i][r]]] : []))),
  }))
  return { rows, tile }
}

function decodable(file: JobFile): Demuxed | undefined {
  return file.demuxed && isDecodable(file) ? file.demuxed : undefined
}

function tileOf({ width, height }: { width: number; height: number }, tileWidth: number): { width: number; height: number } {
  const scale = Math.sqrt((tileWidth * tileWidth * 9) / 16 / (width * height))
  const even = (pixels: number): number => Math.min(1200, Math.max(32, 2 * Math.round((pixels * scale) / 2)))
  return { width: even(width), height: even(height) }
}

function nearest(times: readonly number[], wanted: number): number {
  return times.reduce((best, time, i) => (Math.abs(time - wanted) < Math.abs((times[best] ?? 0) - wanted) ? i : best), 0)
}
