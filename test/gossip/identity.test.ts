import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadIdentity } from '../../src/gossip/identity.ts'
import { silent } from './world.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-identity-'))
  path = join(folder, 'deep', 'peer.json')
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

const nameOf = async () => peerIdFromPrivateKey(await loadIdentity(path, silent)).toString()

describe('the network identity', () => {
  it('is made once, with mode 0600, and is the same afterwards', async () => {
    const first = await nameOf()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await nameOf()).toBe(first)
    expect(await readdir(join(folder, 'deep'))).toEqual(['peer.json'])
  })

  it('is refused when the id is not the one of the key', async () => {
    await nameOf()
    const first = JSON.parse(await readFile(path, 'utf8'))
    await rm(path)
    await nameOf()
    const second = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ peerId: first.peerId, privateKey: second.privateKey }))
    await expect(nameOf()).rejects.toMatchObject({ code: 'identity-unusable', message: expect.stringContaining('peer id') })
  })

  it('is refused when damaged, without a word of what the file holds', async () => {
    await nameOf()
    const text = await readFile(path, 'utf8')
    for (const bad of [
      '',
      '{',
      '[]',
      '{"peerId":"x"}',
      text.slice(0, -20),
      JSON.stringify({ peerId: 'x', privateKey: 'c2VjcmV0' }),
    ]) {
      await writeFile(path, bad)
      const error = await nameOf().catch((e) => e)
      expect(error).toMatchObject({ code: 'identity-unusable' })
      expect(error.cause).toBeUndefined()
      expect(error.message).not.toContain('c2VjcmV0')
    }
  })

  it('is closed to others when it was readable by them', async () => {
    await nameOf()
    await chmod(path, 0o644)
    const warnings: string[] = []
    await loadIdentity(path, { ...silent, warn: (message) => void warnings.push(message) })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(warnings).toEqual(['network key was readable by others, now it is not'])
  })

  it('says what to do when the place cannot be used', async () => {
    await writeFile(join(folder, 'deep'), 'a file')
    await expect(nameOf()).rejects.toMatchObject({ code: 'identity-unusable', blame: 'ours' })
  })
})
