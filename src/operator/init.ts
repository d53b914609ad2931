import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { writePrivateFile } from '../attest/key-file.ts'
import { keystoreAddress } from '../attest/keys.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { readConfig } from '../config/load.ts'
import { configText, type FirstConfig } from '../config/template.ts'
import { exists } from './files.ts'
import { makeKey } from './keys.ts'

export interface Begun {
  /** Of the key; undefined where the mode needs none. */
  address: Hex | undefined
  /** False where the key was there from before. */
  madeKey: boolean
  key: { file: string; passwordFile: string } | undefined
}

export async function refuseExisting(file: string): Promise<void> {
  if (await exists(file))
    throw bad(`${file} exists already and is not overwritten; change it, or choose another place with --config`)
}

/**
 * Writes a first configuration, makes its data folder and, where the mode signs, a key. All is looked at before anything is made, and the
 * configuration comes last: what breaks off in between can be begun again.
 */
export async function begin(file: string, first: Omit<FirstConfig, 'key'>): Promise<Begun> {
  await refuseExisting(file)
  const folder = join(first.dataDir, 'keys')
  const key = { file: join(folder, 'answers.json'), passwordFile: join(folder, 'answers.password') }
  const signs = first.mode !== 'observe'
  const text = configText(signs ? { ...first, key } : first)
  readConfig({ file, text, env: {} })
  for (const place of [dirname(file), first.dataDir])
    await mkdir(place, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw bad(`cannot make the folder ${place} (${messageOf(cause)})`)
    })
  const madeKey = signs && !(await exists(key.file))
  if (madeKey) await makeKey({ purpose: 'answers', folder })
  const address = signs ? await keystoreAddress(key.file) : undefined
  await writePrivateFile(file, text, 'the configuration')
  return { address, madeKey, key: signs ? key : undefined }
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
