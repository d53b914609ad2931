import { CodecError } from './codec.ts'
import { readHex } from './json.ts'
import type { Hex } from './types.ts'

// Readers of the files in `inputs/`: exactly the fields that are known, each as it must be. A CodecError names the file and the field.

export const BUNDLE_VERSION = 2

/** Plain JSON by file name, as `inputs/` holds it. */
export type InputFiles = Readonly<Record<string, unknown>>

/** Throws where there is a file that nobody knows: a second encoding of the same evidence. */
export function onlyFiles(files: InputFiles, known: readonly string[]): void {
  for (const name of Object.keys(files))
    if (!known.includes(name.replace(/\.json$/, ''))) throw new CodecError(`inputs/${name} is not known`)
}

/** What every bundle begins with, and these fields. */
export function readHeader(files: InputFiles, more: readonly string[] = ['verdictVersion']) {
  const names = ['bundleVersion', 'chainId', 'anchor', 'evidenceHash', ...more]
  const header = part(files, 'inputs.json', names)
  if (header.bundleVersion !== BUNDLE_VERSION)
    throw new CodecError(
      `inputs.json: bundle version ${typeof header.bundleVersion === 'number' ? header.bundleVersion : 'none'}, this program knows ${BUNDLE_VERSION}`,
    )
  if (typeof header.chainId !== 'string' || !/^[1-9][0-9]{0,19}$/.test(header.chainId))
    throw new CodecError('inputs.json: chainId must be a decimal string')
  return {
    domain: { chainId: BigInt(header.chainId), anchor: readHex('inputs.json: anchor', header.anchor, 20) },
    evidenceHash: readHex('inputs.json: evidenceHash', header.evidenceHash, 32),
    verdictVersion: more.includes('verdictVersion') ? readCount('inputs.json: verdictVersion', header.verdictVersion) : 0,
  }
}

/** One JSON file with exactly these fields. */
export function part(files: InputFiles, name: string, fields: readonly string[]): Record<string, unknown> {
  const json = files[name]
  if (json === undefined) throw new CodecError(`inputs/${name} is missing`)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CodecError(`inputs/${name} must be an object`)
  for (const field of Object.keys(json))
    if (!fields.includes(field)) throw new CodecError(`${name}: no field ${JSON.stringify(field.slice(0, 40))} is known`)
  return json as Record<string, unknown>
}

export function list(path: string, value: unknown, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new CodecError(`${path} must be a list of at most ${most}`)
  return value
}

/** A path of a tree of at most 4,096 leaves has 12 steps; twice that is room enough. */
export function readPath(path: string, value: unknown): Hex[] {
  return list(path, value, 24).map((item) => readHex(path, item, 32))
}

export function readCount(path: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw new CodecError(`${path} must be a whole number`)
  return value
}
