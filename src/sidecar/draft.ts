import { readFile } from 'node:fs/promises'
import { profileHashOf, renditionLeaf, ZERO_HASH } from '../../proofs/digest.ts'
import { structToJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import { livepeerOrder } from '../../proofs/segdata.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import type { Domain, Hex, Rendition } from '../../proofs/types.ts'
import { FishermanError, isFishermanError } from '../base/errors.ts'
import { keccakOf } from '../base/keccak.ts'
import { measureContent } from '../feed/measure.ts'
import type { Draft } from './receipts.ts'

/** A segment that the node has answered, with all of its files on our disk; they stay the caller's. */
export interface ServedSegment {
  segData: Uint8Array
  source: string
  renditions: readonly string[]
}

export interface DraftInit {
  domain: Domain
  transcoder: Hex
  /** Asks fishermen to look at no pictures. */
  isPrivate: boolean
}

/** A receipt that wants its time and its signature, and what the files of its segment are called. */
export interface Drafted {
  draft: Draft
  requester: Hex
  /** keccak256 of the source, then of each rendition. */
  hashes: readonly Hex[]
}

/** Reads a served segment and writes its receipt. Throws with the reason as its code where there is none. */
export async function draftOf(served: ServedSegment, init: DraftInit): Promise<Drafted> {
  const { domain, transcoder } = init
  try {
    const { order, orderHash, profiles } = livepeerOrder(domain, { segData: served.segData, transcoder })
    const sourceHash = await keccakOf({ file: served.source })
    if (sourceHash !== order.sourceHash) throw none('source-differs', 'the source is not the one that the order names')
    if (served.renditions.length !== profiles.length)
      throw none('renditions-missing', 'there is not one rendition for each profile')
    const renditions: Rendition[] = []
    for (const [index, file] of served.renditions.entries()) {
      // One file in memory at a time, read once.
      const content = await readFile(file)
      const contentHash = await keccakOf(content)
      // Whoever signs this proves a fault of its own; better no receipt than that one.
      if (contentHash === sourceHash) throw none('passed-through', 'a rendition is the source itself')
      const { width, height, frames, durationMs, bytes } = measureContent(content)
      renditions.push({
        ...{ index, profileHash: profileHashOf(profiles[index] as (typeof profiles)[number]), contentHash },
        byteLength: BigInt(bytes),
        // What the file holds, whatever the node told its gateway: gateways count for themselves.
        pixels: BigInt(width) * BigInt(height) * BigInt(frames),
        ...{ width, height, frames, durationMs },
      })
    }
    const { requester, streamId, seq, profilesHash } = order
    const renditionsRoot = merkleTree(renditions.map(renditionLeaf)).root
    return {
      draft: {
        receipt: {
          ...{ orderHash, transcoder, requester, streamId, seq, sourceHash, profilesHash, renditionsRoot },
          fingerprintRoot: ZERO_HASH,
        },
        line: {
          segData: bytesToHex(served.segData),
          profiles: profiles.map((profile) => structToJson('Profile', profile)),
          renditions: renditions.map((rendition) => structToJson('Rendition', rendition)),
          ...(init.isPrivate ? { private: true } : {}),
        },
      },
      requester,
      hashes: [sourceHash, ...renditions.map(({ contentHash }) => contentHash)],
    }
  } catch (error) {
    throw isFishermanError(error) ? error : none('no-order', error instanceof Error ? error.message : String(error), error)
  }
}

function none(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'theirs', ...(cause === undefined ? {} : { cause }) })
}
