import type { Hex } from '../../proofs/types.ts'
import type { ServedSegment } from './draft.ts'
import type { Media } from './media.ts'
import type { ReceiptBook } from './receipts.ts'
import type { DraftThread } from './thread.ts'

/** Makes the receipt of a served segment and takes over the files behind it. Throws with the reason as its code where there is none. */
export async function notarise(
  served: ServedSegment,
  deps: { thread: DraftThread; book: ReceiptBook; media: Media },
): Promise<{ digest: Hex; windowId: bigint }> {
  const { draft, requester, hashes } = await deps.thread.draft(served)
  const kept: Hex[] = []
  try {
    // The bytes first: a receipt whose bytes are not served counts against the node.
    for (const [i, file] of [served.source, ...served.renditions].entries()) {
      await deps.media.take(file, hashes[i] as Hex, requester)
      kept.push(hashes[i] as Hex)
    }
    return await deps.book.issue(draft)
  } catch (error) {
    for (const hash of kept) await deps.media.release(hash)
    throw error
  }
}
