import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signerOf } from '../../proofs/signature.ts'
import type { Answer, ConvictionVote, Hex } from '../../proofs/types.ts'
import { createAttester } from '../../src/attest/attester.ts'
import { blsKeysOf, verifyDraw, verifyPossession } from '../../src/attest/bls.ts'
import { openGuard } from '../../src/attest/guard.ts'
import { createKeystore, createSigner, loadKeystore } from '../../src/attest/keys.ts'
import { createWriteAhead } from '../../src/base/write-ahead.ts'
import { recoverLivepeer, signLivepeer } from '../../src/livepeer/signing.ts'
import { addressOf, DOMAIN, hash, wallet } from '../helpers/fixtures.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fisherman-test-'))
  await writeFile(join(dir, 'password'), 'correct horse\n', { mode: 0o600 })
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const answer: Answer = {
  sampleId: hash(1),
  receiptDigest: hash(2),
  rendition: 0,
  outcome: 0,
  evidenceHash: hash(3),
  fingerprint: hash(4),
  verdictVersion: 1,
  salt: hash(5),
}

describe('keystore', () => {
  const files = () => ({ file: join(dir, 'key.json'), passwordFile: join(dir, 'password'), light: true })

  it('writes a key that only its owner can read and opens it again', async () => {
    const { address } = await createKeystore(files())
    expect((await stat(files().file)).mode & 0o777).toBe(0o600)
    expect((await loadKeystore(files().file, files().passwordFile)).address).toBe(address)
  })

  it('never overwrites a key', async () => {
    await createKeystore(files())
    const before = await readFile(files().file, 'utf8')
    await expect(createKeystore(files())).rejects.toMatchObject({ code: 'keystore-write' })
    expect(await readFile(files().file, 'utf8')).toBe(before)
  })

  it('says which file is wrong: password, format, missing, readable by others, empty', async () => {
    await createKeystore(files())
    await writeFile(join(dir, 'wrong'), 'another', { mode: 0o600 })
    await writeFile(join(dir, 'none'), '\n', { mode: 0o600 })
    await writeFile(join(dir, 'open'), 'correct horse', { mode: 0o644 })
    await writeFile(join(dir, 'text'), 'not a keystore', { mode: 0o600 })
    await expect(loadKeystore(files().file, join(dir, 'wrong'))).rejects.toMatchObject({ code: 'keystore-password' })
    await expect(loadKeystore(join(dir, 'text'), files().passwordFile)).rejects.toMatchObject({ code: 'keystore-format' })
    await expect(loadKeystore(join(dir, 'nowhere'), files().passwordFile)).rejects.toMatchObject({ code: 'keystore-missing' })
    await expect(loadKeystore(files().file, join(dir, 'open'))).rejects.toMatchObject({
      code: 'key-file-open',
      message: expect.stringContaining('chmod 600'),
    })
    await expect(loadKeystore(files().file, join(dir, 'none'))).rejects.toMatchObject({ code: 'password-empty' })
  })

  it('takes no folder, no pipe and no hundred megabytes for a key or a password', async () => {
    await createKeystore(files())
    await mkdir(join(dir, 'folder'), { mode: 0o700 })
    execFileSync('mkfifo', ['-m', '600', join(dir, 'pipe')])
    await writeFile(join(dir, 'huge'), '', { mode: 0o600 })
    await truncate(join(dir, 'huge'), 100 * 1024 * 1024)
    for (const [name, reason] of [
      ['folder', 'is no ordinary file'],
      ['pipe', 'is no ordinary file'],
      ['huge', 'has 104857600 bytes'],
    ] as const)
      for (const [file, passwordFile] of [
        [join(dir, name), files().passwordFile],
        [files().file, join(dir, name)],
      ] as const)
        await expect(loadKeystore(file, passwordFile)).rejects.toMatchObject({
          code: 'key-file',
          message: expect.stringContaining(reason),
        })
  })

  it('keeps the key out of every error', async () => {
    const secret = wallet(7).privateKey.slice(2)
    await writeFile(join(dir, 'raw'), secret, { mode: 0o600 })
    const error = await loadKeystore(join(dir, 'raw'), files().passwordFile).catch((e: unknown) => e)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret)
  })
})

describe('a key that speaks to nodes of Livepeer', () => {
  it('signs as they recover it', async () => {
    const signer = createSigner(wallet(3))
    const message = new TextEncoder().encode('a segment')
    expect(recoverLivepeer(message, await signLivepeer(signer, message))).toBe(signer.address)
    expect(recoverLivepeer(new TextEncoder().encode('another'), await signLivepeer(signer, message))).not.toBe(signer.address)
  })
})

describe('draw key', () => {
  it('is the same after a restart, signs one value for a message, and is bound to its owner', async () => {
    const keys = await blsKeysOf(createSigner(wallet(1)))
    const again = await blsKeysOf(createSigner(wallet(1)))
    expect(again.publicKey).toBe(keys.publicKey)
    expect(again.signDraw(hash(9))).toBe(keys.signDraw(hash(9)))
    expect(verifyDraw(hash(9), keys.signDraw(hash(9)), keys.publicKey)).toBe(true)
    expect(verifyDraw(hash(8), keys.signDraw(hash(9)), keys.publicKey)).toBe(false)
    expect(verifyPossession(keys.publicKey, keys.proofOfPossession, addressOf(wallet(1)))).toBe(true)
    expect(verifyPossession(keys.publicKey, keys.proofOfPossession, addressOf(wallet(2)))).toBe(false)
  })

  it('calls hostile bytes a plain no', () => {
    for (const signature of ['0x', `0x${'00'.repeat(48)}`, `0x${'ff'.repeat(48)}`, `0xc0${'00'.repeat(47)}`] as Hex[])
      expect(verifyDraw(hash(9), signature, `0x${'ab'.repeat(96)}`)).toBe(false)
  })
})

describe('guard', () => {
  it('lets one answer for one sample through, ever, also after a restart', async () => {
    const signer = createSigner(wallet(3))
    const first = await openGuard(join(dir, 'guard'), signer.address)
    const attester = createAttester({ domain: DOMAIN }, { signer, guard: first, writeAhead: createWriteAhead() })
    const statement = await attester.answer(answer)
    expect(signerOf(DOMAIN, 'Answer', statement.body, statement.signature)).toBe(signer.address)
    await expect(attester.answer({ ...answer, outcome: 1 })).rejects.toMatchObject({ code: 'guard-refused' })
    await first.close()

    const second = await openGuard(join(dir, 'guard'), signer.address)
    const restarted = createAttester({ domain: DOMAIN }, { signer, guard: second, writeAhead: createWriteAhead() })
    await expect(restarted.answer({ ...answer, outcome: 1 })).rejects.toMatchObject({ code: 'guard-refused' })
    expect((await restarted.answer(answer)).signature).toBe(statement.signature)
    await second.close()
  })

  it('lets one vote for one fault through: to convict, to reject or to draw', async () => {
    const signer = createSigner(wallet(3))
    const guard = await openGuard(join(dir, 'guard'), signer.address)
    const attester = createAttester({ domain: DOMAIN }, { signer, guard, writeAhead: createWriteAhead() })
    for (const [n, first] of [18, 0, 255].entries()) {
      const vote: ConvictionVote = {
        ...{ faultId: hash(100 + n), faultClass: first, transcoder: addressOf(wallet(9)), receiptDigest: hash(2), rendition: 0 },
        ...{ evidenceHash: hash(3), workCommit: hash(4), finder: addressOf(wallet(8)), verdictVersion: 1, deadline: 9n },
      }
      await attester.vote(vote)
      for (const faultClass of [17, 18, 0, 255].filter((other) => other !== first))
        await expect(attester.vote({ ...vote, faultClass })).rejects.toMatchObject({ code: 'guard-refused' })
      expect((await attester.vote(vote)).body).toEqual(vote)
      // A case about other inputs of the receipt may follow one that was dismissed.
      const second = { ...vote, evidenceHash: hash(33), faultClass: 17 }
      expect((await attester.vote(second)).body).toEqual(second)
      await expect(attester.vote({ ...second, faultClass: 0 })).rejects.toMatchObject({ code: 'guard-refused' })
    }
    await guard.close()
  })

  it('lets exactly one of many different answers at once through', async () => {
    const guard = await openGuard(join(dir, 'guard'), 'me')
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => guard.admit({ kind: 'answer', id: hash(1), digest: hash(i) })),
    )
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
    await guard.close()
  })

  it('is refused to a second process and to another key, in plain words', async () => {
    const guard = await openGuard(join(dir, 'guard'), 'me')
    await expect(openGuard(join(dir, 'guard'), 'me')).rejects.toMatchObject({
      code: 'guard-locked',
      message: expect.stringContaining('another fisherman'),
    })
    await guard.close()
    await expect(openGuard(join(dir, 'guard'), 'you')).rejects.toMatchObject({ code: 'guard-owner' })
  })
})
