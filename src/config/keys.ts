import { z } from 'zod'
import { configSchema } from './schema.ts'

/** One key of the configuration, as everything but the parser sees it: help, flags, variables, reference. */
export interface ConfigKey {
  /** `http.port` */
  path: string
  kind: 'text' | 'number' | 'boolean' | 'list' | 'objects'
  help: string
  /** Of each object in a list of them. */
  fields?: readonly string[]
  /** Words that it may be. */
  choices?: readonly string[]
  /** `1 to 65535`, in words. */
  range?: string
  default?: unknown
  /** What holds without a value where that is no constant. */
  fallback?: string
  /** Every configuration must say it. */
  required: boolean
  /** `FISHERMAN_HTTP_PORT` and `--http-port`; undefined for what one word cannot say. */
  variable?: string
  flag?: string
  isPath: boolean
  /** May carry a token. */
  secret: boolean
  /** A running daemon takes it over on SIGHUP. */
  reload: boolean
  /** The network says what holds without a value. */
  preset: boolean
}

/** What zod tells of a schema, as JSON Schema with our marks. */
interface Described {
  type?: string
  description?: string
  properties?: Record<string, Described>
  required?: string[]
  items?: Described
  enum?: string[]
  default?: unknown
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  fallback?: string
  path?: boolean
  secret?: boolean
  reload?: boolean
  preset?: boolean
}

let known: readonly ConfigKey[] | undefined

/** All keys in the order of the schema. */
export function configKeys(): readonly ConfigKey[] {
  known ??= walk(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Described, [], true)
  return known
}

function walk(schema: Described, path: readonly string[], inRequired: boolean): ConfigKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    const required = inRequired && (schema.required ?? []).includes(name)
    const at = [...path, name]
    return part.properties ? walk(part, at, required) : [keyOf(part, at, required)]
  })
}

function keyOf(part: Described, path: readonly string[], required: boolean): ConfigKey {
  const kind = kindOf(part)
  const words = path.map(dashed)
  const range = rangeOf(part)
  return {
    path: path.join('.'),
    kind,
    help: part.description ?? '',
    required: required && part.fallback === undefined,
    isPath: part.path === true,
    secret: part.secret === true,
    reload: part.reload === true,
    preset: part.preset === true,
    ...(part.items?.properties ? { fields: Object.keys(part.items.properties) } : {}),
    ...(kind === 'objects'
      ? {}
      : { flag: `--${words.join('-')}`, variable: `FISHERMAN_${words.join('_').replaceAll('-', '_').toUpperCase()}` }),
    ...(part.enum ? { choices: part.enum } : {}),
    ...(range === undefined ? {} : { range }),
    ...(part.default === undefined ? {} : { default: part.default }),
    ...(part.fallback === undefined ? {} : { fallback: part.fallback }),
  }
}

function kindOf({ type, items }: Described): ConfigKey['kind'] {
  if (type === 'array') return items?.properties ? 'objects' : 'list'
  if (type === 'number' || type === 'integer') return 'number'
  return type === 'boolean' ? 'boolean' : 'text'
}

function rangeOf({ type, minimum, exclusiveMinimum, maximum }: Described): string | undefined {
  if (type !== 'number' && type !== 'integer') return undefined
  const whole = type === 'integer'
  const low = exclusiveMinimum === undefined ? minimum : whole ? exclusiveMinimum + 1 : undefined
  const from = low === undefined ? `above ${exclusiveMinimum}` : `${low}`
  return `${whole ? 'whole, ' : ''}${from} to ${maximum}`
}

/** `passwordFile` becomes `password-file`. */
function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
