import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FishermanError, messageOf } from '../base/errors.ts'
import { httpGet } from '../base/http-get.ts'
import { type Checked, checkDataset, type Found } from '../idle/dataset.ts'

/** Bytes of one file of a dataset: 90 rounds of 100 nodes have 3 MB of events. */
const MAX_FILE = 128 << 20
const NAME = /^(manifest\.json|signature\.json|0x[0-9a-f]{64})$/
const TIMEOUT_MS = 60_000

/** Derives every number of a dataset again, from a folder or an address, without a key, a chain or a daemon. */
export async function verifyIdle(place: string, signal: AbortSignal): Promise<Checked> {
  return checkDataset(/^https?:\/\//.test(place) ? await fetched(place, signal) : await found(place))
}

async function found(folder: string): Promise<Found> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw problem(`cannot read ${folder} (${messageOf(cause)}); name the folder that holds manifest.json`)
  })
  const files = new Map<string, string>()
  for (const name of names) {
    const { size } = await stat(join(folder, name))
    if (size > MAX_FILE) throw problem(`${join(folder, name)} has ${size} bytes; no file of a dataset has more than ${MAX_FILE}`)
    files.set(name, NAME.test(name) ? await readFile(join(folder, name), 'utf8') : '')
  }
  return files
}

async function fetched(url: string, signal: AbortSignal): Promise<Found> {
  const base = url.replace(/\/?(manifest\.json)?$/, '')
  const get = async (name: string) =>
    (await httpGet(`${base}/${name}`, { maxBytes: MAX_FILE, timeoutMs: TIMEOUT_MS, signal })).toString('utf8')
  const manifest = await get('manifest.json')
  const files = new Map([['manifest.json', manifest]])
  const names = new Set(manifest.match(/0x[0-9a-f]{64}/g)?.slice(0, 20) ?? [])
  for (const name of ['signature.json', ...names]) {
    // The manifest names other hashes too: of blocks, and its root.
    const text = await get(name).catch(() => signal.throwIfAborted())
    if (text !== undefined) files.set(name, text)
  }
  return files
}

function problem(message: string): FishermanError {
  return new FishermanError({ code: 'idle-dataset', message, blame: 'ours' })
}
