import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Profile } from '../../proofs/types.ts'
import { against } from '../../src/judge/compare.ts'
import { controlKey } from '../../src/judge/controls.ts'
import type { Examined, Look } from '../../src/judge/types.ts'
import type { Judge } from '../../src/judge.ts'
import { CONTROL_PRESETS } from '../../src/transcode/control.ts'
import { decide, isNearALine } from '../../src/verdict/decide.ts'
import type { Decision, VerdictInput } from '../../src/verdict/types.ts'

/** One rendition to be measured. */
export interface Subject {
  path: string
  source: string
  profile: Profile
}

/** What the engine measured of one rendition; every line can be tried on it again without decoding anything. */
export type Measured = Pick<Examined, 'input' | 'own' | 'controls'>

const ARRAYS = '#f64'

/** Features hold Float64Arrays and NaN, which JSON does not know. */
function pack(_: string, value: unknown): unknown {
  if (value instanceof Float64Array) {
    return { [ARRAYS]: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return { '#n': String(value) }
  return value
}

function unpack(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (ARRAYS in value) {
    const bytes = Buffer.from(String(value[ARRAYS]), 'base64')
    return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  }
  return '#n' in value ? Number(value['#n']) : value
}

const sha = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex').slice(0, 24)

/** Quality and verdict are derived anew from what was measured. */
const DERIVED = ['quality.ts', 'compare.ts']

/** Hash of the code that measures: measurements of another engine are not used again. */
export function engineHash(root: string): string {
  const files = ['src/transcode', 'src/fingerprint', 'src/judge'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !DERIVED.includes(basename(name)))
      .map((name) => join(root, folder, name)),
  )
  return sha(
    files
      .sort()
      .map((file) => readFileSync(file, 'utf8'))
      .join('\0'),
  )
}

/** Renditions of one claim share their controls, so they are examined together; a job is kept small enough for memory. */
const PER_JOB = 12

export interface Measurer {
  measure(subjects: readonly Subject[]): Promise<Measured[]>
}

/** Measures renditions with both controls, as many jobs at a time as the judge takes, and keeps the results on disk. */
export function createMeasurer(init: {
  judge: Judge
  cacheDir: string
  engine: string
  onDone?: (count: number) => void
}): Measurer {
  mkdirSync(init.cacheDir, { recursive: true })
  const hashes = new Map<string, string>()
  const fileHash = (path: string): string => {
    const known = hashes.get(path) ?? sha(readFileSync(path))
    hashes.set(path, known)
    return known
  }
  const fileOf = (s: Subject): string =>
    join(init.cacheDir, `${sha([init.engine, fileHash(s.source), fileHash(s.path), controlKey(s.profile)].join(' '))}.json`)

  async function job(subjects: readonly Subject[]): Promise<void> {
    const source = subjects[0]?.source
    if (source === undefined) return
    const word = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`
    const draw = { beacon: word('1'), sampleId: word('2'), fisherman: `0x${'3'.repeat(40)}` as const }
    const renditions = subjects.map(({ path, profile }) => ({ path, profile, draw }))
    const done = await init.judge.examine({ source, renditions, depth: 'prove' }, CONTROL_PRESETS)
    subjects.forEach((subject, i) => {
      const examined = done.renditions[i]
      if (!examined) throw new Error(`no measurement of ${subject.path}`)
      const file = fileOf(subject)
      writeFileSync(
        `${file}.part`,
        JSON.stringify({ input: examined.input, own: examined.own, controls: examined.controls }, pack),
      )
      renameSync(`${file}.part`, file)
      init.onDone?.(1)
    })
  }

  return {
    measure: async (subjects) => {
      const groups = new Map<string, Subject[]>()
      for (const subject of subjects) {
        if (existsSync(fileOf(subject))) {
          init.onDone?.(1)
          continue
        }
        const key = `${subject.source} ${controlKey(subject.profile)}`
        groups.set(key, [...(groups.get(key) ?? []), subject])
      }
      const jobs = [...groups.values()].flatMap((group) =>
        Array.from({ length: Math.ceil(group.length / PER_JOB) }, (_, k) => group.slice(k * PER_JOB, (k + 1) * PER_JOB)),
      )
      await Promise.all(jobs.map(job))
      return subjects.map((subject) => JSON.parse(readFileSync(fileOf(subject), 'utf8'), unpack) as Measured)
    },
  }
}

function inputWith(measured: Measured, depth: VerdictInput['depth'], controls: readonly Look[]): VerdictInput {
  const { input, own } = measured
  return { ...input, depth, ...(own ? against(own, controls) : { quality: {}, controls: [] }) }
}

/** The verdict that the judge would give at a depth: a check looks again, beside the second preset, where it ends near a line. */
export function decideAt(
  measured: Measured,
  depth: 'check' | 'prove',
): { decision: Decision; input: VerdictInput; again: boolean } {
  if (depth === 'prove') {
    const input = inputWith(measured, depth, measured.controls)
    return { decision: decide(input), input, again: false }
  }
  const first = inputWith(measured, depth, [])
  if (!isNearALine(first)) return { decision: decide(first), input: first, again: false }
  const input = inputWith(measured, depth, measured.controls.slice(1, 2))
  return { decision: decide(input), input, again: true }
}
