import type { z } from 'zod'
import type * as schema from '../api/schemas.ts'
import { createFeedAnswers, SPAN_SEC } from './answers.ts'
import type { FeedSource } from './source.ts'

type Table = z.infer<typeof schema.scores>

/** All scores with what they are made of, for people: the feeds of gateways hold numbers only. */
export function scoresTable(source: FeedSource): (preset: string | undefined) => Table {
  const answers = createFeedAnswers(source)
  return (preset) => {
    const items = [...answers.scores({ sinceSec: source.nowSec() - SPAN_SEC, untilSec: source.nowSec() }, preset)].map(
      ([address, one]): Table['items'][number] => ({
        ...{ address, tier: one.tier, because: one.because ?? null, n: one.n, successRate: one.successRate },
        ...{ low: one.interval.low, high: one.interval.high, speed: one.speed ?? null, trips: one.trips },
        ...{ quality: one.quality ?? null, capacity: one.capacity ?? null, score: one.score ?? null },
      }),
    )
    items.sort((a, b) => (b.score ?? -1) - (a.score ?? -1) || (a.address < b.address ? -1 : 1))
    return { region: source.region, presets: [...source.presets.keys()], items }
  }
}
