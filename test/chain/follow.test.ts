import { beforeEach, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { createEventFollower, type EventFollower } from '../../src/chain/follow.ts'
import type { Span } from '../../src/chain/log-scan.ts'
import type { Rpc } from '../../src/chain/rpc.ts'
import type { SpanStore } from '../../src/chain/span-file.ts'
import { hash } from '../helpers/fixtures.ts'
import { leastHeld } from '../helpers/heap.ts'

const { signal } = new AbortController()
const LAST = 6_000n
/** The disk: spans of one block each, up to this one. */
let onDisk: bigint
/** Blocks from this one on are others now. */
let forkedAt: bigint

const hashAt = (block: bigint): Hex => hash(Number(block) + (block >= forkedAt ? 1_000_000 : 0))
const spanOf = (to: bigint): Span => ({ from: to, to, hash: hash(Number(to)), logs: [] })
const store: SpanStore = {
  load: async () => Array.from({ length: Number(onDisk) }, (_, i) => spanOf(BigInt(i + 1))),
  async append({ to }) {
    onDisk = to
  },
  async replace(spans) {
    onDisk = spans.at(-1)?.to ?? 0n
  },
}
const rpc = {
  async send(method: string, [block]: [Hex]) {
    if (method === 'eth_getLogs') return []
    const zero = hash(0)
    return { number: block, hash: hashAt(BigInt(block)), parentHash: zero, timestamp: '0x1' }
  },
} as unknown as Rpc

let follower: EventFollower
beforeEach(() => {
  ;[onDisk, forkedAt] = [0n, LAST * 2n]
  follower = createEventFollower(
    { filter: { address: [] }, from: 1n, span: 1n, maxSpan: 1n },
    { rpc, store, hashAt, finalized: () => LAST, take: async () => undefined },
  )
})

it('goes back to the very block where blocks lately read were taken back, and a little further where it is long ago', async () => {
  await follower.scan(LAST, signal)
  await follower.flush()
  expect(onDisk).toBe(LAST)
  for (const [last, furthest] of [
    [LAST - 50n, LAST - 50n],
    [3_000n, 2_000n],
    [1_000n, 1n],
  ] as const) {
    forkedAt = last + 1n
    const point = await follower.rewind(last, signal)
    expect(point).toBeLessThanOrEqual(last)
    expect(point).toBeGreaterThanOrEqual(furthest)
    // What is on disk ends there too, and it goes on from there.
    expect([follower.scannedTo(), onDisk]).toEqual([point, point])
  }
})

it('goes on after a restart where the disk ends, however much of it there is', async () => {
  onDisk = LAST
  await follower.resume(signal)
  expect([follower.scannedTo(), onDisk]).toEqual([LAST, LAST])
  forkedAt = LAST - 10n
  expect(await follower.rewind(LAST - 11n, signal)).toBe(LAST - 11n)
})

it('holds no more of what is on disk, however long it reads', async () => {
  await follower.scan(1_000n, signal)
  const bytes = await leastHeld(2, (round) => follower.scan(1_000n + 2_500n * BigInt(round + 1), signal))
  expect(follower.scannedTo()).toBe(LAST)
  expect(bytes / 2_500).toBeLessThan(60)
})
