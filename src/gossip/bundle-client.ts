import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Connection } from '@libp2p/interface'
import type { BlobRequest, Hex } from '../../proofs/types.ts'
import { deadline } from '../base/clock.ts'
import { blameOf, FishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import {
  type BundleHeader,
  CHUNK_BYTES,
  CHUNKS_A_TURN,
  decodeBundleHeader,
  encodeBundleRequest,
  signedRequest,
} from './bundle-frames.ts'
import type { Counters } from './counters.ts'
import { framesOn, violation } from './pull-frames.ts'

/** How a member asks for evidence, and what it takes. */
export interface BundleDesk {
  /** Signs a request; throws without a key. */
  authorize(request: BlobRequest): Promise<{ address: Hex; signature: Hex }>
  /** Where the bytes lie while they arrive. */
  partFile(evidenceHash: Hex): string
  /** Checks the whole file and keeps it; throws where it is not the evidence of this hash. Returns where it lies now. */
  take(evidenceHash: Hex, file: string, options: { signal: AbortSignal }): Promise<string>
}

export interface BundleClientDeps {
  peerId: string
  protocol: string
  desk: BundleDesk
  /** One open link for each peer. */
  connections(): readonly Connection[]
  nowSec(): number
  counters: Counters
  log: Logger
}

const REQUEST_LIFE_SEC = 60
/** Milliseconds for the header, and for each turn of at most 1 MiB. */
const TURN_MS = 15_000
/** For one peer's bytes of one request, as at the server: who drips is left, and gone on with by another. */
const TRANSFER_MS = 120_000
/** Times that every peer is asked before we give up. */
const ROUNDS = 3

/** What has arrived of one file. */
interface Part {
  sha: Hex | undefined
  size: number
  have: number
  sources: Set<string>
}

const nothing = (): Part => ({ sha: undefined, size: 0, have: 0, sources: new Set() })

/**
 * Fetches a bundle from whoever holds it. After a cut the next peer goes on where the last one stopped, if it holds the same file. A peer whose
 * file is not the evidence is not asked again; where the bytes of several do not fit together, each is asked alone, so that a liar takes no honest
 * peer with it. Throws `bundle-unavailable`.
 */
export function createBundleClient(
  deps: BundleClientDeps,
): (evidenceHash: Hex, options: { signal: AbortSignal }) => Promise<string> {
  const { counters, desk, log } = deps
  /** One fetch of one bundle at a time: they share the file. */
  const running = new Set<Hex>()

  async function ask(
    connection: Connection,
    evidenceHash: Hex,
    part: Part,
    file: FileHandle,
    parent: AbortSignal,
  ): Promise<void> {
    const expiresAt = BigInt(Math.floor(deps.nowSec()) + REQUEST_LIFE_SEC)
    const { address: member, signature } = await desk.authorize(signedRequest(deps.peerId, { evidenceHash, expiresAt }))
    const whole = deadline(TRANSFER_MS, parent)
    const turn = () => deadline(TURN_MS, whole)
    const stream = await connection.newStream(deps.protocol, { signal: turn() })
    try {
      const frames = framesOn(stream, { frameBytes: CHUNK_BYTES, bufferBytes: 2 * CHUNKS_A_TURN * CHUNK_BYTES })
      const request = { evidenceHash, offset: part.have, member, expiresAt, signature }
      await frames.write(encodeBundleRequest(request), { signal: turn() })
      const header = decodeBundleHeader((await frames.read({ signal: turn() })).subarray())
      begin(part, header)
      part.sources.add(connection.remotePeer.toString())
      for (let chunks = 0, from = part.have; part.have < part.size; chunks++) {
        if (chunks > 0 && chunks % CHUNKS_A_TURN === 0) await frames.write(Uint8Array.of(1), { signal: turn() })
        const bytes = (await frames.read({ signal: turn() })).subarray()
        if (bytes.length !== Math.min(CHUNK_BYTES, part.size - from)) throw violation('a piece of a bundle has another length')
        await file.write(bytes, 0, bytes.length, from)
        from += bytes.length
        part.have = from
      }
      await stream.close({ signal: turn() })
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
      throw error
    }
  }

  /** True where the file was the evidence. Otherwise says by the set who is not asked again. */
  async function finish(
    evidenceHash: Hex,
    path: string,
    part: Part,
    liars: Set<string>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const fits = (await shaOf(path)) === part.sha
    if (!fits && part.sources.size > 1) {
      counters.add('bundles.mixed')
      return undefined
    }
    try {
      if (!fits) throw violation('the bytes are not those of the hash that was announced')
      return await desk.take(evidenceHash, path, { signal })
    } catch (error) {
      signal.throwIfAborted()
      // A disk of ours that is full makes no liar of a peer.
      if (blameOf(error) === 'ours') throw error
      counters.add('bundles.refused')
      log.warn('a peer serves a bundle that is not the evidence', {
        evidenceHash,
        peers: [...part.sources],
        reason: messageOf(error),
      })
      for (const peer of part.sources) liars.add(peer)
      return undefined
    }
  }

  async function fetchFrom(evidenceHash: Hex, path: string, file: FileHandle, signal: AbortSignal): Promise<string> {
    const liars = new Set<string>()
    let part = nothing()
    let alone = false
    for (let round = 0; round < ROUNDS; round++) {
      for (const connection of deps.connections()) {
        const peer = connection.remotePeer.toString()
        if (liars.has(peer)) continue
        // In a later round nobody went on with what we have: whoever holds another file may begin.
        if (part.have > 0 && !part.sources.has(peer) && (alone || round === ROUNDS - 1)) part = nothing()
        try {
          await ask(connection, evidenceHash, part, file, signal)
        } catch (error) {
          signal.throwIfAborted()
          counters.add('bundles.cut')
          log.debug('a bundle did not come whole from a peer', { peer, evidenceHash, have: part.have, error: messageOf(error) })
          continue
        }
        await file.truncate(part.size)
        const kept = await finish(evidenceHash, path, part, liars, signal)
        if (kept !== undefined) {
          counters.add('bundles.fetched')
          return kept
        }
        alone ||= part.sources.size > 1
        part = nothing()
      }
    }
    const message = `No peer has the evidence ${evidenceHash}, or gives it to us; it may be had later, or by HTTP from a member.`
    throw new FishermanError({ code: 'bundle-unavailable', message, blame: 'unknown' })
  }

  return async function fetchBundle(evidenceHash, { signal }) {
    if (running.has(evidenceHash))
      throw new FishermanError({
        code: 'bundle-unavailable',
        message: `The evidence ${evidenceHash} is being fetched.`,
        blame: 'ours',
      })
    running.add(evidenceHash)
    const path = desk.partFile(evidenceHash)
    try {
      const file = await open(path, 'w+')
      try {
        return await fetchFrom(evidenceHash, path, file, signal)
      } finally {
        await file.close()
      }
    } finally {
      await rm(path, { force: true })
      running.delete(evidenceHash)
    }
  }
}

/** The file that the peer has must be the one that we have a part of. */
function begin(part: Part, { status, size, sha }: BundleHeader): void {
  if (status !== 'ok')
    throw new FishermanError({ code: 'bundle-refused', message: `the peer answers ${status}`, blame: 'unknown' })
  if (part.have > 0 && part.sha !== sha)
    throw new FishermanError({ code: 'bundle-other', message: 'the peer holds another file of this evidence', blame: 'unknown' })
  if (size === 0) throw violation('a bundle is empty')
  Object.assign(part, { sha, size })
}

async function shaOf(path: string): Promise<Hex> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return `0x${hash.digest('hex')}`
}
