import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FishermanError } from '../base/errors.ts'
import { type DecodedSet, type DecodeInput, type DecodeRun, decodeSet, decodesCleanly } from './decode.ts'
import type { HardwareUse } from './hardware/types.ts'
import { demux, readMedia } from './probe.ts'
import { openWrapper, requireFfmpeg, type SandboxMode } from './sandbox.ts'
import type { Demuxed, MediaLimits } from './types.ts'

export interface TranscodeInit {
  /** Name or path of ffmpeg; found on `searchPath` and in the usual folders. */
  ffmpegPath: string
  searchPath: string
  scratchDir: string
  limits: MediaLimits
  sandbox?: SandboxMode | undefined
  /** Niceness of media work, 0 to 19; default 0. */
  nice?: number | undefined
}

/** One job's scratch folder, removed whatever happens. */
export async function withScratch<T>(
  init: TranscodeInit,
  signal: AbortSignal | undefined,
  work: (run: DecodeRun) => Promise<T>,
): Promise<T> {
  const ffmpeg = requireFfmpeg(init.ffmpegPath, init.searchPath)
  await mkdir(init.scratchDir, { recursive: true })
  const folder = await mkdtemp(join(init.scratchDir, 'job-'))
  try {
    const { searchPath, sandbox, nice } = init
    const wrapper = await openWrapper({ ffmpeg, searchPath, sandbox, nice }, folder, init.limits)
    return await work({ wrapper, folder, limits: init.limits, signal })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A file of a job; `demuxed` is undefined where its bytes are no container that we know. */
export interface JobFile {
  path: string
  demuxed: Demuxed | undefined
  overLimit: boolean
}

/** Reads and demultiplexes one file. Throws for a file that is not there or cannot be read. */
export async function openFile(path: string, run: DecodeRun): Promise<JobFile> {
  const bytes = await readMedia(path, run.limits, run.signal)
  try {
    const demuxed = demux(bytes)
    const { facts } = demuxed
    const overLimit =
      facts.frames > run.limits.frames ||
      facts.width * facts.height > run.limits.pixels ||
      facts.videoTracks + facts.audioTracks > run.limits.tracks
    return { path, demuxed, overLimit }
  } catch {
    return { path, demuxed: undefined, overLimit: false }
  }
}

/** Whether a file is of a kind that the decoder can be asked about. */
export function isDecodable(file: JobFile): boolean {
  const facts = file.demuxed?.facts
  return (
    facts !== undefined &&
    !file.overLimit &&
    facts.frames > 0 &&
    facts.videoTracks === 1 &&
    facts.width >= 2 &&
    facts.height >= 2 &&
    (facts.codec === 0 || facts.codec === 1)
  )
}

export interface Outcome {
  /** Undefined where the source did not decode. */
  set: DecodedSet | undefined
  sourceDecodes: boolean
  /** One a rendition: decoded without errors; only those are in `indices`. */
  decodes: boolean[]
  /** Which renditions `set.renditions` holds, in order. */
  indices: number[]
}

function unsteady(source: string): FishermanError {
  return new FishermanError({
    code: 'machine-trouble',
    message: `${source} decoded a moment ago and does not now: look at the disk, the memory and the ffmpeg of this machine. Nobody is blamed`,
    blame: 'ours',
  })
}

/**
 * Decodes source and renditions together. Where anything is off, each file is decoded alone to find out whose fault it is, and
 * the clean ones are decoded together again. `again` asks a broken rendition a second time, and the source
 * after it, so that no bad run and no bad machine accuses anybody.
 * `hardware` is for the first decoding of an everyday job: who is to blame is always found out in software.
 */
export async function decodeJob(
  source: DecodeInput,
  renditions: readonly DecodeInput[],
  run: DecodeRun,
  again: boolean,
  hardware?: HardwareUse,
): Promise<Outcome> {
  const all = renditions.map((_, i) => i)
  // Asking again is for proof, and proof rests on software.
  const first = await decodeSet(source, renditions, run, again ? undefined : hardware)
  if (first && !first.trouble.some(Boolean)) {
    return { set: first, sourceDecodes: true, decodes: all.map(() => true), indices: all }
  }
  if (!(await decodesCleanly(source, run)))
    return { set: undefined, sourceDecodes: false, decodes: all.map(() => true), indices: [] }
  const decodes: boolean[] = []
  for (const rendition of renditions) {
    decodes.push((await decodesCleanly(rendition, run)) || (again && (await decodesCleanly(rendition, run))))
  }
  // What accuses must show that the decoder is still what it was: the source came out of it a moment ago.
  if (again && decodes.includes(false) && !(await decodesCleanly(source, run))) throw unsteady(source.path)
  const indices = all.filter((i) => decodes[i])
  const set = await decodeSet(
    source,
    renditions.filter((_, i) => decodes[i]),
    run,
  )
  return { set, sourceDecodes: true, decodes, indices }
}
