import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { type HttpServer, startHttp } from '../../src/base/http.ts'
import { httpDownload } from '../../src/base/http-get.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { type BlobCacheInit, createBlobCache } from '../../src/fetch/blobs.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'
import { mountDisk } from '../soak/disk.ts'

const content = new TextEncoder().encode('the bytes of a segment')
let dir: string
let server: HttpServer
let asked: string[]
let answer: (path: string) => { status?: number; body: Uint8Array }
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fisherman-test-'))
  asked = []
  answer = () => ({ body: content })
  server = await startHttp({
    host: '127.0.0.1',
    port: 0,
    routes: (app) =>
      void app.get('/fisherman/v1/blobs/:hash', (request, reply) => {
        asked.push(String(request.headers['fisherman-auth']))
        const { status = 200, body } = answer(request.url)
        return reply.code(status).send(Buffer.from(body))
      }),
  })
})
afterEach(async () => {
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

async function fetchOne(changes: Partial<BlobCacheInit> = {}, wanted = content, url = server.url) {
  const deps = {
    clock: systemClock,
    nowSec: () => 1000,
    authorize: async () => ({ address: addressOf(wallet(1)), signature: hash(7) }),
  }
  const cache = await createBlobCache({ folder: dir, quotaBytes: 1000, retryMs: 1, ...changes }, deps)
  return await cache.get(
    { url, transcoder: addressOf(wallet(2)), contentHash: await keccakOf(wanted), byteLength: wanted.length },
    { signal: AbortSignal.timeout(5000) },
  )
}

describe('blob cache', () => {
  it('fetches with a signed request, checks the hash, and keeps the file', async () => {
    const file = await fetchOne()
    expect(await readFile(file)).toEqual(Buffer.from(content))
    expect(asked).toEqual([`${addressOf(wallet(1))}.1120.${hash(7)}`])
    await fetchOne()
    expect(asked).toHaveLength(1)
  })

  it('blames the feed for other bytes, too many bytes and a refusal, and leaves no file behind', async () => {
    answer = () => ({ body: new TextEncoder().encode('other bytes, same size') })
    await expect(fetchOne()).rejects.toMatchObject({ code: 'blob-wrong', blame: 'theirs' })
    answer = () => ({ body: new Uint8Array(5000) })
    await expect(fetchOne()).rejects.toMatchObject({ code: 'http-too-long', blame: 'theirs' })
    answer = () => ({ status: 404, body: new Uint8Array() })
    await expect(fetchOne()).rejects.toMatchObject({ code: 'http-404', blame: 'theirs' })
    expect(asked).toHaveLength(9)
    expect(await readdir(dir)).toEqual([])
  })

  it('blames nobody for a host that cannot be reached', async () => {
    const url = server.url
    await server.stop()
    await expect(fetchOne({ tries: 1 }, content, url)).rejects.toMatchObject({ code: 'http-unreachable', blame: 'unknown' })
  })

  it('blames us when our own disk cannot take the bytes', async () => {
    const url = `${server.url}/fisherman/v1/blobs/x`
    await expect(httpDownload(url, join(dir, 'nowhere', 'file'), { maxBytes: 1000, timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'http-local',
      blame: 'ours',
    })
  })

  it('takes a second answer when the first was bad', async () => {
    let n = 0
    answer = () => (n++ === 0 ? { status: 503, body: new Uint8Array() } : { body: content })
    await fetchOne()
    expect(asked).toHaveLength(2)
  })

  it('keeps to its quota also where many come at once', async () => {
    const contents = Array.from({ length: 12 }, (_, n) => new Uint8Array(300).fill(n + 1))
    const byHash = new Map(await Promise.all(contents.map(async (one) => [await keccakOf(one), one] as const)))
    answer = (path) => ({ body: byHash.get(path.split('/').at(-1) as `0x${string}`) as Uint8Array })
    const authorize = async () => ({ address: addressOf(wallet(1)), signature: hash(7) })
    const cache = await createBlobCache({ folder: dir, quotaBytes: 1000 }, { clock: systemClock, nowSec: () => 1000, authorize })
    const wanted = [...byHash.keys()].map((contentHash) => ({
      ...{ url: server.url, transcoder: addressOf(wallet(2)), contentHash, byteLength: 300 },
    }))
    await Promise.all(wanted.map((one) => cache.get(one, { signal: AbortSignal.timeout(5_000) })))
    expect((await readdir(dir)).length).toBeLessThanOrEqual(3)
  })

  it('keeps to its quota, the least recently used first', async () => {
    const bodies = ['first', 'second', 'third'].map((text) => new TextEncoder().encode(text.padEnd(400)))
    for (const body of bodies) {
      answer = () => ({ body })
      await fetchOne({}, body)
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
    const kept = await Promise.all(bodies.slice(1).map(async (body) => `${addressOf(wallet(2))}-${await keccakOf(body)}`))
    expect(new Set(await readdir(dir))).toEqual(new Set(kept))
  })

  it('does not follow a feed to another host', async () => {
    const other = await startHttp({
      host: '127.0.0.1',
      port: 0,
      routes: (app) => void app.get('/*', (_r, reply) => reply.redirect(`${server.url}/fisherman/v1/blobs/x`)),
    })
    await expect(fetchOne({ tries: 1 }, content, other.url)).rejects.toMatchObject({ code: 'http-unreachable' })
    await other.stop()
  })
})

describe('a full disk', () => {
  it('takes half of the cache away, and no more than its quota ever lies there', async (context) => {
    const disk = mountDisk(dir, 4 << 20)
    if (typeof disk === 'string') return context.skip(disk)
    try {
      const bytes = (n: number) => new Uint8Array(500_000).fill(n)
      const quotaBytes = 3_000_000
      const held = async () => {
        const names = (await readdir(dir)).filter((name) => !name.startsWith('ballast'))
        return (await Promise.all(names.map((name) => stat(join(dir, name))))).reduce((sum, { size }) => sum + size, 0)
      }
      for (let n = 1; n <= 8; n++) {
        answer = () => ({ body: bytes(n) })
        await fetchOne({ quotaBytes }, bytes(n))
        expect(await held()).toBeLessThanOrEqual(quotaBytes)
      }
      disk.fill()
      answer = () => ({ body: bytes(9) })
      // A quota that the disk cannot hold.
      const larger = { quotaBytes: 5_000_000 }
      await expect(fetchOne({ ...larger, tries: 1 }, bytes(9))).rejects.toMatchObject({ blame: 'ours' })
      expect(await held()).toBeLessThanOrEqual(larger.quotaBytes / 2)
      // There is room for it now, though nobody freed any.
      expect(await readFile(await fetchOne(larger, bytes(9)))).toEqual(Buffer.from(bytes(9)))
    } finally {
      disk.unmount()
    }
  })
})
