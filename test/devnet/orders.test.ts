import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { DEFAULT_LADDER } from '../../src/devnet/ladder.ts'
import { hash } from '../helpers/fixtures.ts'
import { type Clips, drawSegments } from './clips.ts'
import { type Bench, bench, GATEWAY, type OrderChanges, STRANGER } from './orchestrators.ts'

let clips: Clips
let node: Bench
let segment: Buffer
beforeAll(async () => {
  clips = await drawSegments(1, '320x180')
  segment = clips.segments[0]!
  node = await bench('honest', { requesters: [GATEWAY.address] })
})
afterAll(async () => {
  await node?.stop()
  await clips?.clean()
})

const ladder = (change: Partial<(typeof DEFAULT_LADDER)[number]>) => [{ ...DEFAULT_LADDER[0]!, ...change }]

describe('orders at the door', () => {
  it.each<[string, OrderChanges, RegExp]>([
    ['another transcoder', { order: { transcoder: STRANGER.address } }, /the order is for 0x.*, this node is 0x/],
    ['a stranger', { by: STRANGER }, /takes no orders from 0x/],
    ['a signature of another key', { by: STRANGER, order: { requester: GATEWAY.address } }, /not signed by its requester/],
    ['other bytes', { order: { sourceHash: hash(5) } }, /sourceHash is 0x.*, the body hashes to 0x/],
    ['another length', { order: { sourceBytes: 5n } }, /the order is for 5 bytes, the body has \d+/],
    ['other profiles', { order: { profilesHash: hash(5) } }, /profilesHash is not that of the profiles/],
    ['an expired order', { order: { issuedAt: 1_000_003n, expiresAt: 1_000_004n } }, /expired at 1000004, chain time is 1000004/],
    ['an order for ever', { order: { expiresAt: 2_000_000n } }, /valid until 2000000, more than 3600 s ahead/],
    ['an order from the future', { order: { issuedAt: 1_000_999n } }, /was issued at 1000999/],
    ['an order from before the start', { order: { issuedAt: 1_000_001n } }, /before this node started/],
    ['H.265', { profiles: ladder({ codec: 1 }) }, /makes H.264 only/],
    ['a giant rung', { profiles: ladder({ width: 100_000 }) }, /outside of 16\.\.4096/],
    ['no rung', { profiles: [] }, /profiles must be a list of 1 to 10/],
    ['eleven rungs', { profiles: Array.from({ length: 11 }, () => DEFAULT_LADDER[0]!) }, /profiles must be a list of 1 to 10/],
  ])('refuse %s with one line', async (_name, changes, reason) => {
    const { status, json } = await node.send(segment, changes)
    expect(json.error).toMatch(reason)
    expect(json.error).not.toContain('\n')
    expect(status).toBe(400)
  })

  it.each<[string, string | undefined, RegExp]>([
    ['none', undefined, /header Fisherman-Order must hold/],
    ['no base64', '{}', /header Fisherman-Order must hold/],
    ['no JSON', Buffer.from('x').toString('base64url'), /the order cannot be read/],
    ['null', Buffer.from('null').toString('base64url'), /must be a JSON object/],
    ['no order', Buffer.from('{"profiles":[{}]}').toString('base64url'), /TranscodeOrder must be an object/],
  ])('refuse a header with %s', async (_name, header, reason) => {
    const headers: Record<string, string> = { 'content-type': 'video/mp2t', ...(header ? { 'fisherman-order': header } : {}) }
    const response = await fetch(`${node.node.url}/segment`, { method: 'POST', headers, body: 'x' })
    expect(((await response.json()) as { error: string }).error).toMatch(reason)
    expect(response.status).toBe(400)
  })

  it('refuse bytes that are no video, and say nothing of our folders', async () => {
    const { status, json } = await node.send(Buffer.from('this is not video'))
    expect(json.error).toBe('the segment cannot be read as video; send MPEG-TS or MP4')
    expect(status).toBe(400)
  })

  it('refuse a body over the limit', async () => {
    const { status } = await node.send(Buffer.alloc(2_000_001))
    expect(status).toBe(413)
  })

  it('answer an order that comes again with the same receipt, also while it is worked on', async () => {
    const order = { nonce: hash(777), seq: 77n }
    const answers = await Promise.all([node.send(segment, { order }), node.send(segment, { order })])
    const again = await node.send(segment, { order })
    for (const { json } of [...answers, again]) {
      expect(json.error).toBeUndefined()
      expect(json).toEqual(answers[0]!.json)
    }
    expect(again.json.renditions.length).toBe(2)
    expect(again.json.renditions[0]!.url).toBe(`/fisherman/v1/blobs/${again.json.renditions[0]!.contentHash}`)
    const { window } = await node.closeWindow()
    expect(window.count).toBe(1)
  })

  it('follow the aspect rule, the container and a frame rate', async () => {
    const profiles = [
      { ...DEFAULT_LADDER[0]!, width: 200, height: 200, fpsNum: 15, fpsDen: 1, h264Profile: 1, gopMs: 500, container: 1 },
    ]
    const { json } = await node.send(segment, { profiles })
    expect(json.error).toBeUndefined()
    const [leaf] = json.renditions as unknown as { width: number; height: number; frames: number; profileHash: Hex }[]
    expect(leaf).toMatchObject({ width: 200, height: 112 })
    expect(Math.abs(leaf!.frames - 30)).toBeLessThanOrEqual(1)
  })
})
