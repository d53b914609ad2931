import { mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { datasetTypedData } from '../../proofs/dataset.ts'
import type { Hex } from '../../proofs/types.ts'
import { loadKeystore } from '../attest/keys.ts'
import { FishermanError, isFishermanError, messageOf } from '../base/errors.ts'
import { httpGet } from '../base/http-get.ts'
import { writeWholeFile } from '../base/whole-file.ts'
import type { Config } from '../config/schema.ts'
import { type Checked, checkDataset, type IdleMaterial, makeDataset, namesIn, signatureText } from '../idle/dataset.ts'
import { deriveIdle, type IdleResult } from '../idle/idle.ts'

export type { Checked } from '../idle/dataset.ts'
export { IDLE_CLASSES, type IdleClass, type IdleResult } from '../idle/idle.ts'

/** 300,000 events of at most 300 bytes each are 90 MB. */
const MAX_FILE_BYTES = 96 << 20
/** A dataset has six files; a folder with many more is another one. */
const MAX_FILES = 64
const MANIFEST_BYTES = 64 << 10
const TIMEOUT_MS = 60_000

export const resultsOf = (material: IdleMaterial): IdleResult[] => deriveIdle(material)

/** Writes the dataset into a folder that is new or empty, the manifest last; signed where the configuration names a key. */
export async function publishIdle(
  material: IdleMaterial,
  folder: string,
  key: Config['key'],
): Promise<{ publisher: Hex | null }> {
  const signer = key && (await loadKeystore(key.file, key.passwordFile))
  const { manifest, claim, files } = makeDataset(material, signer?.address ?? null)
  try {
    await mkdir(folder, { recursive: true })
    if ((await readdir(folder)).length > 0) throw bad(`${folder} is not empty; name a new folder for the dataset`)
    for (const [hash, text] of files) await writeWholeFile(join(folder, hash), text, 0o644)
    if (signer) {
      const { chainId, anchor } = material.span
      const data = datasetTypedData({ chainId, anchor }, claim)
      const signature = (await signer.wallet().signTypedData(data.domain, data.types, data.message)) as Hex
      await writeWholeFile(join(folder, 'signature.json'), signatureText(signature), 0o644)
    }
    await writeWholeFile(join(folder, 'manifest.json'), manifest, 0o644)
  } catch (cause) {
    if (isFishermanError(cause)) throw cause
    throw bad(`cannot write the dataset into ${folder} (${messageOf(cause)})`, cause)
  }
  return { publisher: signer?.address ?? null }
}

/** Reads a dataset from a folder or an address and derives all of it again; needs neither key nor chain. */
export async function verifyIdle(where: string, signal: AbortSignal): Promise<Checked> {
  return checkDataset(/^https?:\/\//.test(where) ? await fromUrl(where, signal) : await fromFolder(where))
}

async function fromFolder(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  try {
    const names = await readdir(folder)
    if (names.length > MAX_FILES) throw bad(`${folder} has ${names.length} files; a dataset has six`)
    for (const name of names) found.set(name, await readText(join(folder, name)))
  } catch (cause) {
    if (isFishermanError(cause)) throw cause
    throw bad(`cannot read the dataset ${folder} (${messageOf(cause)}); name the folder that holds manifest.json`, cause)
  }
  return found
}

async function readText(file: string): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const about = await handle.stat()
    if (!about.isFile()) throw bad(`${file} is no file; a dataset holds nothing else`)
    if (about.size > MAX_FILE_BYTES) throw bad(`${file} has ${about.size} bytes; ${MAX_FILE_BYTES} are the most`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

async function fromUrl(url: string, signal: AbortSignal): Promise<Map<string, string>> {
  const base = url.replace(/\/(manifest\.json)?$/, '')
  const get = async (name: string, maxBytes: number): Promise<string | undefined> => {
    try {
      const bytes = await httpGet(`${base}/${name}`, { maxBytes, timeoutMs: TIMEOUT_MS, signal })
      return bytes.toString('utf8')
    } catch (error) {
      if (isFishermanError(error) && error.code === 'http-404') return undefined
      throw error
    }
  }
  const found = new Map<string, string>()
  const manifest = await get('manifest.json', MANIFEST_BYTES)
  if (manifest === undefined) throw bad(`there is no manifest.json at ${base}; name the address of one round's dataset`)
  found.set('manifest.json', manifest)
  for (const name of ['signature.json', ...namesIn(manifest)]) {
    const text = await get(name, MAX_FILE_BYTES)
    if (text !== undefined) found.set(name, text)
  }
  return found
}

function bad(message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code: 'idle-dataset', message, blame: 'ours', cause })
}
