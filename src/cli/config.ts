import { configKeys } from '../config/keys.ts'
import { readConfig } from '../config/load.ts'
import { referenceText } from '../config/reference.ts'
import { type ShownValue, shownValues } from '../config/show.ts'
import { networkParams } from '../pipeline/network.ts'
import { complain } from './complain.ts'
import type { ConfigOptions } from './config.options.ts'
import { configFlagsOf } from './config-flags.ts'

/** `fisherman config show`. */
export async function configShowCommand(options: ConfigOptions): Promise<number> {
  try {
    const loaded = readConfig({ file: options.config, flags: configFlagsOf(options, configKeys()) })
    const { limits } = networkParams(loaded.config.network)
    const presets = Object.fromEntries(Object.entries(limits).map(([name, value]) => [`limits.${name}`, value]))
    const values = shownValues(loaded, presets)
    if (options.json) console.log(JSON.stringify({ file: loaded.file ?? null, values: values.map(forJson) }))
    else for (const line of valueLines(values)) console.log(line)
    return 0
  } catch (error) {
    complain('config show', error)
    return 2
  }
}

/** `fisherman config reference`. */
export async function configReferenceCommand(): Promise<number> {
  process.stdout.write(referenceText())
  return 0
}

function forJson({ path, value, origin }: ShownValue) {
  return { key: path, value: value ?? null, origin }
}

/** `http.port  7936  default`. */
export function valueLines(values: readonly ShownValue[]): string[] {
  const rows = values.map(({ path, value, origin }) => [path, wordsOf(value), origin] as const)
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => Math.min(row[column].length, 50)))
  return rows.map(([path, value, origin]) => `${path.padEnd(width(0))}  ${value.padEnd(width(1))}  ${origin}`)
}

function wordsOf(value: unknown): string {
  if (value === undefined) return '-'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
