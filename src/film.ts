import type { Profile } from '../proofs/types.ts'
import { drawFilm } from './fingerprint/film.ts'
import { COLUMNS, type Column, picturesOf } from './judge/pictures.ts'
import type { DecodeRun } from './transcode/decode.ts'
import { openFile } from './transcode/job.ts'

export interface FilmRequest {
  source: string
  rendition: string
  profile?: Profile
  /** Frames of the rendition that must be in it: those that differ most. */
  marked: readonly number[]
}

/** A film strip as one picture: a row for each column that there is, a tile for each frame. */
export interface Film {
  tile: { width: number; height: number }
  columns: readonly Column[]
  frames: readonly { frame: number; atMs: number | null; isMarked: boolean }[]
}

/** Width of a landscape tile: three of them fit side by side on a page, and 24 frames of three rows into half a megabyte. */
const TILE = 320
/** Moments beside the marked ones. */
const MOMENTS = 20
const MOST_MARKED = 8

/** Writes source, control and claimed rendition of the same moments as one WebP, for a player that shows them side by side. */
export async function filmOf(request: FilmRequest, path: string, run: DecodeRun): Promise<Film> {
  const files = {
    source: await openFile(request.source, run),
    claimed: await openFile(request.rendition, run),
    asked: { path: request.rendition, ...(request.profile ? { profile: request.profile } : {}) },
  }
  const marked = new Set(request.marked.slice(0, MOST_MARKED))
  const choose = (frames: number): number[] => {
    const even = Array.from({ length: Math.min(MOMENTS, frames) }, (_, i) => Math.floor((i * frames) / Math.min(MOMENTS, frames)))
    return [...new Set([...even, ...[...marked].filter((frame) => frame < frames)])].sort((a, b) => a - b)
  }
  const { rows, tile } = await picturesOf(files, choose, TILE, run)
  const columns = COLUMNS.filter((column) => rows.some(({ pictures }) => pictures[column]))
  await drawFilm({ tile, rows: columns.map((column) => rows.map(({ pictures }) => pictures[column])) }, path)
  return {
    ...{ tile, columns },
    frames: rows.map(({ frame, atMs }) => ({
      frame,
      atMs: atMs === undefined ? null : Math.round(atMs),
      isMarked: marked.has(frame),
    })),
  }
}
