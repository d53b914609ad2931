import type { Entry } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'
import type { VerdictRecord } from './verdicts.ts'

/** Numbers of the log that are looked through at once: memory stays flat, however long it is. */
const STRIDE = 1_000

/**
 * Brings the tally up to the log at a start: to the sums that were kept, what was written after them. Where none were kept every verdict counts, and
 * those since `sinceMs` (Unix milliseconds) are evidence. An older one is none then: nearly all good samples of a node are checked by others, whose
 * passes are in no log, and passes of our own may have been pruned, so that the bad ones alone would speak.
 */
export async function recount({ log, tally }: Pick<Bench, 'log' | 'tally'>, sinceMs: number): Promise<void> {
  const kept = tally.countedBelow()
  const fromMs = kept === undefined ? Math.max(sinceMs, await prunedBeforeMs(log)) : 0
  for await (const { at, payload } of verdictsFrom(log, kept ?? 0)) {
    const record = payload as unknown as VerdictRecord
    if (record.again) continue
    if (at < fromMs) tally.oldVerdict(record)
    else tally.verdict(record)
  }
  tally.caughtUp()
}

/** Verdicts with this number or a higher one, oldest first. */
async function* verdictsFrom(log: Bench['log'], from: number): AsyncGenerator<Entry> {
  const { size } = log.head()
  for (let at = from; at < size; at += STRIDE) yield* await log.find({ kind: 'verdict', from: at, below: at + STRIDE })
}

/** Passes that were written before it may be gone, in Unix milliseconds. */
async function prunedBeforeMs(log: Bench['log']): Promise<number> {
  const all = await log.find({ kind: 'prune' })
  return Math.max(0, ...all.map(({ payload }) => (payload as { beforeMs: number }).beforeMs))
}
