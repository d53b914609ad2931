import type { Connection, Stream } from '@libp2p/interface'
import { deadline } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createRateLimiter } from '../base/rate.ts'
import type { Counters } from './counters.ts'
import { framesOn, violation } from './pull-frames.ts'

// status/1: two peers that have met tell each other what they run. The names of their protocols hold the digest of the network (chain, anchor,
// verdict version); this adds what no name can hold. Both frames are the same, prefixed by their length as u32, numbers big-endian:
//
//   verdict version: u32, chain time: u64 (Unix seconds), entries of the log: u64, peers: u16
//
// Longer frames are of later versions: what is known of them is read.

export interface PeerStatus {
  verdictVersion: number
  /** Unix seconds by the newest block that the peer has seen. */
  chainTimeSec: number
  /** Entries of its log: one that stands still serves nobody. */
  kept: number
  /** Peers that it has. */
  peers: number
}

const STATUS_BYTES = 4 + 8 + 8 + 2
const MAX_STATUS_BYTES = 256
/** 53 bits. */
const MOST = 2n ** 53n - 1n
const TIMEOUT_MS = 5_000
/** Once a link, and again when a doctor asks. */
const QUOTA = { burst: 10, everyMs: 3_000 }

export function encodeStatus({ verdictVersion, chainTimeSec, kept, peers }: PeerStatus): Uint8Array {
  const buffer = Buffer.alloc(STATUS_BYTES)
  buffer.writeUInt32BE(verdictVersion, 0)
  buffer.writeBigUInt64BE(BigInt(Math.max(0, Math.floor(chainTimeSec))), 4)
  buffer.writeBigUInt64BE(BigInt(kept), 12)
  buffer.writeUInt16BE(Math.min(peers, 0xffff), 20)
  return buffer
}

/** Throws `pull-violation` for what is too short. */
export function decodeStatus(bytes: Uint8Array): PeerStatus {
  if (bytes.length < STATUS_BYTES) throw violation('a status is too short')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    verdictVersion: buffer.readUInt32BE(0),
    // Cut to what a number holds: whoever says more lies, and what it says can still be compared.
    chainTimeSec: Number(buffer.readBigUInt64BE(4) & MOST),
    kept: Number(buffer.readBigUInt64BE(12) & MOST),
    peers: buffer.readUInt16BE(20),
  }
}

/** Answers one status with ours. */
export function createStatusServer(deps: {
  own(): PeerStatus
  learn(peerId: string, status: PeerStatus): void
  clock: { nowMs(): number }
  counters: Counters
  log: Logger
}): (stream: Stream, connection: Connection) => Promise<void> {
  const limiter = createRateLimiter({ ...QUOTA, maxKeys: 1_024 }, deps.clock)
  return async function serve(stream, connection) {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const peer = connection.remotePeer.toString()
    try {
      if (!limiter.take(peer)) throw new Error('asked too often')
      const frames = framesOn(stream, { frameBytes: MAX_STATUS_BYTES, bufferBytes: 4 * MAX_STATUS_BYTES })
      deps.learn(peer, decodeStatus((await frames.read({ signal })).subarray()))
      await frames.write(encodeStatus(deps.own()), { signal })
      await stream.close({ signal })
      deps.counters.add('status.served')
    } catch (error) {
      deps.counters.add('status.refused')
      deps.log.debug('a status could not be answered', { peer, error: messageOf(error) })
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
    }
  }
}

/** Tells one peer our status and returns its own. Throws where it does not answer. */
export async function exchangeStatus(
  connection: Connection,
  protocol: string,
  own: PeerStatus,
  options: { signal: AbortSignal },
): Promise<PeerStatus> {
  const signal = deadline(TIMEOUT_MS, options.signal)
  const stream = await connection.newStream(protocol, { signal })
  try {
    const frames = framesOn(stream, { frameBytes: MAX_STATUS_BYTES, bufferBytes: 4 * MAX_STATUS_BYTES })
    await frames.write(encodeStatus(own), { signal })
    const status = decodeStatus((await frames.read({ signal })).subarray())
    await stream.close({ signal })
    return status
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
    throw error
  }
}
