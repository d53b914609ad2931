import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import type { Json } from '../prooflog/entry.ts'
import { receiptLineOf, windowLineOf } from '../receipt/lines.ts'
import { readReceiptLine, readWindowLine } from '../receipt/row.ts'
import type { DrawWindow } from '../sample/draw.ts'
import type { Bench } from './bench.ts'
import type { KnownReceipt } from './ledger.ts'

/**
 * Receipts that a case is about, or that one of ours may be about, over restarts. A feed is read back for a few windows only, and an accused may
 * serve nothing any more, but a case waits for a day: who forgot its receipt could neither vote on it nor bring the votes of others.
 */
export interface CaseReceipts {
  /** Writes it down, once. Throws where the log cannot be written. */
  keep(known: KnownReceipt): Promise<void>
  /** What earlier runs kept is known again. */
  resume(): Promise<void>
}

export function createCaseReceipts(
  bench: Pick<Bench, 'clock' | 'domain' | 'keepWindows' | 'ledger' | 'log' | 'logger' | 'params'>,
): CaseReceipts {
  /** By digest; those that are being written too. */
  const kept = new Map<Hex, Promise<void>>()
  bench.ledger.onForget(({ digest }) => void kept.delete(digest))

  async function restore(payload: Json): Promise<void> {
    const { feed, row, window, draw, late } = payload as unknown as Kept
    const receipt = readReceiptLine(bench.domain, row)
    // The feed may have shown it already.
    if (bench.ledger.receipt(receipt.digest)) return
    const known = bench.ledger.add({ feed, signed: readWindowLine(window), receipts: [receipt] })
    const { transcoder } = receipt.receipt
    if (draw) known.draw = drawOf(draw, transcoder, receipt.windowId)
    if (late) known.late = true
    kept.set(receipt.digest, Promise.resolve())
  }

  return {
    async keep(known) {
      const { digest } = known.receipt
      // That it is written is all that is held, not what was written.
      const writing = kept.get(digest) ?? bench.log.append('receipt', payloadOf(known)).then(() => undefined)
      kept.set(digest, writing)
      await writing.catch((error: unknown) => {
        kept.delete(digest)
        throw error
      })
    },
    async resume() {
      const sinceMs = bench.clock.nowMs() - bench.keepWindows * bench.params.draw.windowSeconds * 1000
      for (const { seq, payload } of await bench.log.find({ kind: 'receipt', sinceMs }))
        await restore(payload).catch((error: unknown) =>
          bench.logger.warn('A receipt that was kept for a case cannot be read', { seq, reason: messageOf(error) }),
        )
    },
  }
}

/** How the log keeps it. */
interface Kept {
  receiptDigest: Hex
  transcoder: Hex
  feed: KnownReceipt['feed']
  row: Json
  window: Json
  /** Once the beacon was there. */
  draw?: { beacon: Hex; members: number; receipts: [digest: Hex, renditions: number][] }
  late?: true
}

function payloadOf({ receipt, feed, window }: KnownReceipt): Json {
  const { draw, late } = window
  const receipts = draw?.receipts.map(({ digest, renditions }): [Hex, number] => [digest, renditions])
  const { transcoder, url } = feed
  const kept: Kept = {
    ...{ receiptDigest: receipt.digest, transcoder, feed: { transcoder, url } },
    ...{ row: receiptLineOf(receipt), window: windowLineOf(window.signed) },
    ...(draw && receipts ? { draw: { beacon: draw.beacon, members: draw.members, receipts } } : {}),
    ...(late ? { late } : {}),
  }
  return kept as unknown as Json
}

function drawOf({ beacon, members, receipts }: NonNullable<Kept['draw']>, transcoder: Hex, windowId: bigint): DrawWindow {
  return { transcoder, windowId, beacon, members, receipts: receipts.map(([digest, renditions]) => ({ digest, renditions })) }
}
