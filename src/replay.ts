import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type BundleInputs, isObjective, readBundleInputs, readObjectiveInputs } from '../proofs/bundle.ts'
import { type BundleCheck, checkMedia, checkObjective, checkSignatures } from '../proofs/bundle-checks.ts'
import { CodecError } from '../proofs/codec.ts'
import { type Hex, VERDICT_VERSION } from '../proofs/types.ts'
import { FishermanError } from './base/errors.ts'
import { keccakOf } from './base/keccak.ts'
import { createJudge, type JudgeRequest } from './judge.ts'
import { type Unpacked, unpackBundle } from './prooflog/unpack.ts'
import { compareVerdicts, type Recorded, readRecorded } from './replay/compare.ts'
import { checkStatements } from './replay/statements.ts'

/** What became of a bundle on this machine. */
export interface Replay {
  /** Everything holds and the verdict came out again. */
  reproduced: boolean
  evidenceHash: Hex
  accused: Hex
  /** `signatures`: the whole verdict rests on them and there is nothing to decode; `bytes`: nothing was decoded because nobody asked for it. */
  kind: 'replay' | 'signatures' | 'bytes'
  checks: BundleCheck[]
  /** Program and decoder that judged it first, as the bundle says. */
  judgedBy: unknown
  elapsedMs: number
}

export interface ReplayOptions {
  signal?: AbortSignal
  /** @default true */
  decode?: boolean
}

export interface ReplayInit {
  scratchDir: string
  searchPath: string
}

/**
 * Replays a bundle: hashes, signatures, Merkle paths, then the verdict itself, from nothing but the file. Throws a FishermanError for a
 * file that is no whole bundle, or one that this version cannot judge. Without `decode` it stops before the verdict, and needs no ffmpeg.
 */
export async function replayBundle(
  file: string,
  init: ReplayInit,
  deps: { nowMs(): number },
  options: ReplayOptions = {},
): Promise<Replay> {
  const startedMs = deps.nowMs()
  await mkdir(init.scratchDir, { recursive: true })
  const folder = await mkdtemp(join(init.scratchDir, 'replay-'))
  try {
    const bundle = await unpackBundle(file, folder)
    const found = isObjective(bundle.inputs) ? replayObjective(file, bundle) : await replayMedia(file, bundle, init, options)
    return {
      reproduced: found.checks.every(({ holds }) => holds),
      ...found,
      judgedBy: bundle.notes['program.json'] ?? null,
      elapsedMs: deps.nowMs() - startedMs,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Evidence has one form: bytes that no check looks at do not belong into it. */
function onlyMedia(file: string, bundle: Unpacked, known: readonly string[]): void {
  for (const name of bundle.files.keys())
    if (name.startsWith('inputs/') && !known.includes(name)) throw brokenBundle(file, `${name} is not known`)
}

type Found = Pick<Replay, 'evidenceHash' | 'accused' | 'kind' | 'checks'>

function replayObjective(file: string, bundle: Unpacked): Found {
  onlyMedia(file, bundle, [])
  const read = readOrBreak(file, () => readObjectiveInputs(bundle.inputs))
  return { evidenceHash: read.evidenceHash, accused: read.transcoder, kind: 'signatures', checks: checkObjective(read) }
}

async function replayMedia(file: string, bundle: Unpacked, init: ReplayInit, options: ReplayOptions): Promise<Found> {
  onlyMedia(file, bundle, ['inputs/source.bin', 'inputs/rendition.bin'])
  const inputs = readOrBreak(file, () => readBundleInputs(bundle.inputs))
  const recorded = readOrBreak(file, () => readRecorded(bundle.notes))
  const { decode = true, ...waiting } = options
  if (decode && inputs.verdictVersion !== VERDICT_VERSION)
    throw new FishermanError({
      code: 'bundle-version',
      message: `${file} was judged by verdict version ${inputs.verdictVersion}, this program judges by ${VERDICT_VERSION}; replay it with a program of its time`,
      blame: 'ours',
    })
  const media = { source: partOf(file, bundle, 'source.bin'), rendition: partOf(file, bundle, 'rendition.bin') }
  const hashed = checkMedia(inputs, {
    ...(await hashOf(media.source).then(({ hash, bytes }) => ({ sourceHash: hash, sourceBytes: bytes }))),
    ...(await hashOf(media.rendition).then(({ hash, bytes }) => ({ contentHash: hash, renditionBytes: bytes }))),
  })
  const wrong = hashed.find(({ holds }) => !holds)
  if (wrong) throw brokenBundle(file, `${wrong.name} is ${wrong.detail}`)
  const about = { evidenceHash: inputs.evidenceHash, accused: inputs.receipt.transcoder }
  const signed = [...hashed, ...checkSignatures(inputs), ...checkStatements(inputs, bundle.notes['statements.json'])]
  if (!decode) return { ...about, kind: 'bytes', checks: signed }
  const judge = createJudge({ ...init, maxJobs: 1 })
  const { renditions } = await judge.judge(requestOf(inputs, recorded, media), waiting)
  return { ...about, kind: 'replay', checks: [...signed, ...compareVerdicts(recorded, renditions[0])] }
}

function requestOf(inputs: BundleInputs, recorded: Recorded, media: { source: string; rendition: string }): JudgeRequest {
  const { width, height, frames, durationMs, index } = inputs.rendition
  const profile = inputs.profiles[index]
  return {
    source: media.source,
    depth: recorded.depth,
    confirm: recorded.confirm,
    renditions: [
      {
        path: media.rendition,
        leaf: { width, height, frames, durationMs },
        earlier: recorded.earlier,
        ...(profile ? { profile } : {}),
        ...(recorded.draw ? { draw: recorded.draw } : {}),
      },
    ],
  }
}

function partOf(file: string, bundle: Unpacked, name: string): string {
  const path = bundle.files.get(`inputs/${name}`)
  if (!path) throw brokenBundle(file, `inputs/${name} is missing`)
  return path
}

async function hashOf(path: string): Promise<{ hash: Hex; bytes: bigint }> {
  return { hash: await keccakOf({ file: path }), bytes: BigInt((await stat(path)).size) }
}

function brokenBundle(file: string, why: string): FishermanError {
  return new FishermanError({ code: 'bundle-broken', message: `${file} is a broken evidence bundle: ${why}`, blame: 'theirs' })
}

function readOrBreak<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CodecError) throw brokenBundle(file, error.message)
    // Whatever else a reader stumbles over is a value that only a stranger would write.
    if (error instanceof TypeError || error instanceof RangeError) throw brokenBundle(file, 'a field holds what nothing can read')
    throw error
  }
}
