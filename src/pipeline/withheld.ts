import type { Hex } from '../../proofs/types.ts'
import type { Json } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'
import { createPatience } from './patience.ts'
import type { Counted } from './tally.ts'
import type { VerdictRecord } from './verdicts.ts'

/**
 * Bytes that we could not have: a fault of our own network looks the same. They speak against a node only once as many members as the court wants
 * could not have them either, us among them; until then the verdict stands in our history and moves nothing.
 */
export interface Withheld {
  /** A verdict of ours that the bytes are withheld; `agreed` where an earlier run saw the others agree. */
  own(record: VerdictRecord, place: { receiptDigest: Hex; rendition: number }, agreed?: boolean): void
  /** Somebody's answer about this rendition is known now, perhaps ours. */
  heard(place: { receiptDigest: Hex; rendition: number }): void
}

/** An entry of the log: a verdict of ours in which enough others agreed. */
export interface WithheldRecord extends Counted {
  sampleId: Hex
  outcome: 'withheld'
}

/** Verdicts of ours that wait for others to agree. */
const WAITING = 10_000

export function createWithheld(bench: Bench): Withheld {
  const waiting = new Map<string, VerdictRecord>()
  const patiently = createPatience(bench)
  bench.ledger.onForget(({ digest, rendition }) => void waiting.delete(keyOf({ receiptDigest: digest, rendition })))

  /** `entry` is one object over all tries: the tally waits for it. */
  async function agree(record: VerdictRecord, entry: WithheldRecord): Promise<void> {
    const { transcoder, sampleId } = entry
    bench.tally.expect(entry)
    await bench.log.append('withheld', entry as unknown as Json)
    bench.tally.agreed(entry, entry)
    bench.scores?.check(record)
    bench.logger.info('Bytes are withheld from several of us', { transcoder, sampleId })
  }

  function heard(place: { receiptDigest: Hex; rendition: number }): void {
    const key = keyOf(place)
    const record = waiting.get(key)
    if (!record || !bench.court.isWithheld(place.receiptDigest, place.rendition)) return
    waiting.delete(key)
    const { sampleId, transcoder, streamId, requester, completedAt } = record
    const entry: WithheldRecord = { sampleId, transcoder, streamId, requester, completedAt, outcome: 'withheld' }
    bench.later(0, 'withheld', () => patiently('withheld', () => agree(record, entry)))
  }

  return {
    own(record, place, agreed = false) {
      if (agreed) return bench.scores?.check(record)
      waiting.set(keyOf(place), record)
      if (waiting.size > WAITING) waiting.delete(waiting.keys().next().value as string)
      heard(place)
    },
    heard,
  }
}

function keyOf({ receiptDigest, rendition }: { receiptDigest: Hex; rendition: number }): string {
  return `${receiptDigest}/${rendition}`
}
