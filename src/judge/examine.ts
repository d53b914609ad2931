import type { Profile } from '../../proofs/types.ts'
import { audioMatch } from '../fingerprint/audio.ts'
import { drawDetailFrames, framesAt } from '../fingerprint/detail.ts'
import { packetSetOf, passedThrough, reused } from '../fingerprint/packets.ts'
import { type Draw, fingerprintFrames, framesOf } from '../fingerprint/pdq.ts'
import { contentOf, sourceTrackOf } from '../fingerprint/track.ts'
import type { PacketSet } from '../fingerprint/types.ts'
import type { DecodeInput, DecodeRun } from '../transcode/decode.ts'
import type { HardwareUse } from '../transcode/hardware/types.ts'
import { decodeJob, isDecodable, type Outcome, openFile } from '../transcode/job.ts'
import { outputSize } from '../transcode/size.ts'
import { displayTimes } from '../transcode/stills.ts'
import type { DecodedRendition, Demuxed } from '../transcode/types.ts'
import { claimedProfile } from '../verdict/claim.ts'
import { CONFIRM_FACTOR, PROVE_FACTOR } from '../verdict/lines.ts'
import { sourceDoubts } from '../verdict/source.ts'
import { against, lookAt, type Moment } from './compare.ts'
import { type ControlSet, controlKey, encodeControlSets } from './controls.ts'
import { decodesOf, isBeyond, openRendition, type RenditionFile } from './files.ts'
import type { Examination, Examined, JudgeRequest, Look } from './types.ts'

const EMPTY_PACKETS: PacketSet = { rendition: [], source: [] }

/** Only one picture a file is looked at: counts and lengths then come from the container. */
function screenOf(path: string, { facts, firstPicture }: Demuxed): DecodeInput {
  return { path, facts, firstPicture }
}

/** A clock for the laps of a job. */
function lapTimer(nowMs: () => number): { lap: (name: string) => void; timingsMs: Record<string, number> } {
  const timingsMs: Record<string, number> = {}
  let mark = nowMs()
  const lap = (name: string): void => {
    const now = nowMs()
    timingsMs[name] = Math.round((now - mark) * 10) / 10
    mark = now
  }
  return { lap, timingsMs }
}

/** Decodes source, renditions and controls once, and measures each rendition: everything but the verdict. */
export async function examine(
  run: DecodeRun,
  request: JudgeRequest,
  presets: readonly string[],
  nowMs: () => number,
  hardware?: HardwareUse,
): Promise<Examination> {
  // What may be voted on is made in software, whatever is asked.
  const device = request.depth === 'prove' ? undefined : hardware
  const { lap, timingsMs } = lapTimer(nowMs)
  const source = await openFile(request.source, run)
  const sourceFacts = source.demuxed?.facts
  const files = await Promise.all(
    request.renditions.map(async ({ path, profile }, i): Promise<RenditionFile> => {
      const file = await openRendition(path, `unwrapped${i}`, request.depth, run)
      return isBeyond(file, sourceFacts, profile) ? { ...file, overLimit: true } : file
    }),
  )
  lap('demux')
  const screen = request.depth === 'screen'
  const copied = files.map(({ demuxed }) =>
    passedThrough({ rendition: demuxed?.units ?? [], source: source.demuxed?.units ?? [] }),
  )
  const usable = files.map((file, i) => ({ file, i })).filter(({ file }) => isDecodable(file))
  // Which frames ffmpeg takes out of an odd container is its own affair, and may change: fingerprints must be the same everywhere.
  const framesFor = (draw: Draw | undefined, file: RenditionFile) =>
    draw && isDecodable(file) && file.demuxed && !file.isUnwrapped ? framesOf(draw, file.demuxed.facts.frames) : []
  const numbersOfOwn = files.map((file, i) => framesFor(request.renditions[i]?.draw, file))
  const audits = files.map((file, i) => framesFor(request.renditions[i]?.audit, file))
  const drawn = numbersOfOwn.map((numbers, i) => [...numbers, ...(audits[i] ?? [])])
  const claims = files.map((file, i): Profile | undefined => {
    const own = file.demuxed?.facts
    // What is the source itself needs no yardstick.
    if (!own || !sourceFacts || (copied[i] ?? 0) > 0.5) return undefined
    return claimedProfile(request.renditions[i]?.profile, own, sourceFacts)
  })

  let outcome: Outcome | undefined
  let sets: ControlSet[] = []
  const momentsOf: Moment[][] = []
  if (source.demuxed && isDecodable(source)) {
    const known = { facts: source.demuxed.facts, decodes: true, overLimit: false }
    // A source that can blame nobody needs no yardstick: its renditions are looked at, and that is all.
    if (presets.length > 0 && sourceDoubts({ depth: request.depth, source: known }).length === 0) {
      sets = await encodeControlSets(
        source.path,
        source.demuxed,
        usable.flatMap(({ i }) => claims[i] ?? []),
        presets,
        run,
        device,
      )
      lap('controls')
    }
    const times = displayTimes(source.demuxed.units)
    const seed = request.renditions.find(({ draw }) => draw)?.draw
    const sampled = screen
      ? []
      : drawDetailFrames(source.demuxed.facts.frames, source.demuxed.facts.durationMs, seed ? Object.values(seed).join(' ') : '')
    // Beside a control, the neighbours too: a frame too many in front must not hide what is compared.
    const around = presets.length > 0 ? sampled.flatMap((n) => [n - 1, n, n + 1]) : sampled
    const shown = [...new Set(around)].filter((n) => n >= 0 && n < times.length)
    const inputOf = (path: string, demuxed: Demuxed, numbers: readonly number[]): DecodeInput => {
      if (screen) return screenOf(path, demuxed)
      const timesMs = displayTimes(demuxed.units)
      const detail = framesAt(
        timesMs,
        sampled.map((n) => times[n] ?? 0),
      )
      momentsOf.push(sampled.map((frame, k) => ({ source: frame, own: detail[k] ?? 0 })))
      return {
        path,
        facts: demuxed.facts,
        timesMs,
        ...(sampled.length > 0 ? { detail } : {}),
        ...(numbers.length > 0 ? { drawn: numbers } : {}),
      }
    }
    const inputs = [
      ...usable.flatMap(({ file, i }) => (file.demuxed ? [inputOf(file.path, file.demuxed, drawn[i] ?? [])] : [])),
      ...sets.flatMap((set) => set.files.map(({ path, demuxed }) => inputOf(path, demuxed, []))),
    ]
    const head: DecodeInput = {
      path: source.path,
      facts: source.demuxed.facts,
      timesMs: times,
      ...(sampled.length > 0 ? { detail: shown } : {}),
    }
    outcome = await decodeJob(
      screen ? screenOf(source.path, source.demuxed) : head,
      inputs,
      run,
      request.depth === 'prove',
      device,
    )
    lap('decode')
  }
  // A control that fails on a source which decodes is our fault, and without it nothing may be proven.
  const failed = sets.find(({ error }) => error !== undefined)
  if (failed && outcome?.sourceDecodes) throw failed.error

  const track = outcome?.set && sourceTrackOf(outcome.set.source)
  const content = track && contentOf(track)
  const decodedAt = (position: number): DecodedRendition | undefined => {
    const k = outcome?.indices.indexOf(position) ?? -1
    return k < 0 ? undefined : outcome?.set?.renditions[k]
  }
  const lookOf = (position: number): Look | undefined => {
    const decoded = decodedAt(position)
    return track && decoded && lookAt(track, decoded, momentsOf[position] ?? [])
  }
  let position = usable.length
  const yardsticks = new Map(sets.map((set) => [set.key, set.files.flatMap(() => lookOf(position++) ?? [])]))

  const renditions = files.map((file, i): Examined => {
    const at = usable.findIndex((entry) => entry.i === i)
    // A file that is not usable stands at -1, where nothing was decoded.
    const own = lookOf(at)
    const claim = claims[i]
    const controls = (claim && yardsticks.get(controlKey(claim))) ?? []
    const beside = own && against(own, controls)
    const wanted = request.renditions[i]
    const looked =
      file.demuxed && source.demuxed && !file.overLimit
        ? packetSetOf(file.demuxed.units, source.demuxed.units, track)
        : EMPTY_PACKETS
    const pictures = decodedAt(at)?.drawn
    return {
      path: wanted?.path ?? file.path,
      input: {
        depth: request.depth,
        proveFactor: request.confirm ? CONFIRM_FACTOR : PROVE_FACTOR,
        source: sourceFacts
          ? { facts: sourceFacts, decodes: outcome?.sourceDecodes ?? false, overLimit: source.overLimit, content }
          : undefined,
        rendition: {
          facts: file.demuxed?.facts,
          decodes: decodesOf(file, wanted?.profile, outcome, at),
          overLimit: file.overLimit,
        },
        claim: {
          profile: wanted?.profile,
          size: wanted?.profile && sourceFacts ? outputSize(sourceFacts, wanted.profile) : undefined,
          leaf: wanted?.leaf,
        },
        features: own?.features,
        quality: beside?.quality ?? {},
        controls: beside?.controls ?? [],
        packets: { passedThrough: copied[i] ?? 0, reused: reused(looked, wanted?.earlier ?? []) },
        audio: audioMatch(source.demuxed?.audio, file.demuxed?.audio),
      },
      own,
      controls,
      packets: looked,
      fingerprint: pictures && fingerprintFrames(numbersOfOwn[i] ?? [], pictures),
      audited: pictures && audits[i]?.length ? fingerprintFrames(audits[i], pictures) : undefined,
    }
  })
  lap('compare')
  return { renditions, sourceFacts, timingsMs }
}
