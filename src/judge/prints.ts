import { type FrameFp, SOURCE_TRACK } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import { dhash64 } from '../fingerprint/pdq.ts'
import type { DecodeRun } from '../transcode/decode.ts'
import { isDecodable, openFile } from '../transcode/job.ts'
import { lumaOf } from '../transcode/luma.ts'
import { displayTimes } from '../transcode/stills.ts'

/**
 * Every eighth frame, 16 at most: those of four seconds at 30 frames a second. Reuse is proven by frames of one number in two sources, so which ones
 * are printed may depend on nothing else.
 */
const EVERY = 8
const MOST = 16

/** Fingerprints of a source's frames, as a node commits to them. Throws `no-fingerprints` where the file is not sound. */
export async function printsOf(path: string, run: DecodeRun): Promise<FrameFp[]> {
  const file = await openFile(path, run)
  const demuxed = isDecodable(file) ? file.demuxed : undefined
  if (!demuxed?.facts.timesOk) throw none('it is no video whose frames have times')
  const { facts, units } = demuxed
  const frames = Array.from({ length: Math.min(MOST, Math.ceil(facts.frames / EVERY)) }, (_, i) => i * EVERY)
  const times = displayTimes(units)
  const pictures = await lumaOf({ path, facts, frames }, run)
  if (!pictures) throw none('it does not decode cleanly, or has more than 8 bits')
  return frames.map((frame) => {
    const plane = pictures.get(frame)
    const ptsMs = Math.round(times[frame] ?? Number.NaN)
    if (!plane || !Number.isSafeInteger(ptsMs)) throw none(`its frame ${frame} is missing`)
    const { hash, strong } = dhash64(plane, facts.width, facts.height)
    return { track: SOURCE_TRACK, frame, ptsMs, dhash: BigInt(hash), strong: BigInt(strong) }
  })
}

function none(why: string): FishermanError {
  return new FishermanError({ code: 'no-fingerprints', message: `the source has no fingerprints: ${why}`, blame: 'theirs' })
}
