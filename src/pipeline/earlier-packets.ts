import type { PacketLook, PacketSet } from '../fingerprint/types.ts'

/** What segments of the same stream and rendition were made of, to notice when their packets are sold again for another picture. */
export interface EarlierPackets {
  /** Of segments before this one, oldest first; their own packets only, since nothing is asked of their sources. */
  before(stream: string, seq: bigint): PacketSet[]
  remember(stream: string, seq: bigint, packets: PacketSet): void
  /** Bytes that are held. */
  size(): number
}

/** Segments of a stream that are remembered. */
const SEGMENTS = 6
/**
 * Bytes of packets over all streams, oldest forgotten first. A segment of two seconds takes about 10 kB; as objects and strings it was 25 kB, and
 * 2,000 streams of six were more than all else that a daemon holds. At 10,000 samples a day this is the last eight hours.
 */
const MAX_BYTES = 32 * 2 ** 20
const HASH_BYTES = 16
const HEAD_BYTES = HASH_BYTES + 4 + 2

interface Kept {
  seq: bigint
  packed: Buffer
}

export function createEarlierPackets({ maxBytes = MAX_BYTES }: { maxBytes?: number } = {}): EarlierPackets {
  /** In the order of their last use. */
  const streams = new Map<string, Kept[]>()
  let held = 0

  function replace(stream: string, kept: readonly Kept[]): void {
    for (const { packed } of streams.get(stream) ?? []) held -= packed.length
    streams.delete(stream)
    if (kept.length === 0) return
    streams.set(stream, [...kept])
    for (const { packed } of kept) held += packed.length
  }

  return {
    before: (stream, seq) =>
      (streams.get(stream) ?? []).filter((one) => one.seq < seq).map(({ packed }) => ({ rendition: unpack(packed), source: [] })),
    remember(stream, seq, { rendition }) {
      const others = (streams.get(stream) ?? []).filter((one) => one.seq !== seq)
      replace(stream, [...others, { seq, packed: pack(rendition) }].slice(-SEGMENTS))
      for (const oldest of streams.keys()) {
        if (held <= maxBytes) break
        replace(oldest, [])
      }
    },
    size: () => held,
  }
}

/** hash(16) bytes(u32) length(u16) look, one after the other. */
function pack(packets: readonly PacketLook[]): Buffer {
  return Buffer.concat(
    packets.map(({ hash, bytes, look }) => {
      const picture = Buffer.from(look, 'base64')
      const head = Buffer.alloc(HEAD_BYTES)
      head.write(hash, 'hex')
      head.writeUInt32BE(bytes, HASH_BYTES)
      head.writeUInt16BE(picture.length, HASH_BYTES + 4)
      return Buffer.concat([head, picture])
    }),
  )
}

function unpack(packed: Buffer): PacketLook[] {
  const packets: PacketLook[] = []
  for (let at = 0; at < packed.length; ) {
    const length = packed.readUInt16BE(at + HASH_BYTES + 4)
    const end = at + HEAD_BYTES + length
    packets.push({
      hash: packed.toString('hex', at, at + HASH_BYTES),
      bytes: packed.readUInt32BE(at + HASH_BYTES),
      look: packed.toString('base64', at + HEAD_BYTES, end),
    })
    at = end
  }
  return packets
}
