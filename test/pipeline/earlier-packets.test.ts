import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PacketLook, PacketSet } from '../../src/fingerprint/types.ts'
import { createEarlierPackets } from '../../src/pipeline/earlier-packets.ts'

const packet = fc.record({
  hash: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  bytes: fc.nat({ max: 0xffff_ffff }),
  look: fc.uint8Array({ maxLength: 144 }).map((bytes) => Buffer.from(bytes).toString('base64')),
})
const setOf = (rendition: PacketLook[]): PacketSet => ({ rendition, source: rendition.slice(0, 1) })
const one = (fill: number, looks = 144): PacketSet =>
  setOf([{ hash: fill.toString(16).padStart(32, '0'), bytes: fill, look: Buffer.alloc(looks, fill).toString('base64') }])
const bytesOf = (sets: readonly PacketSet[]) => sets.map(({ rendition }) => rendition[0]?.bytes)

describe('packets of earlier segments', () => {
  it('come back as they were, without those of the sources', () => {
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 20 }), (rendition) => {
        const earlier = createEarlierPackets()
        earlier.remember('a', 1n, setOf(rendition))
        expect(earlier.before('a', 2n)).toEqual([{ rendition, source: [] }])
      }),
    )
  })

  it('are those before a segment only, of its own stream, each segment once, the newest six', () => {
    const earlier = createEarlierPackets()
    for (const seq of [1, 2, 2, 3, 4, 5, 6, 7, 8]) earlier.remember('a', BigInt(seq), one(seq))
    expect(bytesOf(earlier.before('a', 8n))).toEqual([3, 4, 5, 6, 7])
    expect(earlier.before('a', 3n)).toEqual([])
    expect(earlier.before('b', 8n)).toEqual([])
  })

  it('take no more bytes than they may; the stream that was not seen for longest goes first', () => {
    const room = 3 * (16 + 4 + 2 + 144)
    const earlier = createEarlierPackets({ maxBytes: room })
    for (const stream of ['a', 'b', 'c']) earlier.remember(stream, 1n, one(1))
    expect(earlier.size()).toBe(room)
    earlier.remember('a', 2n, one(2))
    expect([...'abc'].map((stream) => earlier.before(stream, 9n).length)).toEqual([2, 0, 1])
    for (let seq = 3n; seq < 100n; seq++) earlier.remember(`s${seq}`, seq, one(3))
    expect(earlier.size()).toBeLessThanOrEqual(room)
  })
})
