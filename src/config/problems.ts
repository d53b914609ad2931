import type { z } from 'zod'
import type { ConfigFile } from './file.ts'
import { configKeys } from './keys.ts'
import type { Origin } from './load.ts'
import { nearest } from './nearest.ts'

/** One thing that is wrong. Never holds the value: it may be a secret at the wrong place. */
export interface Problem {
  path: readonly PropertyKey[]
  text: string
}

/** More than these nobody reads. */
const MAX_PROBLEMS = 20
/** Of a name in a message. */
const MAX_NAME = 60

export function problemsOf(error: z.ZodError, raw: unknown): Problem[] {
  const all = error.issues.flatMap((issue): Problem[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => ({ path: [...issue.path, name], text: unknownKey(issue.path, name) }))
      : [{ path: issue.path, text: textOf(issue, valueAt(raw, issue.path)) }],
  )
  const rest = all.length - MAX_PROBLEMS
  return rest > 0 ? [...all.slice(0, MAX_PROBLEMS), { path: [], text: `and ${rest} more` }] : all
}

/** `fisherman.yaml:4: http.port: must be a number`. */
export function sentence({ path, text }: Problem, file: ConfigFile | undefined, origins: ReadonlyMap<string, Origin>): string {
  const origin = origins.get(path.filter((part) => typeof part === 'string').join('.'))
  const line = file?.lineOf(path)
  const inFile = file && (line === undefined ? file.file : `${file.file}:${line}`)
  const place = origin && 'name' in origin ? origin.name : inFile
  const name = path.map((part) => String(part).slice(0, MAX_NAME)).join('.')
  return [place, name, text].filter(Boolean).join(': ')
}

function unknownKey(path: readonly PropertyKey[], name: string): string {
  const prefix = path.map((part) => `${String(part)}.`).join('')
  const paths = configKeys().map((key) => key.path)
  const groups = paths.flatMap((key) => (key.includes('.') ? [key.slice(0, key.indexOf('.'))] : []))
  // Of a list of objects, its place in the list is part of the path.
  const list = path.filter((part) => typeof part === 'string').join('.')
  const inside = configKeys().find((key) => key.path === list)?.fields ?? []
  const beside = [...paths, ...groups]
    .filter((key) => key.startsWith(prefix) && !key.slice(prefix.length).includes('.'))
    .map((key) => key.slice(prefix.length))
  const sameName = paths.filter((key) => key.split('.').at(-1) === name)
  // A near name at the same place, the same name at another place, a near name anywhere.
  const near = nearest(name, [...beside, ...inside]) ?? sameName[0] ?? nearest(`${prefix}${name}`, paths)
  return `is not known; ${near ? `did you mean ${near}?` : 'fisherman config reference names all keys'}`
}

function textOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) return 'is missing'
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${NAMES[issue.expected] ?? issue.expected}, not ${NAMES[kindOf(value)] ?? 'this'}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}${suggestion(value, issue.values.map(String))}`
    case 'too_small':
      return typeof value === 'number'
        ? `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}`
        : issue.message
    case 'too_big':
      return typeof value === 'number'
        ? `must be at most ${issue.maximum}`
        : sizeText(value, Number(issue.maximum), issue.message)
    default:
      return issue.message
  }
}

function sizeText(value: unknown, maximum: number, message: string): string {
  return Array.isArray(value) ? `has ${value.length} entries, at most ${maximum} are taken` : message
}

function suggestion(value: unknown, words: readonly string[]): string {
  const near = typeof value === 'string' ? nearest(value, words) : undefined
  return near ? `; did you mean ${near}?` : ''
}

const NAMES: Readonly<Record<string, string>> = {
  ...{ string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list' },
  ...{ object: 'keys and values', null: 'nothing', fraction: 'a fraction', infinity: 'something endless' },
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'number' : Number.isFinite(value) ? 'fraction' : 'infinity'
  return typeof value
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[part] : undefined),
    raw,
  )
}
