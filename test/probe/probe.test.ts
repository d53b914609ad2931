import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createKeystore } from '../../src/attest/keys.ts'
import { type ProbeRequest, runProbe } from '../../src/probe/probe.ts'
import { createOrchestrator, type Orchestrator, type OrchestratorInit } from '../livepeer/orchestrator.ts'
import { movingSource } from '../transcode/clips.ts'

// Real streams, real ffmpeg, a node that speaks the bytes of go-livepeer.

vi.setConfig({ testTimeout: 90_000 })
const signal = new AbortController().signal
const nodes: Orchestrator[] = []
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fisherman-test-probe-'))
})
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function open(init: OrchestratorInit = { isOffChain: true }): Promise<Orchestrator> {
  const node = await createOrchestrator(init)
  nodes.push(node)
  return node
}
const probe = (node: Pick<Orchestrator, 'origin'>, changes: Partial<ProbeRequest> = {}) =>
  runProbe(
    {
      ...{ nodes: [node.origin], segments: 2, segmentSec: 1, maxHeight: 360, rungs: ['P144p30fps16x9'], capacity: 0 },
      ...{ allowPrivate: true, ...changes },
    },
    {},
    signal,
  ).then(([probed]) => probed as NonNullable<typeof probed>)

describe('a probe', () => {
  it('of an honest node measures it and finds nothing against it', async () => {
    const node = await open()
    const found = await probe(node, { rungs: ['240p0', 'P144p30fps16x9'] })
    expect(found).toMatchObject({ sent: 2, received: 2, refusals: [], outcomes: { pass: 4, fail: 0, inconclusive: 0 } })
    expect(found.total?.median).toBeGreaterThan(0)
    expect(found.pixelsPerSec).toBeGreaterThan(0)
    // As a gateway: one stream with a name of four bytes, its segments in order, and a session that is ended.
    expect(node.segments.map(({ seq }) => seq)).toEqual([0n, 1n])
    const names = new Set(node.segments.map(({ manifestId }) => Buffer.from(manifestId).toString()))
    expect([...names][0]).toMatch(/^[0-9a-f]{8}$/)
    expect(names.size).toBe(1)
    expect(node.ended).toHaveLength(1)
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('fisherman-probe-'))).toEqual([])
  })

  it('of a node that sends black pictures proves each of them, and keeps a picture for people', async () => {
    const node = await open()
    node.fault = 'black'
    const sheetsDir = join(home, 'sheets')
    const found = await probe(node, { sheetsDir })
    expect(found.outcomes).toEqual({ pass: 0, fail: 2, inconclusive: 0 })
    expect(found.verdicts[0]).toMatchObject({ faultClass: 'D2', rung: 'P144p30fps16x9' })
    expect(await readdir(sheetsDir)).toHaveLength(2)
  })

  it.each([
    ['capped', 'livepeer-capped', 0],
    ['busy', 'livepeer-busy', 2],
    ['gone', 'livepeer-answer', 2],
  ] as const)('of a node that is %s says so, and calls nothing a fail', async (fault, code, sent) => {
    const node = await open()
    node.fault = fault
    if (fault === 'capped') node.sessions = 0
    const found = await probe(node)
    expect(found).toMatchObject({ sent, received: 0, outcomes: { pass: 0, fail: 0, inconclusive: 0 } })
    expect(found.refusals).toMatchObject([{ code, blame: 'theirs' }])
  })

  it('goes nowhere but to public addresses where it is not told to', async () => {
    const node = await open()
    const found = await probe(node, { allowPrivate: false })
    expect(found.refusals).toMatchObject([{ code: 'livepeer-address' }])
    expect(node.infos).toBe(0)
  })

  it('sends streams at once, and tells how many came in time', async () => {
    const node = await open()
    node.sessions = 2
    const { capacity } = await probe(node, { capacity: 3, segments: 1, segmentSec: 2 })
    expect(capacity).toMatchObject({ asked: 3, whole: 2, refusals: [{ code: 'livepeer-capped', count: 2 }] })
    expect(capacity?.inTime).toBeLessThanOrEqual(2)
    expect(capacity?.verdicts.every(({ outcome }) => outcome === 'pass')).toBe(true)
    expect(capacity?.verdicts.length).toBe(4)
  })
})

describe('what a probe pays', () => {
  async function wallet(capPerDayWei: bigint) {
    const folder = await mkdtemp(join(home, 'wallet-'))
    const key = { file: join(folder, 'key.json'), passwordFile: join(folder, 'password') }
    await writeFile(key.passwordFile, 'a password\n', { mode: 0o600 })
    await createKeystore({ ...key, light: true })
    const limits = { maxPrice: { wei: 10n, pixels: 1n }, maxTicketEvWei: 10n ** 15n, maxFaceValueWei: 10n ** 18n }
    return { key, spendingFile: join(folder, 'spending'), capPerDayWei, ...limits }
  }

  it('is signed by its key and written down before', async () => {
    const node = await open({ pricePerUnit: 1n, faceValueWei: 10n ** 12n, winProb: 1n << 250n })
    const request = await wallet(10n ** 15n)
    const found = await probe(node, { wallet: request })
    expect(found).toMatchObject({ received: 2, address: node.address, key: node.address, price: { wei: 1n, pixels: 1n } })
    expect(node.tickets.length).toBeGreaterThan(0)
    const spent = (await readFile(request.spendingFile, 'utf8')).trim().split('\n')
    const value = node.tickets.reduce((sum, { payment }) => sum + BigInt(payment.tickets.length), 0n) * ((10n ** 12n) >> 6n)
    expect(spent.reduce((sum, line) => sum + BigInt(line.split(' ')[1] as string), 0n)).toBe(value)
  })

  it('ends at the cap of the day, which is no fault of the node', async () => {
    const node = await open({ pricePerUnit: 1n, faceValueWei: 10n ** 12n, winProb: 1n << 250n })
    const found = await probe(node, { wallet: await wallet(1n) })
    expect(found.refusals).toMatchObject([{ code: 'spending-cap', blame: 'ours' }])
    expect([found.received, node.tickets]).toEqual([0, []])
  })

  it('is nothing without a wallet: a node with a price is not used', async () => {
    const node = await open({ pricePerUnit: 1n })
    expect((await probe(node)).refusals).toMatchObject([{ code: 'livepeer-failed', blame: 'unknown' }])
    expect(node.tickets).toEqual([])
  })
})

describe('sources', () => {
  it('are cut from videos of the operator, each time another piece', async () => {
    const folder = join(home, 'videos')
    await mkdir(folder)
    await copyFile(movingSource(0), join(folder, 'holiday.mp4'))
    await writeFile(join(folder, 'notes.txt'), 'no video')
    const node = await open()
    const found = [await probe(node, { sourcesDir: folder, segments: 1 }), await probe(node, { sourcesDir: folder, segments: 1 })]
    expect(found.map(({ video }) => video)).toEqual(['holiday.mp4', 'holiday.mp4'])
    expect(found.map(({ outcomes, received, refusals }) => [outcomes.fail, received, refusals])).toEqual([
      [0, 1, []],
      [0, 1, []],
    ])
    expect(node.segments[0]?.hash).not.toBe(node.segments[1]?.hash)
  })

  it('that are not there, too short or no videos say what to do', async () => {
    const node = await open()
    await expect(probe(node, { sourcesDir: join(home, 'nowhere') })).rejects.toMatchObject({ code: 'probe-sources' })
    const empty = join(home, 'empty')
    await mkdir(empty)
    await expect(probe(node, { sourcesDir: empty })).rejects.toThrow('holds no video')
    await copyFile(movingSource(0), join(empty, 'short.ts'))
    await expect(probe(node, { sourcesDir: empty, segments: 900 })).rejects.toMatchObject({ code: 'probe-source-short' })
    await rm(join(empty, 'short.ts'))
    await writeFile(join(empty, 'broken.mp4'), 'no video either')
    await expect(probe(node, { sourcesDir: empty })).rejects.toMatchObject({ code: 'probe-source', blame: 'ours' })
    expect(node.infos).toBe(0)
  })
})
