import type { Hex } from '../../proofs/types.ts'
import type { Directory } from '../chain/directory.ts'
import type { FeedSource, RawStat } from '../observe/feeds/source.ts'
import { NO_FACTS, type NodeFacts } from '../score/score.ts'
import type { Weights } from '../score/weights.ts'
import type { Bench } from './bench.ts'
import type { ScoreBook } from './score-book.ts'

export interface ScoreFeedInit {
  region: string
  presets: ReadonlyMap<string, Weights>
  verificationFreq: number
  /** Agreed on with a stream tester that posts what it measures. */
  postSecret?: string
  /** Orchestrators whose feeds are followed. */
  followed(): readonly Hex[]
}

/** Seconds after the end of its appeal that a conviction keeps work away: a month in which it can show nothing here, since nobody sends it any. */
const CONVICTED_SEC = 30 * 86_400

/** What the score feeds are made of: our own verdicts and trips, the court's evidence, convictions and the registry on the chain. */
export function createScoreFeed(
  init: ScoreFeedInit,
  deps: { bench: Pick<Bench, 'chain' | 'tally'>; book: ScoreBook; directory: Directory },
): FeedSource {
  const { bench, book, directory } = deps

  function convicted(): Set<Hex> {
    const now = bench.chain.nowSec()
    return new Set(
      bench.chain
        .cases()
        .filter(({ state, releaseAtSec }) => {
          if (state !== 'convicted' && state !== 'settled') return false
          return releaseAtSec === undefined || now < releaseAtSec + CONVICTED_SEC
        })
        .map(({ transcoder }) => transcoder),
    )
  }

  /** Its times count; its success rate does not: it never looks at a picture. */
  function take(stat: RawStat): void {
    const { orchestrator: transcoder, errors, segments_sent: sent, segments_received: received } = stat
    book.trip({
      ...{ transcoder, sent, received, atSec: Math.min(stat.timestamp, bench.chain.nowSec()), segmentSec: stat.seg_duration },
      ...{ roundTripSec: stat.round_trip_time, uploadSec: stat.upload_time, downloadSec: stat.download_time },
      ...{ transcodeSec: stat.transcode_time, errors: errors.map(({ error_code, count }) => ({ code: error_code, count })) },
    })
  }

  return {
    ...{ region: init.region, presets: init.presets, verificationFreq: init.verificationFreq, nowSec: bench.chain.nowSec },
    facts(span) {
      const listed = directory.all()
      if (!listed) return undefined
      const seen = book.facts(span)
      const guilty = convicted()
      const all = new Set<Hex>([...listed.map(({ address }) => address), ...init.followed(), ...seen.keys(), ...guilty])
      return new Map(
        [...all].map((address): [Hex, NodeFacts] => [
          address,
          {
            ...(seen.get(address) ?? NO_FACTS),
            evidenceScore: bench.tally.evidence(address)?.value ?? 0,
            isConvicted: guilty.has(address),
          },
        ]),
      )
    },
    ...(init.postSecret === undefined ? {} : { post: { secret: init.postSecret, take } }),
    serviceUris: () => new Map((directory.all() ?? []).map(({ address, serviceUri }) => [address, serviceUri])),
    raw: (transcoder, span) =>
      // Livepeer's stream tests send one stream: a burst is none of them.
      book
        .of(transcoder, span)
        .filter((seen) => seen.kind !== 'burst')
        .map((seen): RawStat => {
          const base = { region: init.region, orchestrator: transcoder, timestamp: Math.floor(seen.atSec) }
          if (seen.kind === 'trip')
            return {
              ...{ ...base, success_rate: seen.sent === 0 ? 0 : seen.received / seen.sent, round_trip_time: seen.roundTripSec },
              errors: seen.errors.map(({ code, count }) => ({ error_code: code, count })),
              ...{ seg_duration: seen.segmentSec, segments_sent: seen.sent, segments_received: seen.received },
              ...{ upload_time: seen.uploadSec, download_time: seen.downloadSec, transcode_time: seen.transcodeSec },
            }
          // A check looks at one segment that somebody else sent: what it took nobody here has measured.
          const passed = seen.kind === 'check' && seen.outcome === 'pass' ? 1 : 0
          const why = seen.kind === 'check' ? seen.why : seen.kind
          return {
            ...{ ...base, success_rate: passed, round_trip_time: 0, errors: why === null ? [] : [{ error_code: why, count: 1 }] },
            ...{ seg_duration: 0, segments_sent: 1, segments_received: passed },
            ...{ upload_time: 0, download_time: 0, transcode_time: 0 },
          }
        }),
  }
}
