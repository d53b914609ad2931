import type { Profile } from '../../proofs/types.ts'
import type { DecodeRun } from '../transcode/decode.ts'
import { isDecodable, type JobFile, type Outcome, openFile } from '../transcode/job.ts'
import { outputSize } from '../transcode/size.ts'
import type { MediaFacts } from '../transcode/types.ts'
import { unwrap } from '../transcode/unwrap.ts'
import { framesAtRate, isNamedCodec, orderedRate } from '../verdict/claim.ts'
import type { Decodes, Depth } from '../verdict/types.ts'

/** A rendition as it is judged. */
export interface RenditionFile extends JobFile {
  /** Its pictures were taken out of a container that we do not read: they are judged, but numbers of frames in it are nobody's word. */
  isUnwrapped: boolean
  /** False where ffmpeg finds no picture either; undefined where it was not asked. */
  shows?: boolean
}

/** Whether a file may hold pictures that our own readers do not see. A codec with another name, or a second track, has its own line. */
function isHidden(file: JobFile): boolean {
  const facts = file.demuxed?.facts
  if (!facts || file.overLimit || isDecodable(file) || facts.videoTracks > 1) return false
  return facts.codec !== -1 || !isNamedCodec(facts)
}

/**
 * How many times the pixels of an ordered picture, or the number of ordered pictures, a file may have and be decoded. Above it, its size or
 * that number alone is proof enough (D3: both are allowed far less), and what a check costs, or whether it ends at all, is not for the node to
 * choose.
 */
const BEYOND = 4

/** Whether a file is so much larger than its order that it need not be decoded to be wrong. */
export function isBeyond({ demuxed }: JobFile, source: MediaFacts | undefined, ordered: Profile | undefined): boolean {
  if (!demuxed || !source || !ordered) return false
  const { width, height } = outputSize(source, ordered)
  const frames = framesAtRate(source, orderedRate(ordered))
  const own = demuxed.facts
  return own.width * own.height > BEYOND * width * height || own.frames > BEYOND * Math.max(1, frames)
}

/** Opens a rendition; one without a picture gets a second reader, and at `prove` that one is asked twice before it is believed. */
export async function openRendition(path: string, name: string, depth: Depth, run: DecodeRun): Promise<RenditionFile> {
  const file = await openFile(path, run)
  if (depth === 'screen' || !isHidden(file)) return { ...file, isUnwrapped: false }
  for (let tries = depth === 'prove' ? 2 : 1; tries > 0; tries--) {
    const found = await unwrap(file, `${name}-${tries}.ts`, run)
    if (found.is === 'read') return { ...found.file, isUnwrapped: true }
    if (found.is === 'unread') return { ...file, isUnwrapped: false, shows: true }
  }
  return { ...file, isUnwrapped: false, shows: false }
}

/** Whether a rendition decodes; `at` is its place among the files that were decoded. */
export function decodesOf(file: RenditionFile, ordered: Profile | undefined, outcome: Outcome | undefined, at: number): Decodes {
  const facts = file.demuxed?.facts
  if (!facts) return 'no'
  if (isDecodable(file)) return outcome?.decodes[at] !== false ? 'yes' : 'no'
  // What was ordered in a codec that we read, or says that it is in one, shows nothing to anybody. Any other is only unknown to us.
  const isReadable = facts.codec !== -1 || ordered?.codec === 0 || ordered?.codec === 1
  return file.shows === false && isReadable ? 'no' : 'unknown'
}
