import { httpGet } from '../base/http-get.ts'
import { type Checked, checkDataset, type Found } from '../idle/dataset.ts'
import { readDataset } from '../observe/datasets.ts'

/** Bytes of one file of a dataset: 90 rounds of 100 nodes have 3 MB of events. */
const MAX_FILE = 128 << 20
const TIMEOUT_MS = 60_000

/** Derives every number of a dataset again, from a folder or an address, without a key, a chain or a daemon. */
export async function verifyIdle(place: string, signal: AbortSignal): Promise<Checked> {
  return checkDataset(/^https?:\/\//.test(place) ? await fetched(place, signal) : await readDataset(place, MAX_FILE))
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
