import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ZERO_HASH } from '../../proofs/digest.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { hash } from '../helpers/fixtures.ts'
import { type Clips, drawSegments } from './clips.ts'
import { type Bench, bench, GATEWAY, STRANGER } from './orchestrators.ts'

/** One cheap rung: these tests look at the feed, not at the work. */
const SMALL = [{ ...DEFAULT_LADDER[1]!, width: 160, height: 90 }]

let clips: Clips
let segment: Buffer
beforeAll(async () => {
  clips = await drawSegments(1, '160x90')
  segment = clips.segments[0]!
})
afterAll(() => clips?.clean())

async function withNode(run: (node: Bench) => Promise<void>, changes: Parameters<typeof bench>[1] = {}): Promise<void> {
  const node = await bench('honest', changes)
  try {
    await run(node)
  } finally {
    await node.stop()
  }
}

const status = async (node: Bench, path: string) => (await fetch(`${node.node.url}/fisherman/v1/${path}`)).status

describe('windows and receipts', () => {
  it('publish each window once, empty ones too, and never change what was signed', () =>
    withNode(async (node) => {
      const empty = await node.closeWindow()
      expect(empty.window).toMatchObject({ count: 0, root: ZERO_HASH, windowId: 250_001n, closedAt: 1_000_008n })
      await node.send(segment, { profiles: SMALL })
      const full = await node.closeWindow()
      expect(full.window.count).toBe(1)
      await node.send(segment, { profiles: SMALL })
      await node.closeWindow()
      const text = await (await fetch(`${node.node.url}/fisherman/v1/windows?after=250000`)).text()
      const ids = text
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { window: { windowId: string; root: string } }).window)
      expect(ids.map(({ windowId }) => windowId)).toEqual(['250001', '250002', '250003'])
      expect(ids[1]!.root).toBe(full.window.root)
      const one = await (await fetch(`${node.node.url}/fisherman/v1/windows?after=250001&limit=1`)).text()
      expect(one.trim().split('\n').length).toBe(1)
      expect(one).toContain('250002')
    }))

  it('leave out the window in which the node started: it may have signed another before', () =>
    withNode(async (node) => {
      expect(await status(node, 'receipts?window=250000')).toBe(404)
    }))

  it('close every window that passed when chain time leaps', () =>
    withNode(async (node) => {
      node.ledger.set(1_000_022n)
      const { window } = await node.closeWindow()
      const text = await (await fetch(`${node.node.url}/fisherman/v1/windows?after=0`)).text()
      expect(text.trim().split('\n').length).toBe(Number(window.windowId - 250_000n))
    }))

  it('page through receipts by cursor, sorted by digest', () =>
    withNode(async (node) => {
      for (let i = 0; i < 3; i++) await node.send(segment, { profiles: SMALL })
      const { window } = await node.closeWindow()
      const all = await node.lines(window.windowId)
      const first = await node.lines(window.windowId, '&limit=2')
      const rest = await node.lines(window.windowId, `&limit=2&cursor=${first.at(-1)!.cursor}`)
      expect(all.length).toBe(3)
      expect([...first, ...rest]).toEqual(all)
      expect(await node.lines(window.windowId, `&cursor=${rest.at(-1)!.cursor}`)).toEqual([])
    }))

  it('answer 404 for open and unknown windows, 410 for dropped ones, 400 for nonsense', () =>
    withNode(
      async (node) => {
        const answer = await node.send(segment, { profiles: SMALL, order: { nonce: hash(9), seq: 9n } })
        expect(await status(node, 'receipts?window=250001')).toBe(404)
        expect(await status(node, 'receipts?window=999999')).toBe(404)
        expect(await status(node, 'receipts?window=x')).toBe(400)
        expect(await status(node, 'receipts')).toBe(400)
        expect(await status(node, 'receipts?window=250001&limit=0')).toBe(400)
        expect(await status(node, 'windows?after=-1')).toBe(400)
        for (let i = 0; i < 4; i++) await node.closeWindow()
        await expect.poll(() => status(node, 'receipts?window=250001')).toBe(410)
        expect((await node.blob(answer.json.renditions[0]!.contentHash)).status).toBe(410)
        // The node signed a receipt for this order, so it must never sign another.
        const again = await node.send(segment, {
          profiles: SMALL,
          order: { nonce: hash(9), seq: 9n, issuedAt: 1_000_004n, expiresAt: 1_000_064n },
        })
        expect(again.status).toBe(410)
      },
      { retention: { windows: 2, bytes: 100_000_000 } },
    ))

  it('drop the oldest windows when their bytes are too many', () =>
    withNode(
      async (node) => {
        await node.send(segment, { profiles: SMALL })
        for (let i = 0; i < 3; i++) await node.closeWindow()
        await expect.poll(() => status(node, 'receipts?window=250001')).toBe(410)
      },
      { retention: { windows: 100, bytes: 1000 } },
    ))
})

describe('blobs', () => {
  let node: Bench
  let contentHash: `0x${string}`
  beforeAll(async () => {
    node = await bench('honest', { rate: { perSecond: 1, burst: 30 } })
    contentHash = (await node.send(segment, { profiles: SMALL })).json.renditions[0]!.contentHash
  })
  afterAll(() => node?.stop())

  it('go to registered fishermen and to the requester', async () => {
    const response = await node.blob(contentHash)
    expect(response.status).toBe(200)
    expect(await keccakOf(Buffer.from(await response.arrayBuffer()))).toBe(contentHash)
    expect((await node.blob(contentHash, { as: GATEWAY })).status).toBe(200)
  })

  it('do not go to others', async () => {
    const reasonOf = async (response: Response) => [response.status, ((await response.json()) as { error: string }).error]
    expect(await reasonOf(await fetch(`${node.node.url}/fisherman/v1/blobs/${contentHash}`))).toEqual([
      401,
      'the header Fisherman-Auth is missing',
    ])
    expect((await reasonOf(await node.blob(contentHash, { as: STRANGER })))[0]).toBe(403)
    // Neither does a stranger learn what is here.
    expect((await reasonOf(await node.blob(hash(1), { as: STRANGER })))[0]).toBe(403)
    const expired = await reasonOf(await node.blob(contentHash, { expiresAt: node.ledger.now() }))
    expect(expired).toEqual([401, expect.stringMatching(/expired at/)])
    const long = await reasonOf(await node.blob(contentHash, { expiresAt: node.ledger.now() + 301n }))
    expect(long).toEqual([401, expect.stringMatching(/more than 300 s/)])
    const other = await reasonOf(await node.blob(contentHash, { transcoder: STRANGER.address }))
    expect(other).toEqual([401, expect.stringMatching(/not 0x.*'s for this transcoder/)])
    const garbage = await node.blob(contentHash, { headers: { 'fisherman-auth': 'Basic eA==' } })
    expect(await reasonOf(garbage)).toEqual([401, expect.stringMatching(/must be <address>/)])
  })

  it('are 404 when unknown and 400 when no hash', async () => {
    expect((await node.blob(hash(1))).status).toBe(404)
    expect(await status(node, 'blobs/0x12')).toBe(400)
    expect(await status(node, 'blobs/..%2F..%2Fetc%2Fpasswd')).toBe(400)
  })

  it.each<[string, number, (whole: Buffer) => Buffer]>([
    ['bytes=0-99', 206, (whole) => whole.subarray(0, 100)],
    ['bytes=100-', 206, (whole) => whole.subarray(100)],
    ['bytes=-50', 206, (whole) => whole.subarray(-50)],
    ['bytes=5-999999999', 206, (whole) => whole.subarray(5)],
    ['bytes=0-1,5-6', 200, (whole) => whole],
    ['bytes=9-3', 200, (whole) => whole],
    ['lines=1-2', 200, (whole) => whole],
  ])('range %s is answered with %d', async (range, expected, part) => {
    const whole = Buffer.from(await (await node.blob(contentHash)).arrayBuffer())
    const response = await node.blob(contentHash, { headers: { range } })
    expect(response.status).toBe(expected)
    const wanted = part(whole)
    expect(Buffer.from(await response.arrayBuffer()).equals(wanted)).toBe(true)
    if (expected === 206) expect(response.headers.get('content-range')).toMatch(new RegExp(`^bytes \\d+-\\d+/${whole.length}$`))
  })

  it('range behind the end is 416', async () => {
    const response = await node.blob(contentHash, { headers: { range: 'bytes=99999999-' } })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toMatch(/^bytes \*\/\d+$/)
  })

  it('are limited to each asker alone', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => node.blob(contentHash).then(({ status }) => status)))
    expect(answers).toContain(429)
    const limited = await node.blob(contentHash)
    expect(limited.status).toBe(429)
    expect(limited.headers.get('retry-after')).toBe('1')
    expect((await node.blob(contentHash, { as: GATEWAY })).status).toBe(200)
  })
})
