import { FishermanError } from '../base/errors.ts'
import type { Bench } from '../pipeline/bench.ts'
import { createFeedSet, type FeedSet } from '../pipeline/feed-set.ts'
import type { ChainView } from '../pipeline/view.ts'
import { type FeedReaderDeps, type FeedWindow, followFeed } from '../receipt/feed.ts'
import type { Frame } from './frame.ts'

/** Milliseconds since a feed last answered for which our own network counts as working. */
const ONLINE_MS = 60_000

/** When a feed last answered: without any, bytes that we cannot have are nobody's fault but ours. */
export interface Answers {
  note(): void
  areFresh(): boolean
}

export function createAnswers({ clock }: Pick<Frame, 'clock'>): Answers {
  let lastMs = Number.NEGATIVE_INFINITY
  return {
    note() {
      lastMs = clock.monotonicMs()
    },
    areFresh: () => clock.monotonicMs() - lastMs < ONLINE_MS,
  }
}

/** Follows the feeds of the configuration; they end with the daemon's signal. */
export function followFeeds(
  { config, domain, clock, logger, signal, params }: Frame,
  deps: { bench: Bench; view: ChainView; answers: Answers; onWindow(window: FeedWindow): Promise<void> },
): FeedSet {
  const { view, answers, onWindow } = deps
  const { chain, metrics } = deps.bench
  const readerDeps: FeedReaderDeps = {
    ...{ clock, log: logger, nowSec: chain.nowSec, onWindow, onBad: metrics.badFeed, onAnswer: answers.note },
    async round() {
      // By an old round the newest receipts look wrong: while the chain is away, feeds wait.
      const reason = chain.trouble()
      if (reason) throw new FishermanError({ code: 'chain-away', message: `the round is not known: ${reason}`, blame: 'ours' })
      return await chain.round()
    },
    async isSigner(transcoder, key, round) {
      const known = await chain.isSigner(transcoder, key, round)
      if (known) view.learn(transcoder, key)
      return known
    },
  }
  const feeds = createFeedSet({
    ...{ logger, signal },
    follow(feed, until) {
      view.learn(feed.transcoder, feed.transcoder)
      const { windowSeconds } = params.draw
      return followFeed({ domain, feed, windowSeconds, pollMs: params.feedPollMs }, readerDeps, until)
    },
  })
  feeds.set(config.feeds)
  return feeds
}
