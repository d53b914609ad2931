import { createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LIMITS } from '../../proofs/types.ts'
import { FishermanError, isFishermanError, localCode, messageOf } from '../base/errors.ts'
import { eachPart } from './bundle.ts'
import type { Json } from './entry.ts'

// A bundle comes from a stranger: nothing of it is written outside of the folder it is given, and nothing is larger than it may be.

/** A bundle, unpacked. */
export interface Unpacked {
  /** JSON files by name. */
  inputs: Readonly<Record<string, Json>>
  notes: Readonly<Record<string, Json>>
  /** Path of each binary file, by its name in the bundle: `inputs/source.bin`. */
  files: ReadonlyMap<string, string>
}

/** Files of one bundle. */
const MAX_PARTS = 64
/** Bytes of one JSON file, of all together, which are held as objects of twenty times their size, and of one picture. */
const MAX_JSON = 4 * 1024 * 1024
const MAX_JSON_IN_ALL = 8 * 1024 * 1024
const MAX_PICTURE = 32 * 1024 * 1024
/** Bytes of a whole bundle: two segments, and room for what is said about them. */
export const MAX_BUNDLE = 2 * LIMITS.segmentBytes + 128 * 1024 * 1024
const NAME = /^(inputs|notes)\/[a-z0-9][a-z0-9.-]{0,60}\.(json|bin|png)$/

function broken(file: string, why: string, cause?: unknown): FishermanError {
  return new FishermanError({
    code: 'bundle-broken',
    message: `${file} is no evidence bundle, or a broken one: ${why}`,
    blame: 'theirs',
    ...(cause === undefined ? {} : { cause }),
  })
}

function limitOf(name: string): number {
  return name.endsWith('.json') ? MAX_JSON : name.endsWith('.png') ? MAX_PICTURE : LIMITS.segmentBytes
}

/** Unpacks a bundle into an empty folder; a FishermanError says what is wrong with it. */
export async function unpackBundle(file: string, folder: string): Promise<Unpacked> {
  const info = await stat(file).catch((cause: unknown) => {
    throw new FishermanError({ code: 'bundle-missing', message: `cannot read the bundle ${file}`, blame: 'ours', cause })
  })
  if (!info.isFile()) throw broken(file, 'it is no file')
  if (info.size > MAX_BUNDLE) throw broken(file, `it has ${info.size} bytes, at most ${MAX_BUNDLE} are allowed`)
  const json = { inputs: {} as Record<string, Json>, notes: {} as Record<string, Json> }
  const files = new Map<string, string>()
  const seen = new Set<string>()
  let jsonBytes = 0
  try {
    await eachPart(file, async ({ name, size = 0, type }, body) => {
      if (type !== 'file' || !NAME.test(name)) throw broken(file, `it holds ${JSON.stringify(name.slice(0, 60))}`)
      if (seen.has(name)) throw broken(file, `it holds ${name} twice`)
      if (seen.size >= MAX_PARTS) throw broken(file, `it holds more than ${MAX_PARTS} files`)
      if (size > limitOf(name)) throw broken(file, `${name} has ${size} bytes, at most ${limitOf(name)} are allowed`)
      seen.add(name)
      if (!name.endsWith('.json')) {
        const path = join(folder, name)
        await mkdir(dirname(path), { recursive: true })
        await pipeline(body, createWriteStream(path))
        files.set(name, path)
        return
      }
      jsonBytes += size
      if (jsonBytes > MAX_JSON_IN_ALL) throw broken(file, `it holds more than ${MAX_JSON_IN_ALL} bytes of JSON`)
      const chunks: Buffer[] = []
      for await (const chunk of body) chunks.push(chunk)
      const [part, rest] = name.split('/') as ['inputs' | 'notes', string]
      json[part][rest] = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json
    })
  } catch (error) {
    if (isFishermanError(error)) throw error
    const local = localCode(error)
    if (!local) throw broken(file, messageOf(error), error)
    const message = `${file} could not be unpacked because of this machine (${local}): ${messageOf(error)}`
    throw new FishermanError({ code: 'bundle-local', message, blame: 'ours', cause: error })
  }
  if (seen.size === 0) throw broken(file, 'it is empty')
  return { ...json, files }
}
