import type { Profile } from '../proofs/types.ts'
import { Slots } from './base/slots.ts'
import { bandsOf } from './fingerprint/bands.ts'
import { compare } from './fingerprint/features.ts'
import { packetSetOf, passedThrough, reused } from './fingerprint/packets.ts'
import { type Draw, type Fingerprint, fingerprintFrames, framesOf } from './fingerprint/pdq.ts'
import { detailDrop, errorRatio } from './fingerprint/quality.ts'
import { contentOf, type SourceTrack, sourceTrackOf, trackOf } from './fingerprint/track.ts'
import type { Features, PacketSet } from './fingerprint/types.ts'
import { sheetOf } from './sheet.ts'
import type { DecodeInput, DecodeRun } from './transcode/decode.ts'
import {
  controlsOf,
  decodeJob,
  isDecodable,
  type JobFile,
  type Outcome,
  openFile,
  type TranscodeInit,
  withScratch,
} from './transcode/job.ts'
import { inspectMedia } from './transcode/probe.ts'
import { outputSize } from './transcode/size.ts'
import { type DecodedRendition, MEDIA_LIMITS, type MediaFacts, type MediaLimits } from './transcode/types.ts'
import { claimedProfile } from './verdict/claim.ts'
import { decide, worstOf } from './verdict/decide.ts'
import { CONFIRM_FACTOR, PROVE_FACTOR } from './verdict/lines.ts'
import type { ControlFeatures, Decision, Decodes, Depth, Judgement, LeafClaim, Quality, Reason } from './verdict/types.ts'

export { reasonLine } from './verdict/text.ts'
export type { Depth, Reason } from './verdict/types.ts'

export interface RenditionRequest {
  path: string
  /** What was ordered; without one the claim is what the container says. */
  profile?: Profile
  leaf?: LeafClaim
  /** Which frames to fingerprint; without one no fingerprint is made. */
  draw?: Draw
  /** Packets of earlier segments of the same stream and rung. */
  earlier?: readonly PacketSet[]
}

export interface JudgeRequest {
  /** Path of a local file. */
  source: string
  renditions: readonly RenditionRequest[]
  depth: Depth
  /** Confirmers use 1.8 times the D2 lines at prove instead of twice. */
  confirm?: boolean
}

export interface RenditionVerdict {
  path: string
  verdict: Judgement
  faultClass?: 'D2' | 'D3' | 'Q'
  reasons: Reason[]
  measures: Record<string, number | string | boolean>
  fingerprint?: Fingerprint
  facts?: MediaFacts
  packets: PacketSet
  /** Rendition frames that differ most, worst first. */
  worstFrames: number[]
}

export interface JudgeResult {
  verdictVersion: 1
  depth: Depth
  verdict: Judgement
  renditions: RenditionVerdict[]
  sourceFacts?: MediaFacts
  timingsMs: Record<string, number>
}

export interface JudgeInit {
  ffmpegPath?: string
  /** Folders to look for programs in, as in PATH. */
  searchPath?: string
  scratchDir: string
  maxJobs: number
  limits?: Partial<MediaLimits>
}

export interface Judge {
  judge(request: JudgeRequest, options?: { signal?: AbortSignal }): Promise<JudgeResult>
  /** Throws a FishermanError that says what is wrong where a path is no readable media file. */
  inspect(path: string): Promise<void>
  /** Writes a contact sheet of the worst rendition of a finished judgement. */
  writeSheet(request: JudgeRequest, result: JudgeResult, path: string, options?: { signal?: AbortSignal }): Promise<void>
}

const EMPTY_PACKETS: PacketSet = { rendition: [], source: [] }

/** Only one picture a file is looked at: counts and lengths then come from the container. */
function firstPicture(input: DecodeInput): DecodeInput {
  return { path: input.path, facts: input.facts, firstOnly: true }
}

function decodesOf(file: JobFile, outcome: Outcome | undefined, at: number): Decodes {
  const facts = file.demuxed?.facts
  if (!facts) return 'no'
  if (isDecodable(file)) return outcome?.decodes[at] !== false ? 'yes' : 'no'
  // A stream without a picture is undecodable; a fragmented MP4 or another codec is only unknown to us.
  return facts.container === 'mpegts' && facts.frames === 0 && facts.codec !== -1 && !file.overLimit ? 'no' : 'unknown'
}

interface Compared {
  features: Features | undefined
  quality: Quality
  controls: ControlFeatures[]
  fingerprint: Fingerprint | undefined
}

function compareOne(
  source: SourceTrack,
  own: DecodedRendition,
  controls: readonly DecodedRendition[],
  numbers: readonly number[],
): Compared {
  const features = compare(source, trackOf(own.planes))
  const bands = own.detail && bandsOf(own.detail.own.frames, own.detail.own.width, own.detail.own.height)
  const wanted = own.detail && bandsOf(own.detail.source.frames, own.detail.source.width, own.detail.source.height)
  const compared = controls.map((control) => {
    const result = compare(source, trackOf(control.planes))
    const sameSize = control.detail?.own.width === own.detail?.own.width && control.detail?.own.height === own.detail?.own.height
    const energy =
      control.detail && sameSize
        ? bandsOf(control.detail.own.frames, control.detail.own.width, control.detail.own.height)
        : undefined
    return { features: result, energy, detail: energy && wanted ? detailDrop(wanted, energy) : undefined }
  })
  // The kinder of our two encoders counts: an honest node may use either.
  const least = (values: (number | undefined)[]): number | undefined => {
    const known = values.filter((value) => value !== undefined)
    return known.length > 0 ? Math.min(...known) : undefined
  }
  return {
    features,
    quality: {
      detail: bands && wanted ? detailDrop(wanted, bands) : undefined,
      detailOwn: least(compared.map(({ energy }) => (energy && bands ? detailDrop(energy, bands) : undefined))),
      errorRatio: least(compared.map((control) => errorRatio(features, control.features))),
    },
    controls: compared.map(({ features: own2, detail }) => ({ features: own2, detail })),
    fingerprint: own.drawn && fingerprintFrames(numbers, own.drawn),
  }
}

function worstFrames(features: Features | undefined, reasons: readonly Reason[]): number[] {
  if (!features) return []
  const named = reasons.flatMap((reason) => (reason.frame === undefined ? [] : [reason.frame]))
  const byError = Array.from(features.rmse.keys()).sort((a, b) => (features.rmse[b] ?? 0) - (features.rmse[a] ?? 0))
  // Frames far apart say more than neighbours.
  const picked: number[] = []
  for (const frame of [...named, ...byError]) {
    if (picked.length < 4 && picked.every((other) => Math.abs(other - frame) >= Math.max(2, features.frames / 12)))
      picked.push(frame)
  }
  return picked
}

async function judgeIn(run: DecodeRun, request: JudgeRequest, nowMs: () => number): Promise<JudgeResult> {
  const timingsMs: Record<string, number> = {}
  let mark = nowMs()
  const lap = (name: string): void => {
    const now = nowMs()
    timingsMs[name] = Math.round((now - mark) * 10) / 10
    mark = now
  }
  const source = await openFile(request.source, run)
  const files = await Promise.all(request.renditions.map(({ path }) => openFile(path, run)))
  lap('demux')
  const prove = request.depth === 'prove'
  const screen = request.depth === 'screen'
  const sourceFacts = source.demuxed?.facts
  const usable = files.map((file, i) => ({ file, i })).filter(({ file }) => isDecodable(file))
  const numbers = files.map((file, i) => {
    const draw = request.renditions[i]?.draw
    return draw && isDecodable(file) && file.demuxed ? framesOf(draw, file.demuxed.facts.frames) : []
  })
  const claimOf = (i: number): Profile | undefined => {
    const own = files[i]?.demuxed?.facts
    return own && sourceFacts && claimedProfile(request.renditions[i]?.profile, own, sourceFacts)
  }

  let outcome: Outcome | undefined
  let controlError: unknown
  const controlInputs: { of: number; input: DecodeInput }[] = []
  if (source.demuxed && isDecodable(source)) {
    if (prove) {
      for (const { file, i } of usable) {
        // What is the source itself needs no yardstick.
        if (passedThrough(packetSetOf(file.demuxed?.units ?? [], source.demuxed.units, undefined)) > 0.5) continue
        const profile = claimOf(i)
        try {
          if (profile) {
            const made = await controlsOf({ path: source.path, demuxed: source.demuxed }, profile, String(i), run)
            controlInputs.push(...made.map((input) => ({ of: i, input })))
          }
        } catch (error) {
          run.signal?.throwIfAborted()
          controlError ??= error
        }
      }
      lap('controls')
    }
    const inputs: DecodeInput[] = usable.flatMap(({ file, i }) =>
      file.demuxed
        ? [
            {
              path: file.path,
              facts: file.demuxed.facts,
              detail: 'with-source',
              ...(numbers[i]?.length ? { drawn: numbers[i] } : {}),
            },
          ]
        : [],
    )
    const all = [...inputs, ...controlInputs.map(({ input }) => input)]
    const head: DecodeInput = { path: source.path, facts: source.demuxed.facts }
    outcome = await decodeJob(screen ? firstPicture(head) : head, screen ? all.map(firstPicture) : all, run, prove)
    lap('decode')
  }
  // A control that fails on a source which decodes is our fault, and without it nothing may be proven.
  if (controlError !== undefined && outcome?.sourceDecodes) throw controlError

  const track = outcome?.set && sourceTrackOf(outcome.set.source)
  const content = track && contentOf(track)
  const decodedAt = (position: number): DecodedRendition | undefined => {
    const k = outcome?.indices.indexOf(position) ?? -1
    return k < 0 ? undefined : outcome?.set?.renditions[k]
  }
  const verdicts = files.map((file, i): RenditionVerdict => {
    const position = usable.findIndex((entry) => entry.i === i)
    const own = position < 0 ? undefined : decodedAt(position)
    const controls = controlInputs.flatMap(({ of }, k) => {
      const control = of === i ? decodedAt(usable.length + k) : undefined
      return control ? [control] : []
    })
    const compared = track && own ? compareOne(track, own, controls, numbers[i] ?? []) : undefined
    const wanted = request.renditions[i]
    const packets = file.demuxed && source.demuxed ? packetSetOf(file.demuxed.units, source.demuxed.units, track) : EMPTY_PACKETS
    const decision: Decision = decide({
      depth: request.depth,
      proveFactor: request.confirm ? CONFIRM_FACTOR : PROVE_FACTOR,
      source: sourceFacts
        ? { facts: sourceFacts, decodes: outcome?.sourceDecodes ?? false, overLimit: source.overLimit, content }
        : undefined,
      rendition: { facts: file.demuxed?.facts, decodes: decodesOf(file, outcome, position), overLimit: file.overLimit },
      claim: {
        profile: wanted?.profile,
        size: wanted?.profile && sourceFacts ? outputSize(sourceFacts, wanted.profile) : undefined,
        leaf: wanted?.leaf,
      },
      features: compared?.features,
      quality: compared?.quality ?? {},
      controls: compared?.controls ?? [],
      packets: { passedThrough: passedThrough(packets), reused: reused(packets, wanted?.earlier ?? []) },
    })
    return {
      path: file.path,
      ...decision,
      ...(compared?.fingerprint ? { fingerprint: compared.fingerprint } : {}),
      ...(file.demuxed ? { facts: file.demuxed.facts } : {}),
      packets,
      worstFrames: worstFrames(compared?.features, decision.reasons),
    }
  })
  lap('compare')
  return {
    verdictVersion: 1,
    depth: request.depth,
    verdict: worstOf(verdicts.map(({ verdict }) => verdict)),
    renditions: verdicts,
    ...(sourceFacts ? { sourceFacts } : {}),
    timingsMs: { ...timingsMs, total: Math.round(Object.values(timingsMs).reduce((a, b) => a + b, 0) * 10) / 10 },
  }
}

/** Joins transcode, fingerprint and verdict: files in, verdict out. At most `maxJobs` run at once. */
export function createJudge(init: JudgeInit, deps: { nowMs?: () => number } = {}): Judge {
  const slots = new Slots(Math.max(1, init.maxJobs))
  const nowMs = deps.nowMs ?? (() => performance.now())
  const transcode: TranscodeInit = {
    ffmpegPath: init.ffmpegPath ?? 'ffmpeg',
    searchPath: init.searchPath ?? '',
    scratchDir: init.scratchDir,
    limits: { ...MEDIA_LIMITS, ...init.limits },
  }
  return {
    inspect: async (path) => await inspectMedia(path, transcode.limits),
    judge: async (request, options) =>
      await slots.run(
        async () => await withScratch(transcode, options?.signal, async (run) => await judgeIn(run, request, nowMs)),
        options?.signal,
      ),
    writeSheet: async (request, result, path, options) =>
      await slots.run(
        async () => await withScratch(transcode, options?.signal, async (run) => await sheetOf(request, result, path, run)),
        options?.signal,
      ),
  }
}
