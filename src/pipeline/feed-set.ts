import { setMaxListeners } from 'node:events'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { FeedAddress } from '../receipt/feed.ts'

/** The feeds that are followed now; each has its own end. */
export interface FeedSet {
  /** Follows those that are new and leaves those that are not named any more. */
  set(feeds: readonly FeedAddress[]): void
  size(): number
  /** Resolves when all have ended, after the signal was aborted. */
  ended(): Promise<void>
}

export function createFeedSet(deps: {
  /** Follows one until aborted. */
  follow(feed: FeedAddress, signal: AbortSignal): Promise<void>
  logger: Logger
  signal: AbortSignal
}): FeedSet {
  const { logger, signal } = deps
  const running = new Map<string, AbortController>()
  const work = new Set<Promise<void>>()

  function start(feed: FeedAddress, own: AbortController): void {
    const either = AbortSignal.any([signal, own.signal])
    // Every request of the feed listens to it; that is no leak.
    setMaxListeners(0, either)
    const one = deps
      .follow(feed, either)
      .catch((error: unknown) => {
        if (!either.aborted) logger.error('A feed is followed no more', { url: feed.url, reason: messageOf(error) })
      })
      .finally(() => work.delete(one))
    work.add(one)
  }

  return {
    set(feeds) {
      const wanted = new Map(feeds.map((feed) => [`${feed.transcoder} ${feed.url}`, feed]))
      for (const [name, own] of running) {
        if (wanted.has(name)) continue
        own.abort(new Error('the feed is not in the configuration any more'))
        running.delete(name)
      }
      for (const [name, feed] of wanted) {
        if (running.has(name)) continue
        const own = new AbortController()
        running.set(name, own)
        start(feed, own)
      }
    },
    size: () => running.size,
    async ended() {
      await Promise.all(work)
    },
  }
}
