import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { profileHashOf, renditionLeaf, ZERO_HASH } from '../../proofs/digest.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { Hex, Profile, Rendition } from '../../proofs/types.ts'
import type { BlobStore } from './blobs.ts'
import type { SignedOrder } from './orders.ts'
import type { Issued, ReceiptWindows } from './windows.ts'
import { type Behaviour, type Made, makeRenditions, remake } from './work.ts'

/** Where segments become receipts: work, hashes, the signed receipt and the bytes behind it. */
export interface Shop {
  /** Calls `answer` with the receipt that the requester gets, and resolves when all that the behaviour does with this order is done. */
  serve(order: SignedOrder, body: Uint8Array, answer: (issued: Issued) => void, signal: AbortSignal): Promise<void>
}

export interface ShopInit {
  behaviour: Behaviour
  transcoder: Hex
  /** Scratch folder; each order gets its own inside. */
  folder: string
}

/** Streams whose last work a replaying node keeps. */
const KEPT_STREAMS = 16

export async function createShop(init: ShopInit, deps: { blobs: BlobStore; windows: ReceiptWindows }): Promise<Shop> {
  const { blobs, windows } = deps
  const { behaviour, transcoder } = init
  await mkdir(init.folder, { recursive: true })
  const previous = new Map<Hex, { profilesHash: Hex; leaves: Rendition[] }>()

  /** Takes files into the store, one reference each, and describes them as leaves from this index on. */
  const describe = async (
    made: readonly Made[],
    profiles: readonly Profile[],
    requester: Hex,
    from = 0,
  ): Promise<Rendition[]> => {
    const leaves: Rendition[] = []
    for (const [i, { file, width, height, frames, durationMs }] of made.entries()) {
      const { contentHash, byteLength } = await blobs.add(file, requester)
      leaves.push({
        index: from + i,
        profileHash: profileHashOf(profiles[i] as Profile),
        contentHash,
        byteLength: BigInt(byteLength),
        pixels: BigInt(width) * BigInt(height) * BigInt(frames),
        ...{ width, height, frames, durationMs },
      })
    }
    return leaves
  }

  /** What is shown for this segment. A replaying node shows its real work for the segment before, and keeps this one for the next. */
  const shown = async (leaves: Rendition[], streamId: Hex, profilesHash: Hex): Promise<Rendition[]> => {
    if (behaviour !== 'replay') return leaves
    const before = previous.get(streamId)
    previous.delete(streamId)
    previous.set(streamId, { profilesHash, leaves })
    const [oldest] = previous
    if (oldest && previous.size > KEPT_STREAMS) {
      previous.delete(oldest[0])
      await blobs.release(oldest[1].leaves.map((leaf) => leaf.contentHash))
    }
    if (before?.profilesHash === profilesHash) return before.leaves
    if (before) await blobs.release(before.leaves.map((leaf) => leaf.contentHash))
    blobs.retain(leaves.map((leaf) => leaf.contentHash))
    return leaves
  }

  const issue = async (signed: SignedOrder, source: string, renditions: Rendition[], signal: AbortSignal): Promise<Issued> => {
    const { order, orderSig, profiles, orderHash } = signed
    const { requester, streamId, seq, sourceHash, profilesHash } = order
    await blobs.add(source, requester)
    const renditionsRoot = merkleTree(renditions.map(renditionLeaf)).root
    const claim = { orderHash, transcoder, requester, streamId, seq, sourceHash, profilesHash, renditionsRoot }
    return windows.issue({ receipt: { ...claim, fingerprintRoot: ZERO_HASH }, order, orderSig, profiles, renditions }, signal)
  }

  return {
    async serve(signed, body, answer, signal) {
      const folder = await mkdtemp(join(init.folder, 'order-'))
      try {
        const { order, profiles } = signed
        const source = join(folder, 'source')
        await writeFile(source, body)
        const made = await makeRenditions(behaviour, { source, profiles, folder, signal })
        const renditions = await shown(await describe(made, profiles, order.requester), order.streamId, order.profilesHash)
        answer(await issue(signed, source, renditions, signal))
        if (behaviour !== 'equivocate') return
        const last = profiles.slice(-1)
        const first = renditions.slice(0, -1)
        const other = await describe(
          await remake({ source, profiles: last, folder, signal }),
          last,
          order.requester,
          first.length,
        )
        blobs.retain(first.map((leaf) => leaf.contentHash))
        await issue(signed, source, [...first, ...other], signal)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}
