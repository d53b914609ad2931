import type { AudioPacket } from '../transcode/types.ts'

/** Audio is copied, never transcoded: its packets are the source's, whatever the container. */
export interface AudioMatch {
  /** Packets of the source and of the rendition. */
  source: number
  rendition: number
  /** Packets of the rendition that the source does not have. */
  foreign: number
  /** Packets of the source that the rendition lacks. */
  missing: number
}

/** Compares two lists of audio packets as sets with repeats; undefined where either is in a codec that we do not read. */
export function audioMatch(
  source: readonly AudioPacket[] | undefined,
  rendition: readonly AudioPacket[] | undefined,
): AudioMatch | undefined {
  if (!source || !rendition) return undefined
  const left = new Map<string, number>()
  for (const { hash } of source) left.set(hash, (left.get(hash) ?? 0) + 1)
  let foreign = 0
  for (const { hash } of rendition) {
    const count = left.get(hash) ?? 0
    if (count > 0) left.set(hash, count - 1)
    else foreign++
  }
  return { source: source.length, rendition: rendition.length, foreign, missing: source.length - (rendition.length - foreign) }
}
