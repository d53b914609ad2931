import { rm } from 'node:fs/promises'
import { profileHashOf, renditionLeaf, ZERO_HASH } from '../../proofs/digest.ts'
import { structToJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { livepeerOrder } from '../../proofs/segdata.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import type { Domain, Hex, Rendition } from '../../proofs/types.ts'
import { FishermanError, isFishermanError } from '../base/errors.ts'
import { keccakOf } from '../base/keccak.ts'
import { measure } from '../feed/measure.ts'
import type { Media } from './media.ts'
import type { ReceiptBook } from './receipts.ts'

/** A segment that the node has answered, with all of its files on our disk. They are the notary's from here on. */
export interface ServedSegment {
  segData: Uint8Array
  source: string
  renditions: readonly string[]
}

export interface NotaryInit {
  domain: Domain
  transcoder: Hex
  /** Asks fishermen to look at no pictures. */
  isPrivate?: boolean
}

/** Makes the receipt of a served segment and keeps the bytes behind it. Throws with the reason as its code where there is none. */
export async function notarise(
  served: ServedSegment,
  init: NotaryInit,
  deps: { book: ReceiptBook; media: Media },
): Promise<{ digest: Hex; windowId: bigint }> {
  const { domain, transcoder } = init
  const files = [served.source, ...served.renditions]
  const kept: Hex[] = []
  try {
    const { order, orderHash, profiles } = livepeerOrder(domain, { segData: served.segData, transcoder })
    const hashes = []
    for (const file of files) hashes.push(await keccakOf({ file }))
    const [sourceHash, ...contents] = hashes as [Hex, ...Hex[]]
    if (sourceHash !== order.sourceHash) throw none('source-differs', 'the source is not the one that the order names')
    if (contents.length !== profiles.length) throw none('renditions-missing', 'there is not one rendition for each profile')
    // Whoever signs these proves a fault of its own; better no receipt than that one.
    if (contents.includes(sourceHash)) throw none('passed-through', 'a rendition is the source itself')
    const renditions: Rendition[] = []
    for (const [index, file] of served.renditions.entries()) {
      const { width, height, frames, durationMs, bytes } = await measure(file)
      renditions.push({
        index,
        profileHash: profileHashOf(profiles[index] as (typeof profiles)[number]),
        contentHash: contents[index] as Hex,
        byteLength: BigInt(bytes),
        // What the file holds, whatever the node told its gateway: gateways count for themselves.
        pixels: BigInt(width) * BigInt(height) * BigInt(frames),
        ...{ width, height, frames, durationMs },
      })
    }
    const { requester, streamId, seq, profilesHash } = order
    const renditionsRoot = merkleTree(renditions.map(renditionLeaf)).root
    // The bytes first: a receipt whose bytes are not served counts against the node.
    for (const [i, file] of files.entries()) {
      await deps.media.take(file, hashes[i] as Hex, requester)
      kept.push(hashes[i] as Hex)
    }
    return await deps.book.issue({
      receipt: {
        orderHash,
        transcoder,
        requester,
        streamId,
        seq,
        sourceHash,
        profilesHash,
        renditionsRoot,
        fingerprintRoot: ZERO_HASH,
      },
      line: {
        segData: bytesToHex(served.segData),
        profiles: profiles.map((profile) => structToJson('Profile', profile)),
        renditions: renditions.map((rendition) => structToJson('Rendition', rendition)),
        ...(init.isPrivate ? { private: true } : {}),
      },
    })
  } catch (error) {
    for (const hash of kept) await deps.media.release(hash)
    throw isFishermanError(error) ? error : none('no-order', error instanceof Error ? error.message : String(error), error)
  } finally {
    for (const file of files) await rm(file, { force: true })
  }
}

function none(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'theirs', ...(cause === undefined ? {} : { cause }) })
}
