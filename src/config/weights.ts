import { z } from 'zod'
import { AXES, type Axis, PRESETS, type Weights } from '../score/weights.ts'
import { configError, readConfigFile } from './file.ts'
import { nearest } from './nearest.ts'

/** Names fit a query string as they are. */
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/
const MAX_PRESETS = 50

const weightsSchema = z.record(z.string(), z.record(z.string(), z.number().min(0).max(1000)))

/** The presets that everybody has and those of a file: `{ presets: { mine: { success: 2, speed: 1 } } }`. Throws `bad-config` with what to do. */
export function readWeights(file: string | undefined): ReadonlyMap<string, Weights> {
  const known = new Map<string, Weights>(Object.entries(PRESETS))
  if (file === undefined) return known
  const { values } = readConfigFile(file)
  const other = Object.keys(values).find((name) => name !== 'presets')
  if (other !== undefined) throw configError(`${file}: ${other.slice(0, 60)}: is not known; did you mean presets?`)
  const parsed = weightsSchema.safeParse(values.presets)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] ?? { path: [], message: 'not understood' }
    throw configError(`${file}: ${['presets', ...path].join('.').slice(0, 120)}: ${message}; weights are numbers from 0 to 1000`)
  }
  const own = Object.entries(parsed.data)
  if (own.length === 0 || own.length > MAX_PRESETS) throw configError(`${file}: presets: must name 1 to ${MAX_PRESETS} presets`)
  for (const [name, weights] of own) known.set(checkedName(file, name), checked(file, name, weights))
  return known
}

function checkedName(file: string, name: string): string {
  const at = `${file}: presets.${name.slice(0, 60)}`
  if (!NAME.test(name)) throw configError(`${at}: a name has 1 to 40 lower-case letters, digits and hyphens`)
  if (Object.hasOwn(PRESETS, name))
    throw configError(`${at}: means the same everywhere and cannot be changed; choose another name`)
  return name
}

function checked(file: string, name: string, weights: Record<string, number>): Weights {
  for (const axis of Object.keys(weights)) {
    if ((AXES as readonly string[]).includes(axis)) continue
    const near = nearest(axis, AXES)
    const hint = near ? `did you mean ${near}?` : `there are ${AXES.join(', ')}`
    throw configError(`${file}: presets.${name}.${axis.slice(0, 60)}: is not known; ${hint}`)
  }
  // Who weighs only speed would rank a node first that answers garbage at once.
  if (!((weights.success ?? 0) > 0))
    throw configError(`${file}: presets.${name}: success must weigh more than 0: the speed of a wrong picture is worth nothing`)
  return weights as Partial<Record<Axis, number>>
}
