import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { FishermanError, messageOf } from '../base/errors.ts'
import { withBootstrap } from './bootstrap.ts'
import { type Config, configSchema } from './schema.ts'

/** Names of `FISHERMAN_*` variables and the keys that they set. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  FISHERMAN_NETWORK: ['network'],
  FISHERMAN_MODE: ['mode'],
  FISHERMAN_DATA_DIR: ['dataDir'],
  FISHERMAN_RPC: ['rpc'],
  FISHERMAN_DEPLOYMENT: ['deployment'],
  FISHERMAN_HTTP_HOST: ['http', 'host'],
  FISHERMAN_HTTP_PORT: ['http', 'port'],
  FISHERMAN_KEY_FILE: ['key', 'file'],
  FISHERMAN_PASSWORD_FILE: ['key', 'passwordFile'],
  FISHERMAN_LOG_LEVEL: ['log', 'level'],
  FISHERMAN_LOG_FORMAT: ['log', 'format'],
}
const NUMBERS = new Set(['FISHERMAN_HTTP_PORT'])
const LISTS = new Set(['FISHERMAN_RPC'])

/** Reads the file (YAML or JSON) and lays environment and flags over it; paths in the file are relative to the file. */
export function loadConfig(
  file: string,
  flags: Readonly<Record<string, unknown>> = {},
  env: NodeJS.ProcessEnv = process.env,
): Config {
  const raw = readYaml(file)
  for (const key of Object.keys(env))
    if (key.startsWith('FISHERMAN_') && !(key in VARIABLES) && !PROGRAM_VARIABLES.has(key))
      throw configError(`the variable ${key} is not known; known are ${Object.keys(VARIABLES).join(', ')}`)
  for (const [name, path] of Object.entries(VARIABLES)) {
    const value = env[name]
    if (value !== undefined) put(raw, path, NUMBERS.has(name) ? Number(value) : LISTS.has(name) ? value.split(',') : value)
  }
  for (const [name, value] of Object.entries(flags)) if (value !== undefined) put(raw, name.split('.'), value)
  const parsed = configSchema.safeParse(raw)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const path = issue?.path.join('.') || (issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : 'the file')
    throw configError(`${file}: ${path}: ${issue?.message ?? 'is not valid'}`)
  }
  return withPaths(withBootstrap(parsed.data), dirname(resolve(file)))
}

/** Variables of the program that are no configuration of the daemon. */
const PROGRAM_VARIABLES = new Set(['FISHERMAN_CORPUS'])

function readYaml(file: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw configError(`cannot read the configuration ${file} (${messageOf(cause)}); pass its path with --config`, cause)
  }
  const document = parseDocument(text, { maxAliasCount: 0 } as object)
  const problem = document.errors[0]
  if (problem) throw configError(`${file}: ${problem.message.split('\n')[0]}`)
  const value: unknown = document.toJS({ maxAliasCount: 10 })
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw configError(`${file} must hold keys and values; see the README for an example`)
  return value as Record<string, unknown>
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path
  if (key === undefined) return
  if (rest.length === 0) {
    target[key] = value
    return
  }
  const inner = target[key]
  const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {}
  target[key] = next
  put(next, rest, value)
}

function withPaths(config: Config, folder: string): Config {
  const at = (path: string) => resolve(folder, path)
  return {
    ...config,
    dataDir: at(config.dataDir),
    deployment: at(config.deployment),
    ...(config.key ? { key: { file: at(config.key.file), passwordFile: at(config.key.passwordFile) } } : {}),
  }
}

function configError(message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code: 'bad-config', message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
