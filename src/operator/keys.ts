import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { readPrivateFile, writePrivateFile } from '../attest/key-file.ts'
import { checkRawKey, createKeystore, createPasswordFile, importKeystore, keystoreAddress, loadKeystore } from '../attest/keys.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import type { KeyFiles } from '../config/key-places.ts'
import { exists } from './files.ts'

/** `answers` signs what a fisherman says and, as the contracts demand of a member, its cases; `money` pays for the rest. */
export const PURPOSES = ['answers', 'money'] as const
export type Purpose = (typeof PURPOSES)[number]

export interface KeyRequest {
  purpose: Purpose
  /** Folder of keys; made where it is not there. */
  folder: string
  /** @default `<purpose>.json` in the folder */
  file?: string
  /** @default `<file>.password`, with a new password where there is none */
  passwordFile?: string
}

export interface KeyMade {
  address: Hex
  file: string
  passwordFile: string
  /** The password was made too. */
  madePassword: boolean
}

/**
 * Makes a key; imports one where `privateKey` is given, which is looked at before anything is made. Never overwrites. A password that lies there
 * without its keystore is of a command that was stopped in between: it is taken.
 */
export async function makeKey(request: KeyRequest, privateKey?: string): Promise<KeyMade> {
  const file = await freePlace(request)
  if (privateKey !== undefined) checkRawKey(privateKey)
  const passwordFile = request.passwordFile ?? besideKey(file)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw bad(`cannot make the folder ${dirname(file)} (${messageOf(cause)})`)
  })
  const madePassword = request.passwordFile === undefined && !(await exists(passwordFile))
  if (madePassword) await createPasswordFile(passwordFile)
  const { address } = await (privateKey === undefined
    ? createKeystore({ file, passwordFile })
    : importKeystore({ file, passwordFile, privateKey }))
  return { address, file, passwordFile, madePassword }
}

/** Takes over a keystore of another place. It is opened once, which proves its password, and kept as a new key is: under a password of its own. */
export async function takeKey(request: Omit<KeyRequest, 'passwordFile'>, from: KeyFiles): Promise<KeyMade> {
  await freePlace(request)
  if (!(await exists(from.passwordFile)))
    throw bad(`${from.passwordFile} is not there; say which file holds the password of ${from.file}: --password-file FILE`)
  const signer = await loadKeystore(from.file, from.passwordFile)
  return await makeKey(request, signer.wallet().privateKey)
}

/** Where a password lies when nobody says. */
export function besideKey(file: string): string {
  return `${file.replace(/\.json$/, '')}.password`
}

async function freePlace(request: KeyRequest): Promise<string> {
  const file = request.file ?? join(request.folder, `${request.purpose}.json`)
  if (await exists(file)) throw bad(`${file} exists already and is not overwritten; choose another place with --file`)
  return file
}

export interface KeyListed {
  address: Hex | undefined
  /** By its name in the configuration or in the folder; undefined where nothing says it. */
  purpose: string | undefined
  file: string
  /** Why it cannot be used. */
  trouble: string | undefined
}

/** Keystores of a folder and those that the configuration names. Nothing is opened. */
export async function listKeys(folder: string, named: Readonly<Record<string, string>>): Promise<KeyListed[]> {
  const names = await readdir(folder).catch(() => [])
  const files = [
    ...new Set([...Object.keys(named), ...names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name))]),
  ]
  return await Promise.all(
    files.map(async (file) => {
      const purpose = named[file] ?? PURPOSES.find((one) => file === join(folder, `${one}.json`))
      try {
        return { address: await keystoreAddress(file), purpose, file, trouble: undefined }
      } catch (error) {
        return { address: undefined, purpose, file, trouble: messageOf(error) }
      }
    }),
  )
}

/** Writes a copy of a keystore, still encrypted, or the raw key. Checks first that the password opens it. */
export async function exportKey(from: KeyFiles, to: string, raw: boolean): Promise<Hex> {
  const signer = await loadKeystore(from.file, from.passwordFile)
  if (raw) await writePrivateFile(to, `${signer.wallet().privateKey}\n`, 'the raw key')
  else {
    const missing = { code: 'keystore-missing', message: `cannot read the keystore ${from.file}` }
    await writePrivateFile(to, await readPrivateFile(from.file, missing), 'the keystore')
  }
  return signer.address
}

/** A raw key from a file: only its owner may read it. */
export async function readRawKey(file: string): Promise<string> {
  return await readPrivateFile(file, { code: 'key-missing', message: `cannot read the raw key ${file}` })
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
