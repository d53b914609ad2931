import type { Connection, Stream } from '@libp2p/interface'
import { signerOf } from '../../proofs/signature.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import { deadline } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createRateLimiter } from '../base/rate.ts'
import {
  BUNDLE_REQUEST_BYTES,
  type BundleRequest,
  type BundleStatus,
  CHUNK_BYTES,
  CHUNKS_A_TURN,
  decodeBundleRequest,
  encodeBundleHeader,
  MAX_VALID_SEC,
  refusal,
  signedRequest,
} from './bundle-frames.ts'
import type { Counters } from './counters.ts'
import { framesOn } from './pull-frames.ts'

/** A bundle that is open for reading; it stays the same file until it is closed. */
export interface OpenBundle {
  /** Bytes. */
  size: number
  /** SHA-256 of the whole file. */
  sha: Hex
  /** Exactly these bytes; throws where the disk has fewer. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** The bundles that we hold. */
export interface BundleShelf {
  /** Undefined for one that we do not hold. */
  open(evidenceHash: Hex): Promise<OpenBundle | undefined>
}

/** From the request to the last byte; who is slower resumes. */
const TRANSFER_MS = 120_000
/** Milliseconds for one turn of at most 1 MiB: a stalled peer holds nothing of ours open. */
const TURN_MS = 15_000
/** A committee asks once a case, and again after cuts. */
export const PEER_QUOTA = { burst: 12, everyMs: 5_000 }
/** A member may come with several peer ids. */
const MEMBER_QUOTA = { burst: 24, everyMs: 2_500 }
/** Transfers at the same time, of all peers together: the upload of a home line. */
const MAX_TRANSFERS = 8

export interface BundleServerDeps {
  domain: Domain
  shelf: BundleShelf
  isMember(address: Hex): boolean
  clock: { nowMs(): number }
  /** Unix seconds of chain time. */
  nowSec(): number
  counters: Counters
  log: Logger
}

/** Serves evidence to registered members: one request, one file from an offset on, close. */
export function createBundleServer(deps: BundleServerDeps): (stream: Stream, connection: Connection) => Promise<void> {
  const peers = createRateLimiter({ ...PEER_QUOTA, maxKeys: 1_024 }, deps.clock)
  const members = createRateLimiter({ ...MEMBER_QUOTA, maxKeys: 1_024 }, deps.clock)
  let transfers = 0

  /** The cheap questions first; a member's quota is only taken by who signs with its key. */
  function judge(peerId: string, request: BundleRequest): BundleStatus {
    const now = BigInt(Math.floor(deps.nowSec()))
    const { member, expiresAt, signature } = request
    if (!deps.isMember(member) || expiresAt <= now || expiresAt > now + BigInt(MAX_VALID_SEC)) return 'refused'
    if (signerOf(deps.domain, 'BlobRequest', signedRequest(peerId, request), signature) !== member) return 'refused'
    return transfers < MAX_TRANSFERS && members.take(member) ? 'ok' : 'busy'
  }

  async function send(frames: ReturnType<typeof framesOn>, bundle: OpenBundle, offset: number): Promise<void> {
    const whole = AbortSignal.timeout(TRANSFER_MS)
    let chunks = 0
    for (let at = offset; at < bundle.size; at += CHUNK_BYTES) {
      const signal = deadline(TURN_MS, whole)
      if (chunks > 0 && chunks % CHUNKS_A_TURN === 0) await frames.read({ signal })
      await frames.write(await bundle.read(at, Math.min(CHUNK_BYTES, bundle.size - at)), { signal })
      chunks++
    }
    deps.counters.add('bundles.served-bytes', bundle.size - offset)
  }

  async function answer(frames: ReturnType<typeof framesOn>, peerId: string): Promise<BundleStatus> {
    // Each stream counts, whatever comes on it: what is no request costs no less than one.
    if (!peers.take(peerId)) {
      await frames.write(encodeBundleHeader(refusal('busy')), { signal: AbortSignal.timeout(TURN_MS) })
      return 'busy'
    }
    const request = decodeBundleRequest((await frames.read({ signal: AbortSignal.timeout(TURN_MS) })).subarray())
    let status = judge(peerId, request)
    transfers++
    let bundle: OpenBundle | undefined
    try {
      if (status === 'ok') bundle = await deps.shelf.open(request.evidenceHash)
      if (status === 'ok' && (!bundle || request.offset > bundle.size)) status = 'unknown'
      const header = status === 'ok' && bundle ? { status, size: bundle.size, sha: bundle.sha } : refusal(status as 'unknown')
      await frames.write(encodeBundleHeader(header), { signal: AbortSignal.timeout(TURN_MS) })
      if (status === 'ok' && bundle) await send(frames, bundle, request.offset)
      return status
    } finally {
      transfers--
      await bundle?.close()
    }
  }

  return async function serve(stream, connection) {
    const peer = connection.remotePeer.toString()
    try {
      const frames = framesOn(stream, { frameBytes: BUNDLE_REQUEST_BYTES, bufferBytes: 8 * BUNDLE_REQUEST_BYTES })
      const status = await answer(frames, peer)
      await stream.close({ signal: AbortSignal.timeout(TURN_MS) })
      deps.counters.add(`bundles.served-${status}`)
    } catch (error) {
      deps.counters.add('bundles.serve-failed')
      deps.log.debug('a bundle could not be served', { peer, error: messageOf(error) })
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
    }
  }
}
