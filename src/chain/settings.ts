import { getAddress, keccak256, toUtf8Bytes, ZeroAddress } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import { lower } from './contracts.ts'
import type { ChainPreset } from './presets.ts'

// Parameters by name, as a person types them: openBond=30, registry.exitSec=28d.

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 }

/** A preset with some values changed. Throws `setting-invalid` for an unknown name or a value that is none. */
export function withSettings(preset: ChainPreset, settings: readonly string[]): ChainPreset {
  let changed = preset
  for (const text of settings) changed = withSetting(changed, text)
  return changed
}

function withSetting(preset: ChainPreset, text: string): ChainPreset {
  const [, name, value] = /^([A-Za-z.]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw invalid(`--set '${text}': write name=value, such as openBond=30 or registry.exitSec=28d`)
  const inner = name.startsWith('registry.')
  const group = (inner ? preset.registry : preset) as unknown as Record<string, unknown>
  const key = inner ? name.slice('registry.'.length) : name
  const known = group[key]
  if ((typeof known !== 'bigint' && typeof known !== 'number') || key === 'chainId')
    throw invalid(`--set '${text}': there is no parameter ${name}; there are ${namesOf(preset).join(', ')}`)
  const read = typeof known === 'bigint' ? tokensOf(value) : key.endsWith('Sec') ? secondsOf(value) : countOf(value)
  if (read === undefined)
    throw invalid(`--set '${text}': ${HINT[typeof known === 'bigint' ? 'tokens' : key.endsWith('Sec') ? 'time' : 'count']}`)
  return inner ? { ...preset, registry: { ...preset.registry, [key]: read } } : { ...preset, [key]: read }
}

const HINT = {
  tokens: 'must be an amount of tokens with at most 18 decimals, such as 25 or 0.5',
  time: 'must be a time, such as 3600, 90m, 24h or 21d',
  count: 'must be a whole number',
} as const

/** Names of all parameters that can be set. */
function namesOf(preset: ChainPreset): string[] {
  const numbers = (group: object) =>
    Object.entries(group).filter(([, value]) => typeof value === 'number' || typeof value === 'bigint')
  return [
    ...numbers(preset)
      .map(([name]) => name)
      .filter((name) => name !== 'chainId'),
    ...numbers(preset.registry).map(([name]) => `registry.${name}`),
  ]
}

/** Wei of a decimal amount; undefined where the text is none. */
export function tokensOf(text: string): bigint | undefined {
  const [, whole, fraction = ''] = /^(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,18}))?$/.exec(text) ?? []
  return whole === undefined ? undefined : BigInt(whole) * 10n ** 18n + BigInt(fraction.padEnd(18, '0'))
}

function secondsOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(0|[1-9][0-9]{0,9})([smhd]?)$/.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (SECONDS[unit] ?? 1)
}

function countOf(text: string): number | undefined {
  return /^(0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : undefined
}

/** An address as a person types it; mixed case must have the right checksum. Throws `setting-invalid`. */
export function addressOfText(option: string, text: string): Hex {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) throw invalid(`${option} '${text}': must be an address, 0x and 40 hex digits`)
  if (text === ZeroAddress) throw invalid(`${option} '${text}': nobody has the key of the zero address`)
  const hasCase = /[a-f]/.test(text.slice(2)) && /[A-F]/.test(text.slice(2))
  try {
    if (hasCase) getAddress(text)
  } catch {
    throw invalid(`${option} '${text}': its checksum is wrong; look for a mistyped digit`)
  }
  return lower(text)
}

/** keccak256 of a sentence; 32 bytes in hex stand for themselves. */
export function textHash(text: string): Hex {
  return (/^0x[0-9a-f]{64}$/.test(text) ? text : keccak256(toUtf8Bytes(text))) as Hex
}

function invalid(message: string): FishermanError {
  return new FishermanError({ code: 'setting-invalid', message, blame: 'ours' })
}
