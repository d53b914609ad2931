import { type FrameFp, VERDICT_VERSION } from '../proofs/types.ts'
import { Slots } from './base/slots.ts'
import { type Film, type FilmRequest, filmOf } from './film.ts'
import type { Features } from './fingerprint/types.ts'
import { examine } from './judge/examine.ts'
import { printsOf } from './judge/prints.ts'
import type { Examination, Examined, JudgeRequest, JudgeResult, RenditionVerdict } from './judge/types.ts'
import { sheetOf } from './sheet.ts'
import { CONTROL_PRESETS } from './transcode/control.ts'
import { type DecodeRun, decodesCleanly } from './transcode/decode.ts'
import { versionOf } from './transcode/hardware/build.ts'
import type { Hardware } from './transcode/hardware/hardware.ts'
import { openFile, type TranscodeInit, withScratch } from './transcode/job.ts'
import { inspectMedia } from './transcode/probe.ts'
import { requireFfmpeg } from './transcode/sandbox.ts'
import { MEDIA_LIMITS, type MediaLimits } from './transcode/types.ts'
import { decide, isNearALine, worstOf } from './verdict/decide.ts'
import type { Reason } from './verdict/types.ts'

export type { JudgeRequest, JudgeResult, RenditionRequest, RenditionVerdict } from './judge/types.ts'
export { needsProof } from './verdict/decide.ts'
export { outcomeName, reasonLine } from './verdict/text.ts'
export type { Depth, Reason } from './verdict/types.ts'

export interface JudgeInit {
  ffmpegPath?: string
  /** Folders to look for programs in, as in PATH. */
  searchPath?: string
  scratchDir: string
  maxJobs: number
  /** Niceness of ffmpeg, 0 to 19; default 0. */
  nice?: number
  limits?: Partial<MediaLimits>
  /** Devices for screens and checks; what is proven never uses them. */
  hardware?: Hardware | undefined
}

interface Tools {
  nowMs: () => number
  hardware: Hardware | undefined
}

export interface Judge {
  /** Measures without judging; `presets` are the controls to encode. What benchmarks are made of. */
  examine(request: JudgeRequest, presets: readonly string[], options?: { signal?: AbortSignal }): Promise<Examination>
  judge(request: JudgeRequest, options?: { signal?: AbortSignal }): Promise<JudgeResult>
  /** What decodes here: the first line that ffmpeg says of itself. */
  decoder(): Promise<string>
  /** Throws a FishermanError that says what is wrong where a path is no readable media file. */
  inspect(path: string): Promise<void>
  /** Fingerprints of a source's frames, for whoever commits to them. Throws `no-fingerprints` where the file is not sound. */
  prints(path: string, options?: { signal?: AbortSignal }): Promise<FrameFp[]>
  /** Writes a contact sheet of the worst rendition of a finished judgement. */
  writeSheet(request: JudgeRequest, result: JudgeResult, path: string, options?: { signal?: AbortSignal }): Promise<void>
  /** Writes a film strip of source, control and claimed rendition (WebP). */
  writeFilm(request: FilmRequest, path: string, options?: { signal?: AbortSignal }): Promise<Film>
}

/** The control of a second look at a check: the kinder of the two, and the cheaper. */
const SECOND_LOOK = ['veryfast'] as const

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

function verdictOf(examined: Examined): RenditionVerdict {
  const { path, input, packets, fingerprint, audited } = examined
  const decision = decide(input)
  return {
    path,
    ...decision,
    ...(fingerprint ? { fingerprint } : {}),
    ...(audited ? { audited } : {}),
    ...(input.rendition.facts ? { facts: input.rendition.facts } : {}),
    packets,
    worstFrames: worstFrames(input.features, decision.reasons),
  }
}

function addTimes(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const sum = { ...a }
  for (const [name, value] of Object.entries(b)) sum[name] = Math.round(((sum[name] ?? 0) + value) * 10) / 10
  return sum
}

/** A screen sees one picture a file: before it accuses, all of the source must decode. */
async function sureOfSource(run: DecodeRun, request: JudgeRequest, first: Examination): Promise<Examination> {
  if (!first.renditions.some(({ input }) => decide(input).verdict === 'fail')) return first
  const { demuxed } = await openFile(request.source, run)
  if (!demuxed || (await decodesCleanly({ path: request.source, facts: demuxed.facts }, run))) return first
  const broken = (examined: Examined): Examined => ({
    ...examined,
    input: { ...examined.input, source: examined.input.source && { ...examined.input.source, decodes: false } },
  })
  return { ...first, renditions: first.renditions.map(broken) }
}

/**
 * Examines with a device where there is one. A device shows damaged pictures without a word, and may err: it may clear, never
 * accuse. Whatever does not pass is looked at again in software.
 */
async function examineFairly(
  run: DecodeRun,
  request: JudgeRequest,
  presets: readonly string[],
  { nowMs, hardware }: Tools,
): Promise<Examination> {
  // A screen looks at single pictures, which no device is asked for.
  const use = request.depth === 'check' ? hardware?.everyday(request.depth) : undefined
  const first = await examine(run, request, presets, nowMs, use)
  if (!use || first.renditions.every(({ input }) => decide(input).verdict === 'pass')) return first
  const again = await examine(run, request, presets, nowMs)
  return { ...again, timingsMs: addTimes(first.timingsMs, again.timingsMs) }
}

/** Examines at the depth asked for; a check that ends near a line looks again, beside our own re-transcode. */
async function lookClosely(run: DecodeRun, request: JudgeRequest, tools: Tools): Promise<Examination> {
  const first = await examineFairly(run, request, request.depth === 'prove' ? CONTROL_PRESETS : [], tools)
  if (request.depth === 'screen') return await sureOfSource(run, request, first)
  const near = first.renditions.map(({ input }, i) => ({ input, i })).filter(({ input }) => isNearALine(input))
  if (request.depth === 'prove' || near.length === 0) return first
  const renditions = near.flatMap(({ i }) => request.renditions[i] ?? [])
  const second = await examineFairly(run, { ...request, renditions }, SECOND_LOOK, tools)
  const again = new Map(near.map(({ i }, k) => [i, second.renditions[k]]))
  return {
    ...first,
    renditions: first.renditions.map((examined, i) => again.get(i) ?? examined),
    timingsMs: addTimes(first.timingsMs, second.timingsMs),
  }
}

async function judgeIn(run: DecodeRun, request: JudgeRequest, tools: Tools): Promise<JudgeResult> {
  const { renditions, sourceFacts, timingsMs } = await lookClosely(run, request, tools)
  const verdicts = renditions.map(verdictOf)
  return {
    verdictVersion: VERDICT_VERSION,
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
  const tools: Tools = { nowMs, hardware: init.hardware }
  const transcode: TranscodeInit = {
    ffmpegPath: init.ffmpegPath ?? 'ffmpeg',
    searchPath: init.searchPath ?? '',
    scratchDir: init.scratchDir,
    limits: { ...MEDIA_LIMITS, ...init.limits },
    nice: init.nice,
  }
  /** In its turn, with a scratch folder of its own. */
  const job = <T>(work: (run: DecodeRun) => Promise<T>, options?: { signal?: AbortSignal }): Promise<T> =>
    slots.run(() => withScratch(transcode, options?.signal, work), options?.signal)
  return {
    decoder: async () => await versionOf(requireFfmpeg(transcode.ffmpegPath, transcode.searchPath)),
    inspect: async (path) => await inspectMedia(path, transcode.limits),
    examine: async (request, presets, options) => await job((run) => examine(run, request, presets, nowMs), options),
    judge: async (request, options) => await job((run) => judgeIn(run, request, tools), options),
    prints: async (path, options) => await job((run) => printsOf(path, run), options),
    writeFilm: async (request, path, options) => await job((run) => filmOf(request, path, run), options),
    writeSheet: async (request, result, path, options) => await job((run) => sheetOf(request, result, path, run), options),
  }
}
