import { frameLeaf } from '../../proofs/digest.ts'
import { structToJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { FrameFp, Hex } from '../../proofs/types.ts'
import type { ServedSegment } from './draft.ts'
import type { Media } from './media.ts'
import type { Draft, ReceiptBook } from './receipts.ts'
import type { DraftThread } from './thread.ts'

/** Makes the receipt of a served segment and takes over the files behind it. Throws with the reason as its code where there is none. */
export async function notarise(
  served: ServedSegment,
  deps: {
    thread: DraftThread
    book: ReceiptBook
    media: Media
    /** Fingerprints of the source's frames; none where the node does not commit to them, or they cannot be had. */
    prints?: ((source: string) => Promise<readonly FrameFp[] | undefined>) | undefined
  },
): Promise<{ digest: Hex; windowId: bigint }> {
  const { draft, requester, hashes } = await deps.thread.draft(served)
  const prints = await deps.prints?.(served.source)
  const kept: Hex[] = []
  try {
    // The bytes first: a receipt whose bytes are not served counts against the node.
    for (const [i, file] of [served.source, ...served.renditions].entries()) {
      await deps.media.take(file, hashes[i] as Hex, requester)
      kept.push(hashes[i] as Hex)
    }
    return await deps.book.issue(prints?.length ? printed(draft, prints) : draft)
  } catch (error) {
    for (const hash of kept) await deps.media.release(hash)
    throw error
  }
}

/**
 * Only the source's frames are committed: they show that no output is used twice (O2). Those of the node's own renditions would add nothing that a
 * fisherman does not see in the bytes, and would turn a frame that is out of step into a proof against their signer (O6).
 */
function printed({ receipt, line }: Draft, prints: readonly FrameFp[]): Draft {
  return {
    receipt: { ...receipt, fingerprintRoot: merkleTree(prints.map(frameLeaf)).root },
    line: { ...line, fingerprints: prints.map((frame) => structToJson('FrameFp', frame)) },
  }
}
