import type { Entry } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'
import type { VerdictRecord } from './verdicts.ts'
import type { WithheldRecord } from './withheld.ts'

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
  for await (const { at, kind, payload } of verdictsFrom(log, kept ?? 0)) {
    if (kind === 'withheld') {
      const record = payload as unknown as WithheldRecord
      if (at < fromMs) tally.oldAgreed(record)
      else tally.agreed(record)
      continue
    }
    const record = payload as unknown as VerdictRecord
    if (record.again) continue
    if (at < fromMs) tally.oldVerdict(record)
    else tally.verdict(record)
  }
  tally.caughtUp()
}

/** Verdicts, and what others agreed to, with this number or a higher one; oldest first. */
async function* verdictsFrom(log: Bench['log'], from: number): AsyncGenerator<Entry> {
  const { size } = log.head()
  for (let at = from; at < size; at += STRIDE) {
    const [verdicts, agreed] = await Promise.all(
      (['verdict', 'withheld'] as const).map((kind) => log.find({ kind, from: at, below: at + STRIDE })),
    )
    yield* [...(verdicts ?? []), ...(agreed ?? [])].sort((a, b) => a.seq - b.seq)
  }
}

/** Passes that were written before it may be gone, in Unix milliseconds. */
async function prunedBeforeMs(log: Bench['log']): Promise<number> {
  const all = await log.find({ kind: 'prune' })
  return Math.max(0, ...all.map(({ payload }) => (payload as { beforeMs: number }).beforeMs))
}
