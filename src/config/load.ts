import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { withBootstrap } from './bootstrap.ts'
import { type ConfigFile, configError, parseConfig, readConfigFile } from './file.ts'
import { type ConfigKey, configKeys } from './keys.ts'
import { nearest } from './nearest.ts'
import { configFile, dataFolder } from './paths.ts'
import { type Problem, problemsOf, sentence } from './problems.ts'
import { type Config, configSchema } from './schema.ts'

/** Where a value comes from. */
export type Origin =
  | { from: 'flag' | 'variable'; name: string }
  | { from: 'file'; file: string; line: number }
  | { from: 'default' }

export interface LoadedConfig {
  config: Config
  /** The file that was read; undefined where there is none and flags and variables say all. */
  file: string | undefined
  originOf(path: string): Origin
}

export interface ConfigSources {
  /** @default the file at its usual place, if it is there */
  file?: string | undefined
  /** What the file says, where it is not written yet. */
  text?: string
  /** Values by path (`http.port`), as text or as they are. */
  flags?: Readonly<Record<string, unknown>>
  env?: NodeJS.ProcessEnv
}

/** Variables of the program that are no configuration of the daemon. */
const PROGRAM_VARIABLES = new Set(['FISHERMAN_CORPUS'])

/** Flags go before variables, these before the file, this before defaults. Throws `bad-config` with all that is wrong, a line for each. */
export function loadConfig(
  file?: string,
  flags: Readonly<Record<string, unknown>> = {},
  env: NodeJS.ProcessEnv = process.env,
): Config {
  return readConfig({ file, flags, env }).config
}

/** As `loadConfig`, and says where each value comes from. */
export function readConfig(sources: ConfigSources = {}): LoadedConfig {
  const { flags = {}, env = process.env } = sources
  const path = sources.file ?? (existsSync(configFile(env)) ? configFile(env) : undefined)
  const { text } = sources
  const file = path === undefined ? undefined : text === undefined ? readConfigFile(path) : parseConfig(text, path)
  const raw: Record<string, unknown> = file?.values ?? {}
  if (file) fixPaths(raw, dirname(resolve(file.file)))
  const origins = new Map<string, Origin>()
  const lay = (key: ConfigKey, value: unknown, origin: Origin) => {
    put(raw, key.path.split('.'), parsedValue(key, value))
    origins.set(key.path, origin)
  }
  refuseUnknownVariables(env)
  for (const key of configKeys()) {
    const value = key.variable === undefined ? undefined : env[key.variable]
    if (key.variable !== undefined && value !== undefined) lay(key, value, { from: 'variable', name: key.variable })
    const flag = flags[key.path]
    if (flag !== undefined) lay(key, flag, { from: 'flag', name: key.flag ?? `--${key.path}` })
  }
  raw.dataDir ??= dataFolder(env)

  const originOf = (name: string): Origin => {
    const line = file?.lineOfKey(name.split('.'))
    return origins.get(name) ?? (file && line !== undefined ? { from: 'file', file: file.file, line } : { from: 'default' })
  }
  const parsed = configSchema.safeParse(raw)
  if (!parsed.success) throw refusal(problemsOf(parsed.error, raw), file, origins)
  return { config: withBootstrap(parsed.data), file: file?.file, originOf }
}

function refuseUnknownVariables(env: NodeJS.ProcessEnv): void {
  const names = configKeys().flatMap(({ variable }) => variable ?? [])
  for (const name of Object.keys(env)) {
    if (!name.startsWith('FISHERMAN_') || names.includes(name) || PROGRAM_VARIABLES.has(name)) continue
    const near = nearest(name, names)
    throw configError(
      `the variable ${name} is not known; ${near ? `did you mean ${near}?` : 'fisherman config reference names all of them'}`,
    )
  }
}

function refusal(problems: readonly Problem[], file: ConfigFile | undefined, origins: ReadonlyMap<string, Origin>): Error {
  const lines = problems.map((problem) => sentence(problem, file, origins))
  const hint = file ? '' : `; there is no ${configFile()} either, fisherman init writes one`
  if (lines.length === 1) return configError(`${lines[0]}${hint}`)
  return configError(`the configuration has ${lines.length} mistakes${hint}:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** What flags and variables say is text: a number where it looks like one; the schema refuses what is left. */
function parsedValue(key: ConfigKey, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (key.kind === 'number') return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : value
  if (key.kind === 'boolean') return value === 'true' ? true : value === 'false' ? false : value
  if (key.kind === 'list')
    return value
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
  return key.isPath && value !== '' ? resolve(value) : value
}

/** Paths in the file are relative to it. */
function fixPaths(raw: Record<string, unknown>, folder: string): void {
  for (const { path, isPath } of configKeys()) {
    if (!isPath) continue
    const names = path.split('.')
    const value = names.reduce<unknown>((at, name) => (isTree(at) ? at[name] : undefined), raw)
    if (typeof value === 'string' && value !== '') put(raw, names, resolve(folder, value))
  }
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path
  if (key === undefined) return
  if (rest.length === 0) {
    target[key] = value
    return
  }
  // Something else than keys and values stays: it is a mistake that the schema names.
  const inner = target[key] ?? {}
  if (!isTree(inner)) return
  target[key] = inner
  put(inner, rest, value)
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
