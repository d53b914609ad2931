import type { Bench } from './bench.ts'
import type { KnownReceipt } from './ledger.ts'

/** Bytes of private streams: they stay while a check of their receipt waits or runs, and go with the last of them. */
export interface PrivateBytes {
  hold(known: KnownReceipt): void
  /** Ends what `hold` began. Never throws: bytes that cannot be deleted now go at the next start. */
  release(known: KnownReceipt): Promise<void>
}

export function createPrivateBytes(bench: Pick<Bench, 'blobs' | 'logger'>): PrivateBytes {
  const held = new Map<string, number>()
  return {
    hold({ receipt: { digest, isPrivate } }) {
      if (isPrivate) held.set(digest, (held.get(digest) ?? 0) + 1)
    },
    async release({ receipt: { digest, receipt, renditions, isPrivate } }) {
      if (!isPrivate) return
      const left = (held.get(digest) ?? 1) - 1
      if (left > 0) return void held.set(digest, left)
      held.delete(digest)
      const { transcoder, sourceHash } = receipt
      for (const contentHash of [sourceHash, ...renditions.map((leaf) => leaf.contentHash)])
        try {
          await bench.blobs.drop({ transcoder, contentHash })
        } catch (error) {
          bench.logger.warn('Bytes of a private stream could not be deleted yet', { contentHash, reason: String(error) })
        }
    },
  }
}
