import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { type HttpServer, startHttp } from '../../src/base/http.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { SILENT } from '../../src/base/log.ts'
import { MAX_REBUTTAL_BYTES, publishRebuttal, rebuttalRoutes } from '../../src/feed/rebuttals.ts'
import { createRebuttals, rebuttalText } from '../../src/pipeline/rebuttals.ts'
import { hash } from '../helpers/fixtures.ts'

const WORDS = Buffer.from('Our encoder was right: see frame 12 of the source. Ünïcode.')
let folder: string
let served: string
let kept: string
let node: HttpServer
let words: Hex
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-rebuttals-'))
  served = join(folder, 'served')
  kept = join(folder, 'kept')
  node = await startHttp({ host: '127.0.0.1', port: 0, routes: (app) => rebuttalRoutes(app, { folder: served }) })
  words = await keccakOf(WORDS)
})
afterEach(async () => {
  await node.stop()
  await rm(folder, { recursive: true, force: true })
})

/** A fisherman whose later work is done when the test says so. */
function fisherman() {
  const due: (() => Promise<void>)[] = []
  const rebuttals = createRebuttals(
    { folder: kept },
    {
      ledger: { receipt: (digest: Hex) => (digest === hash(1) ? { feed: { url: node.url } } : undefined) } as never,
      later: (_ms, _what, work) => void due.push(work),
      ...{ logger: SILENT, signal: new AbortController().signal },
    },
  )
  const work = async () => {
    for (const one of due.splice(0)) await one()
    return due.length
  }
  return { rebuttals, work }
}
const about = (rebuttalHash: Hex | undefined, receiptDigest = hash(1)) =>
  ({ faultId: hash(2), receiptDigest, ...(rebuttalHash ? { rebuttalHash } : {}) }) as const

describe('what an accused says', () => {
  it('is fetched from its feed once, also where it is put there later', async () => {
    const { rebuttals, work } = fisherman()
    rebuttals.note(about(undefined))
    rebuttals.note(about(words, hash(9)))
    expect(await work()).toBe(0)
    rebuttals.note(about(words))
    rebuttals.note(about(words))
    expect(await work()).toBe(1)
    expect(await rebuttalText(kept, words)).toBeUndefined()
    await publishRebuttal(served, words, WORDS)
    expect(await work()).toBe(0)
    expect(await rebuttalText(kept, words)).toBe(WORDS.toString())
    expect(await readdir(kept)).toEqual([`${words}.txt`])
  })

  it('is not kept where it is other words, or a book, and is asked for six times', async () => {
    for (const bytes of [Buffer.from('other words'), Buffer.alloc(MAX_REBUTTAL_BYTES + 1, 'a')]) {
      await publishRebuttal(served, words, bytes)
      const { rebuttals, work } = fisherman()
      rebuttals.note(about(words))
      let tries = 1
      while ((await work()) > 0) tries++
      expect(tries).toBe(6)
      expect(await rebuttalText(kept, words)).toBeUndefined()
    }
  })

  it('is served as plain text, by its hash alone', async () => {
    await publishRebuttal(served, words, Buffer.from('<script>alert(1)</script>'))
    await writeFile(join(folder, 'secret.txt'), 'secret')
    const ask = async (path: string) => await fetch(`${node.url}/fisherman/v1/rebuttals/${path}`)
    const good = await ask(words)
    expect([good.status, good.headers.get('content-type'), good.headers.get('x-content-type-options')]).toEqual([
      ...[200, 'text/plain; charset=utf-8', 'nosniff'],
    ])
    expect(good.headers.get('content-security-policy')).toMatch(/sandbox/)
    expect((await ask(hash(7))).status).toBe(404)
    for (const bad of ['..%2Fsecret', '0x12', `${words}.txt`, words.toUpperCase()]) expect((await ask(bad)).status).toBe(400)
  })
})
