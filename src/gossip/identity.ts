import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { z } from 'zod'
import { FishermanError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'

const FILE = z.strictObject({ peerId: z.string().max(128), privateKey: z.base64().max(1_024) })

/**
 * The node's network key: read from `path`, or made there with mode 0600. It names the node to its peers and holds no money. The stored peer id is
 * compared with the key's own, so that a half-copied or edited file is found before the node shows itself under a wrong name.
 */
export async function loadIdentity(path: string, log: Logger): Promise<PrivateKey> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw unusable(path, 'it cannot be read', error)
  })
  if (text === undefined) return createIdentity(path)
  const key = parse(path, text)
  await closeToOthers(path, log)
  return key
}

/** A key for one run: the node shows itself under another name each time. */
export async function newIdentity(): Promise<PrivateKey> {
  return await generateKeyPair('Ed25519')
}

async function createIdentity(path: string): Promise<PrivateKey> {
  const key = await newIdentity()
  const privateKey = Buffer.from(privateKeyToProtobuf(key)).toString('base64')
  const json = `${JSON.stringify({ peerId: peerIdFromPrivateKey(key).toString(), privateKey })}\n`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    // Written beside and renamed: a crash leaves either no file or a whole one.
    await writeFile(`${path}.new`, json, { mode: 0o600 })
    await rename(`${path}.new`, path)
  } catch (error) {
    throw unusable(path, 'it cannot be written', error)
  }
  return key
}

function parse(path: string, text: string): PrivateKey {
  let key: PrivateKey
  let peerId: string
  try {
    const file = FILE.parse(JSON.parse(text))
    peerId = file.peerId
    key = privateKeyFromProtobuf(Buffer.from(file.privateKey, 'base64'))
  } catch {
    // The cause is left out: it could quote the key.
    throw unusable(path, 'it does not hold a network key')
  }
  if (peerIdFromPrivateKey(key).toString() !== peerId) throw unusable(path, 'its peer id is not the one of its key')
  return key
}

/** Takes group and other rights away; where the file system has no such rights it only warns. */
async function closeToOthers(path: string, log: Logger): Promise<void> {
  if (((await stat(path)).mode & 0o077) === 0) return
  await chmod(path, 0o600).catch(() => undefined)
  if (((await stat(path)).mode & 0o077) === 0) log.warn('network key was readable by others, now it is not', { path })
  else log.warn('network key is readable by others', { path })
}

function unusable(path: string, why: string, cause?: unknown): FishermanError {
  return new FishermanError({
    code: 'identity-unusable',
    message: `The network key ${path} cannot be used: ${why}. Restore it, or delete it to get a new peer id.`,
    blame: 'ours',
    ...(cause === undefined ? {} : { cause }),
  })
}
