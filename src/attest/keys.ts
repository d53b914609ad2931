import { readFile, stat, writeFile } from 'node:fs/promises'
import { encryptKeystoreJson, Wallet } from 'ethers'
import { typedDomain } from '../../proofs/digest.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Domain, Hex, StructName, Structs } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'

/** Holds a key and never shows it. */
export interface Signer {
  readonly address: Hex
  signStruct<N extends StructName>(domain: Domain, name: N, value: Structs[N]): Promise<Hex>
  /** For the chain room, which signs transactions with it. */
  wallet(): Wallet
  /** 32 secret bytes that only this key can derive; two purposes never share bytes. */
  derive(purpose: string): Promise<Uint8Array>
}

export function createSigner(wallet: Wallet): Signer {
  return {
    address: wallet.address.toLowerCase() as Hex,
    async signStruct(domain, name, value) {
      const types = { [name]: STRUCTS[name].map((field) => ({ ...field })) }
      return (await wallet.signTypedData(typedDomain(domain), types, value as unknown as Record<string, unknown>)) as Hex
    },
    wallet: () => wallet,
    async derive(purpose) {
      const key = await crypto.subtle.importKey('raw', Buffer.from(wallet.privateKey.slice(2), 'hex'), 'HKDF', false, [
        'deriveBits',
      ])
      const info = new TextEncoder().encode(`fisherman ${purpose}`)
      return new Uint8Array(
        await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info }, key, 256),
      )
    },
  }
}

/** Scrypt work factors: 2^17 is what wallets use (a second of work); `light` (2^12) is for keys of a local network that live for minutes. */
const SCRYPT_N = { normal: 131_072, light: 4_096 } as const

/** Writes a new random key as a Web3 v3 keystore, readable by its owner only. Never overwrites. */
export async function createKeystore(init: { file: string; passwordFile: string; light?: boolean }): Promise<{ address: Hex }> {
  const wallet = Wallet.createRandom()
  const password = await readPassword(init.passwordFile)
  const work = { N: init.light ? SCRYPT_N.light : SCRYPT_N.normal, r: 8, p: 1 }
  const json = await encryptKeystoreJson({ address: wallet.address, privateKey: wallet.privateKey }, password, { scrypt: work })
  try {
    await writeFile(init.file, json, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    throw keyError('keystore-write', `cannot write the keystore ${init.file}; it must not exist yet and its folder must`, cause)
  }
  return { address: wallet.address.toLowerCase() as Hex }
}

/** Opens a v3 keystore. The error says which file is wrong, never what is in it. */
export async function loadKeystore(file: string, passwordFile: string): Promise<Signer> {
  await refuseOpenFile(file)
  const json = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw keyError('keystore-missing', `cannot read the keystore ${file}; check key.file`, cause)
  })
  const password = await readPassword(passwordFile)
  // The cause is dropped on purpose: ethers quotes its arguments.
  const wallet = await Wallet.fromEncryptedJson(json, password).catch((cause: unknown) => {
    if ((cause as { argument?: unknown }).argument === 'password')
      throw keyError('keystore-password', `the password in ${passwordFile} does not open ${file}`)
    throw keyError('keystore-format', `${file} is not a Web3 v3 keystore`)
  })
  return createSigner(new Wallet(wallet.privateKey))
}

async function readPassword(file: string): Promise<string> {
  await refuseOpenFile(file)
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw keyError('password-missing', `cannot read the password file ${file}; check key.passwordFile`, cause)
  })
  const password = text.replace(/\r?\n$/, '')
  if (password.length === 0) throw keyError('password-empty', `the password file ${file} is empty`)
  return password
}

/** Keys that others on the machine can read are no keys. */
async function refuseOpenFile(file: string): Promise<void> {
  const info = await stat(file).catch(() => undefined)
  if (info && process.platform !== 'win32' && (info.mode & 0o077) !== 0)
    throw keyError('key-file-open', `${file} can be read by others; type: chmod 600 ${file}`)
}

function keyError(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
