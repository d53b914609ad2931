import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { startHttp } from '../../src/base/http.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { SILENT } from '../../src/base/log.ts'
import { createBlobCache } from '../../src/fetch/blobs.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createEvidenceKeeper } from '../../src/pipeline/bundles.ts'
import type { CheckResult } from '../../src/pipeline/checks.ts'
import type { KnownReceipt } from '../../src/pipeline/ledger.ts'
import { createPrivateBytes } from '../../src/pipeline/private-bytes.ts'
import { createEvidenceStore } from '../../src/prooflog/evidence.ts'
import { signedWork } from '../helpers/evidence.ts'
import { addressOf, DOMAIN, hash, PROFILE, wallet } from '../helpers/fixtures.ts'
import { openSite } from '../observe/site.ts'

// Streams whose owner wants no pictures looked at: real files, real HTTP, a real log.

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fisherman-test-private-'))
  await writeFile(join(home, 'source'), 'the source')
  await writeFile(join(home, 'rendition'), 'the rendition')
})
afterEach(() => rm(home, { recursive: true, force: true }))

const facts = { width: 2, height: 2, frames: 1, durationMs: 40 }
async function work(isPrivate: boolean): Promise<KnownReceipt> {
  const known = await signedWork(join(home, 'source'), join(home, 'rendition'), PROFILE, facts)
  return isPrivate ? { ...known, receipt: { ...known.receipt, isPrivate } } : known
}

const openCache = () =>
  createBlobCache(
    { folder: join(home, 'cache'), quotaBytes: 1e6 },
    { clock: systemClock, nowSec: () => 0, authorize: async () => ({ address: addressOf(wallet(3)), signature: hash(1) }) },
  )

describe('bytes of a private stream', () => {
  const transcoder = addressOf(wallet(1))

  /** Fetches a source of a private stream and one of another, and says what lies in the cache. */
  async function fetchBoth(): Promise<Awaited<ReturnType<typeof openCache>>> {
    const server = await startHttp({
      host: '127.0.0.1',
      port: 0,
      routes: (app) => void app.get('/fisherman/v1/blobs/:hash', async () => await readFile(join(home, 'source'))),
    })
    try {
      const cache = await openCache()
      const contentHash = await keccakOf({ file: join(home, 'source') })
      const wanted = { url: server.url, transcoder, contentHash, byteLength: 100 }
      await cache.get({ ...wanted, isPrivate: true }, { signal: AbortSignal.timeout(5_000) })
      await cache.get(wanted, { signal: AbortSignal.timeout(5_000) })
      await writeFile(join(home, 'brought'), 'the source')
      await cache.keep(contentHash, join(home, 'brought'), { isPrivate: true })
      expect(await readdir(join(home, 'cache'))).toHaveLength(3)
      return cache
    } finally {
      await server.stop()
    }
  }

  it('go with the last check of their receipt, and those of others stay', async () => {
    const bytes = createPrivateBytes({ blobs: await fetchBoth(), logger: SILENT })
    const [known, open] = [await work(true), await work(false)]
    bytes.hold(known)
    bytes.hold(known)
    await bytes.release(known)
    expect(await readdir(join(home, 'cache'))).toHaveLength(3)
    await bytes.release(known)
    const left = await readdir(join(home, 'cache'))
    expect(left).toHaveLength(1)
    await bytes.release(open)
    expect(await readdir(join(home, 'cache'))).toEqual(left)
  })

  it('do not outlive a restart', async () => {
    await fetchBoth()
    await openCache()
    expect((await readdir(join(home, 'cache'))).filter((name) => name.startsWith('private-'))).toEqual([])
    expect(await readdir(join(home, 'cache'))).toHaveLength(1)
  })

  it('that cannot be deleted stop nothing', async () => {
    const said: string[] = []
    const blobs = { drop: () => Promise.reject(new Error('the disk is gone')) } as unknown as Bench['blobs']
    const bytes = createPrivateBytes({ blobs, logger: { ...SILENT, warn: (text) => said.push(text) } })
    await bytes.release(await work(true))
    expect(said).toEqual(Array(2).fill('Bytes of a private stream could not be deleted yet'))
  })
})

describe('evidence of a private stream', () => {
  it.each([
    [true, 403],
    [false, 200],
  ])('private %s: /fisherman/v1/bundles answers %d', async (isPrivate, status) => {
    const folder = join(home, 'bundles')
    const log = { find: async () => [] }
    const evidence = createEvidenceStore({ folder }, { log, nowMs: systemClock.nowMs })
    const bench = {
      ...{ domain: DOMAIN, bundleDir: folder, evidence, evidenceBytes: 1e9, logger: SILENT, signal: AbortSignal.timeout(9_000) },
      ...{ program: { name: 'fisherman', version: '0', decoder: 'none', platform: 'test' } },
    } as unknown as Bench
    const known = await work(isPrivate)
    const files = {
      ...{ source: join(home, 'source'), rendition: join(home, 'rendition') },
      request: { depth: 'prove', renditions: [{}] },
    }
    const result = {
      ...{ task: { known, rendition: 0 }, outcome: 'fail', evidenceHash: hash(7), files },
      verdict: { verdict: 'fail', reasons: [], measures: {}, packets: { rendition: [], source: [] } },
    } as unknown as CheckResult
    await createEvidenceKeeper(bench).failed(result)
    expect(await evidence.has(hash(7))).toBe(true)
    let isPublic = false
    const site = await openSite({ bundleDir: folder, isPublic: () => isPublic })
    expect((await fetch(`${site.url}/fisherman/v1/bundles/${hash(7)}`)).status).toBe(status)
    // That there is evidence at all is told to nobody else before its case is public.
    const elsewhere = async () =>
      (await fetch(`${site.url}/fisherman/v1/bundles/${hash(7)}`, { headers: { via: '1.1 elsewhere' } })).status
    expect(await elsewhere()).toBe(404)
    isPublic = true
    expect(await elsewhere()).toBe(status)
    await site.stop()
    // The mark goes with what it marks.
    await evidence.keepWithin(0, hash(1))
    expect(await readdir(folder)).toEqual([])
  })
})

describe('pictures of a private stream', () => {
  it.each([
    [false, 403],
    [true, 404],
  ])('with http.showPrivate %s are answered with %d', async (showPrivate, status) => {
    // 404: it would be shown, and there is none.
    const site = await openSite({ http: { host: '127.0.0.1', showPrivate } })
    try {
      const about = { sampleId: hash(1), transcoder: addressOf(wallet(1)), streamId: hash(5), outcome: 'fail' }
      const verdict = { reasons: [], measures: { 'frame-error': 12 } }
      await site.log.append('verdict', { ...about, faultClass: 'D2', answer: null, private: true, verdict })
      await site.log.append('verdict', { ...about, faultClass: 'D2', answer: null, verdict })
      for (const what of ['film', 'film.webp', 'sheet.png']) {
        expect((await fetch(`${site.url}/api/v1/samples/0/${what}`)).status).toBe(status)
        expect((await fetch(`${site.url}/api/v1/samples/1/${what}`)).status).toBe(404)
      }
      const one = await (await fetch(`${site.url}/api/v1/samples/0`)).json()
      expect(one).toMatchObject({ isHidden: !showPrivate, hasSheet: false, measures: [{ code: 'frame-error' }] })
    } finally {
      await site.stop()
    }
  })
})
