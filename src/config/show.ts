import { maskCredentials } from '../base/errors.ts'
import { type ConfigKey, configKeys } from './keys.ts'
import type { LoadedConfig, Origin } from './load.ts'
import type { Config } from './schema.ts'

/** One effective value, fit to be shown. */
export interface ShownValue {
  path: string
  /** undefined where nothing is said and nothing holds. */
  value: unknown
  /** `flag --http-port`, `variable FISHERMAN_HTTP_PORT`, `fisherman.yaml:3`, `network arbitrum-one`, `default`. */
  origin: string
}

/** All values with their origins; `presets` are those of the network, by path. */
export function shownValues({ config, originOf }: LoadedConfig, presets: Readonly<Record<string, unknown>>): ShownValue[] {
  return configKeys().map((key) => {
    const own = configValue(config, key.path)
    const value = own ?? presets[key.path]
    const origin =
      own === undefined && key.preset && value !== undefined ? `network ${config.network}` : originText(originOf(key.path))
    return { path: key.path, value: masked(key, value ?? key.fallback), origin }
  })
}

export function configValue(config: Config, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
      config,
    )
}

function originText(origin: Origin): string {
  if (origin.from === 'file') return `${origin.file}:${origin.line}`
  return origin.from === 'default' ? 'default' : `${origin.from} ${origin.name}`
}

/** Tokens of RPC providers are part of the path: of a URL that may hold one only the host is shown. */
function masked(key: ConfigKey, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((part) => masked(key, part))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, masked(key, part)]))
  if (typeof value !== 'string') return value
  return key.secret ? hostOnly(value) : maskCredentials(value)
}

function hostOnly(text: string): string {
  if (!/^https?:/.test(text) || !URL.canParse(text)) return maskCredentials(text)
  const { protocol, host, pathname, search, username } = new URL(text)
  const hidden = pathname.length > 1 || search !== '' ? '/***' : ''
  return `${protocol}//${username ? '***@' : ''}${host}${hidden}`
}
