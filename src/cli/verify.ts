import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { isFishermanError } from '../base/errors.ts'
import {
  createJudge,
  type Depth,
  type Judge,
  type JudgeRequest,
  type JudgeResult,
  outcomeName,
  type RenditionVerdict,
  reasonLine,
} from '../judge.ts'
import { complain, usage } from './complain.ts'
import { parseProfile } from './profile.ts'
import type { VerifyOptions } from './verify.options.ts'

const ZERO32: Hex = `0x${'0'.repeat(64)}`
/** The command's own fixed draw: anyone who verifies the same file gets the same fingerprint. */
const DRAW = { beacon: ZERO32, sampleId: ZERO32, fisherman: `0x${'0'.repeat(40)}` as Hex }

const EXIT = { pass: 0, fail: 1, inconclusive: 3 } as const
const EXIT_ERROR = 2

/** Where this machine has its tools; comes from the configuration, since a command reads no environment itself. */
export interface VerifyTools {
  ffmpegPath?: string
  searchPath?: string
}

function isDepth(text: string): text is Depth {
  return text === 'screen' || text === 'check' || text === 'prove'
}

/** A file that is not there, or is no media, is a mistake of who typed the command, not evidence. */
async function requireMedia(judge: Judge, option: string, path: string): Promise<void> {
  try {
    await judge.inspect(path)
  } catch (error) {
    throw isFishermanError(error) ? usage(`${option} ${error.message}`) : error
  }
}

async function requestOf(judge: Judge, options: VerifyOptions): Promise<{ request: JudgeRequest; names: string[] }> {
  const { depth, rendition, profile } = options
  if (!isDepth(depth)) throw usage(`--depth '${depth}': must be screen, check or prove`)
  if (rendition.length === 0) throw usage('--rendition is missing: name at least one file')
  const profiles = profile.map(parseProfile)
  if (profiles.length > 0 && profiles.length !== rendition.length) {
    throw usage(`${profiles.length} --profile for ${rendition.length} --rendition: give one for each, in the same order, or none`)
  }
  await requireMedia(judge, '--source', options.source)
  for (const path of rendition) await requireMedia(judge, '--rendition', path)
  if (options.sheet !== undefined) {
    // Found out now, not after minutes of work.
    const folder = dirname(options.sheet)
    await open(folder, 'r')
      .then(async (handle) => await handle.close())
      .catch(() => {
        throw usage(`--sheet ${options.sheet}: the folder ${folder} does not exist or cannot be read`)
      })
  }
  return {
    names: profiles.map(({ name }) => name),
    request: {
      source: options.source,
      depth,
      renditions: rendition.map((path, i) => ({ path, draw: DRAW, ...(profiles[i] ? { profile: profiles[i].profile } : {}) })),
    },
  }
}

/** The object that `--json` prints; the shape is part of the command's interface. */
export function jsonOf(result: JudgeResult): Record<string, unknown> {
  return {
    verdictVersion: result.verdictVersion,
    depth: result.depth,
    verdict: result.verdict,
    renditions: result.renditions.map((r) => ({
      path: r.path,
      verdict: r.verdict,
      ...(r.faultClass ? { faultClass: r.faultClass } : {}),
      reasons: r.reasons,
      measures: r.measures,
      ...(r.fingerprint ? { fingerprint: r.fingerprint.value } : {}),
    })),
    fingerprint: result.renditions[0]?.fingerprint?.value ?? null,
    timingsMs: result.timingsMs,
  }
}

/** Measures worth a line of their own for people; all of them are in the JSON. */
const SHOWN = [
  'frame-error',
  'frame-structure',
  'cell',
  'chroma-mean',
  'chroma-cell',
  'frozen',
  'shift',
  'detail',
  'detail-own',
  'error-ratio',
]

function describe(r: RenditionVerdict, name: string | undefined): string[] {
  const facts = r.facts
  const made = facts
    ? `${facts.width}x${facts.height} ${facts.codecName}, ${facts.frames} frames, ${(facts.durationMs / 1000).toFixed(2)} s, ${Math.round(facts.bitrate / 1000)} kbit/s`
    : 'not readable'
  const measures = SHOWN.flatMap((code) => (r.measures[code] === undefined ? [] : [`${code} ${r.measures[code]}`]))
  return [
    `  ${outcomeName(r.verdict, r.faultClass)}  ${r.path}${name ? ` as ${name}` : ''}`,
    `    ${made}`,
    ...r.reasons.map((reason) => `    - ${reasonLine(reason)}`),
    ...(measures.length > 0 ? [`    measures: ${measures.join(', ')}`] : []),
    ...(r.fingerprint ? [`    fingerprint: ${r.fingerprint.value}`] : []),
  ]
}

export function reportOf(result: JudgeResult, names: readonly string[] = []): string {
  const lines = [`verdict: ${result.verdict} (depth ${result.depth}, ${Math.round(result.timingsMs.total ?? 0)} ms)`]
  for (const [i, r] of result.renditions.entries()) lines.push(...describe(r, names[i]))
  return lines.join('\n')
}

/** Runs `fisherman verify` and returns its exit code: 0 pass, 1 fail, 3 inconclusive, 2 for our own errors and bad usage. */
export async function verifyCommand(options: VerifyOptions, tools: VerifyTools = {}): Promise<number> {
  const abort = new AbortController()
  const onSignal = (): void => abort.abort(usage('interrupted'))
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  try {
    const judge = createJudge({ ...tools, scratchDir: join(tmpdir(), 'fisherman-verify'), maxJobs: 1 })
    const { request, names } = await requestOf(judge, options)
    const result = await judge.judge(request, { signal: abort.signal })
    if (options.sheet !== undefined) await judge.writeSheet(request, result, options.sheet, { signal: abort.signal })
    console.log(options.json ? JSON.stringify(jsonOf(result)) : reportOf(result, names))
    return EXIT[result.verdict]
  } catch (error) {
    complain('verify', error)
    return EXIT_ERROR
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
