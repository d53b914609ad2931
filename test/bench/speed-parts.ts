import { drawDetailFrames, framesAt } from '../../src/fingerprint/detail.ts'
import { compare } from '../../src/fingerprint/features.ts'
import { pdq256 } from '../../src/fingerprint/pdq.ts'
import { contentOf, sourceTrackOf, trackOf } from '../../src/fingerprint/track.ts'
import { lookAt, type Moment } from '../../src/judge/compare.ts'
import { type DecodeInput, decodeSet, decodingGraph, inputOptions } from '../../src/transcode/decode.ts'
import { openFile, type TranscodeInit, withScratch } from '../../src/transcode/job.ts'
import { displayTimes } from '../../src/transcode/stills.ts'
import type { Demuxed } from '../../src/transcode/types.ts'
import type { Ladder } from './speed-media.ts'
import { median, usageOf } from './speed-usage.ts'
import { bareDecode, ffmpeg } from './speed-work.ts'

export interface Part {
  name: string
  /** CPU milliseconds, median. */
  cpuMs: number
}

interface Opened {
  path: string
  demuxed: Demuxed
}

/** The filter graph of a check, its outputs thrown away. */
async function filtersOnly(inputs: readonly DecodeInput[]): Promise<void> {
  const [source, ...renditions] = inputs
  if (!source) return
  const { filter, wanted } = decodingGraph(source, renditions)
  await ffmpeg([
    ...['-loglevel', 'error', '-filter_complex_threads', '1'],
    ...inputs.flatMap(({ path, facts }) => [...inputOptions(facts), '-i', path]),
    ...['-filter_complex', filter],
    ...wanted.flatMap(({ label }) => ['-map', `[${label}]`, '-fps_mode', 'passthrough', '-f', 'null', '-']),
  ])
}

function decodeInputs(files: readonly Opened[], detailed: boolean): DecodeInput[] {
  const source = files[0]?.demuxed
  if (!source) return []
  const sampled = drawDetailFrames(source.facts.frames, source.facts.durationMs, '')
  const times = displayTimes(source.units)
  const moments = sampled.map((n) => times[n] ?? 0)
  return files.map(({ path, demuxed }) => ({
    path,
    facts: demuxed.facts,
    timesMs: displayTimes(demuxed.units),
    ...(detailed ? { detail: framesAt(displayTimes(demuxed.units), moments) } : {}),
  }))
}

/** The sampled frames of a rendition beside those of the source. */
function momentsOf(inputs: readonly DecodeInput[], i: number): Moment[] {
  return (inputs[0]?.detail ?? []).map((source, k) => ({ source, own: inputs[i]?.detail?.[k] ?? 0 }))
}

/** Where the CPU time of a check goes, each part measured alone. */
export async function partsOf(init: TranscodeInit, ladder: Ladder, rounds: number): Promise<Part[]> {
  return await withScratch(init, undefined, async (run) => {
    const paths = [ladder.source, ...ladder.renditions.map(({ path }) => path)]
    const files: Opened[] = (await Promise.all(paths.map((path) => openFile(path, run)))).flatMap(({ path, demuxed }) =>
      demuxed ? [{ path, demuxed }] : [],
    )
    const plain = decodeInputs(files, false)
    const detailed = decodeInputs(files, true)
    const decoded = async (inputs: readonly DecodeInput[]) => {
      const [source, ...renditions] = inputs
      const set = source && (await decodeSet(source, renditions, run))
      if (!set) throw new Error('the ladder does not decode')
      return set
    }
    const set = await decoded(detailed)
    const track = sourceTrackOf(set.source)
    const tracks = set.renditions.map(({ planes }) => trackOf(planes))
    const picture = new Uint8Array(1920 * 1080).map((_, i) => (i * 31) & 255)
    const sync = (work: () => unknown) => async () => await Promise.resolve(work())
    const steps: [name: string, work: () => Promise<unknown>, times: number][] = [
      [
        'start of ffmpeg',
        async () => await ffmpeg(['-f', 'lavfi', '-i', 'nullsrc=s=16x16', '-frames:v', '1', '-f', 'null', '-']),
        5,
      ],
      ['demultiplexing and hashes', async () => await Promise.all(paths.map((path) => openFile(path, run))), 5],
      ['bare decode', async () => await bareDecode(ladder), 1],
      ['decode and planes, thrown away', async () => await filtersOnly(plain), 1],
      ['decode and planes', async () => await decoded(plain), 1],
      ['decode, planes and pictures, thrown away', async () => await filtersOnly(detailed), 1],
      ['decode, planes and pictures', async () => await decoded(detailed), 1],
      ['grids of all tracks', sync(() => [sourceTrackOf(set.source), set.renditions.map(({ planes }) => trackOf(planes))]), 3],
      ['content of the source', sync(() => contentOf(track)), 3],
      ['comparison of four tracks', sync(() => tracks.map((own) => compare(track, own))), 3],
      ['comparison with bands', sync(() => set.renditions.map((own, i) => lookAt(track, own, momentsOf(detailed, i + 1)))), 3],
      ['PDQ of a 1080p plane', sync(() => pdq256(picture, 1920, 1080)), 20],
    ]
    const taken = new Map<string, number[]>()
    for (let round = 0; round <= rounds; round++) {
      for (const [name, work, times] of steps) {
        const { cpuS } = await usageOf(work, times)
        // The first round only warms up.
        if (round > 0) taken.set(name, [...(taken.get(name) ?? []), cpuS * 1000])
      }
    }
    return steps.map(([name]) => ({ name, cpuMs: median(taken.get(name) ?? []) }))
  })
}
