import { encryptKeystoreJson, Wallet } from 'ethers'
import { typedDomain } from '../../proofs/digest.ts'
import { STRUCTS } from '../../proofs/structs.ts'
import type { Domain, Hex, StructName, Structs } from '../../proofs/types.ts'
import { keyError, readPrivateFile, writePrivateFile } from './key-file.ts'

/** Holds a key and never shows it. */
export interface Signer {
  readonly address: Hex
  signStruct<N extends StructName>(domain: Domain, name: N, value: Structs[N]): Promise<Hex>
  /** Over `\x19Ethereum Signed Message:\n<length>` and the message, as Livepeer's nodes sign: 65 bytes, v 27 or 28. */
  signMessage(message: Uint8Array): Promise<Hex>
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
    signMessage: async (message) => (await wallet.signMessage(message)) as Hex,
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

export interface KeyPlace {
  file: string
  passwordFile: string
  /** For keys of a local network that live for minutes. */
  light?: boolean
}

/** Writes a new random key as a Web3 v3 keystore, readable by its owner only. Never overwrites. */
export async function createKeystore(init: KeyPlace): Promise<{ address: Hex }> {
  return await writeKeystore(Wallet.createRandom(), init)
}

/** Writes a raw private key (64 hex digits) as a keystore. Never overwrites, and no error holds the key. */
export async function importKeystore(init: KeyPlace & { privateKey: string }): Promise<{ address: Hex }> {
  return await writeKeystore(walletOf(init.privateKey), init)
}

/** Throws `key-format` where a text is no raw private key; the error does not hold it. */
export function checkRawKey(privateKey: string): void {
  walletOf(privateKey)
}

function walletOf(privateKey: string): Wallet {
  const digits = /^\s*(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(privateKey)?.[1]
  if (digits === undefined) throw keyError('key-format', 'a raw key is 64 hex digits, with or without 0x')
  try {
    return new Wallet(`0x${digits}`)
  } catch {
    // The cause is dropped on purpose: ethers quotes its arguments.
    throw keyError('key-format', 'these 64 hex digits are no private key: it is zero or beyond the order of the curve')
  }
}

/** Writes a file with a new password of 192 random bits. Never overwrites. */
export async function createPasswordFile(file: string): Promise<void> {
  await writePrivateFile(
    file,
    `${Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url')}\n`,
    'the password file',
  )
}

async function writeKeystore(wallet: { address: string; privateKey: string }, init: KeyPlace): Promise<{ address: Hex }> {
  const password = await readPassword(init.passwordFile)
  const work = { N: init.light ? SCRYPT_N.light : SCRYPT_N.normal, r: 8, p: 1 }
  const json = await encryptKeystoreJson({ address: wallet.address, privateKey: wallet.privateKey }, password, { scrypt: work })
  await writePrivateFile(init.file, json, 'the keystore')
  return { address: wallet.address.toLowerCase() as Hex }
}

/** Opens a v3 keystore. The error says which file is wrong, never what is in it. */
export async function loadKeystore(file: string, passwordFile: string): Promise<Signer> {
  const json = await readKeystore(file)
  const password = await readPassword(passwordFile)
  addressIn(json, file)
  // The cause is dropped on purpose: ethers quotes its arguments.
  const wallet = await Wallet.fromEncryptedJson(json, password).catch((cause: unknown) => {
    if ((cause as { argument?: unknown }).argument === 'password')
      throw keyError('keystore-password', `the password in ${passwordFile} does not open ${file}`)
    throw keyError('keystore-format', `${file} is not a Web3 v3 keystore`)
  })
  return createSigner(new Wallet(wallet.privateKey))
}

/** The address that a keystore carries in the open, as far as it does; nothing is decrypted. */
export async function keystoreAddress(file: string): Promise<Hex> {
  return addressIn(await readKeystore(file), file)
}

async function readKeystore(file: string): Promise<string> {
  return await readPrivateFile(file, { code: 'keystore-missing', message: `cannot read the keystore ${file}; check key.file` })
}

async function readPassword(file: string): Promise<string> {
  const message = `cannot read the password file ${file}; check key.passwordFile`
  const password = (await readPrivateFile(file, { code: 'password-missing', message })).replace(/\r?\n$/, '')
  if (password.length === 0)
    throw keyError(
      'password-empty',
      `the password file ${file} is empty; delete it to get a new one, or write the password into it`,
    )
  return password
}

/** Most memory that opening may take: 128 · N · r bytes, twice of what wallets write. */
const MAX_SCRYPT = { memory: 2 * 128 * 262_144 * 8, rounds: 10_000_000 }

/** Looks at what is in the open before any work is done: work factors without limit would hold the machine. */
function addressIn(json: string, file: string): Hex {
  const wrong = () => keyError('keystore-format', `${file} is not a Web3 v3 keystore`)
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    throw wrong()
  }
  const { address, version, crypto: inner, Crypto: older } = (parsed ?? {}) as Record<string, unknown>
  const { n, r, p, c } = ((inner ?? older) as { kdfparams?: Record<string, unknown> } | undefined)?.kdfparams ?? {}
  if (Number(version) !== 3 || typeof address !== 'string' || !/^(0x)?[0-9a-fA-F]{40}$/.test(address)) throw wrong()
  if (128 * Number(n ?? 0) * Number(r ?? 0) * Number(p ?? 0) > MAX_SCRYPT.memory || Number(c ?? 0) > MAX_SCRYPT.rounds)
    throw keyError('keystore-format', `${file} asks for more work than any wallet does to be opened; it is not taken`)
  return `0x${address.replace(/^0x/, '').toLowerCase()}`
}
