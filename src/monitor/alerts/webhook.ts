import { type Clock, sleep } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import { httpPostJson } from '../../base/http-post.ts'
import type { Logger } from '../../base/log.ts'
import type { Notice } from './book.ts'

/** Sends notices on, one after the other; what cannot be delivered is tried again for an hour and then told in the log. */
export interface Webhook {
  send(notice: Notice): void
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>
}

/** Notices that wait at most: a hook that is away for days must not fill the memory. */
const WAITING = 200
const TIMEOUT_MS = 10_000
const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 300_000
const GIVE_UP_MS = 3_600_000

export function createWebhook(
  init: { url: string; source: string; firstWaitMs?: number },
  deps: { clock: Clock; log: Logger; signal: AbortSignal },
): Webhook {
  let chain: Promise<void> = Promise.resolve()
  let waiting = 0

  async function deliver(notice: Notice): Promise<void> {
    const startedMs = deps.clock.monotonicMs()
    const body = bodyOf(notice, init.source)
    for (let waitMs = init.firstWaitMs ?? FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        return await httpPostJson(init.url, body, { timeoutMs: TIMEOUT_MS, signal: deps.signal })
      } catch (error) {
        if (deps.signal.aborted) return
        if (deps.clock.monotonicMs() - startedMs + waitMs > GIVE_UP_MS)
          return deps.log.error('An alert could not be delivered', { reason: messageOf(error), alert: notice.alert.says })
        deps.log.warn('The webhook does not take an alert, trying again', { reason: messageOf(error) })
        await sleep(waitMs, deps.signal).catch(() => undefined)
      }
    }
  }

  return {
    send(notice) {
      if (waiting >= WAITING)
        return deps.log.error('An alert could not be delivered', { reason: 'too many wait', alert: notice.alert.says })
      waiting++
      chain = chain.then(() => deliver(notice)).finally(() => waiting--)
    },
    idle: () => chain,
  }
}

/** Slack and Mattermost read `text`, Discord `content`; whoever wants fields finds them beside it. */
export function bodyOf({ state, alert, sinceMs }: Notice, source: string): Record<string, unknown> {
  const text = textOf({ state, alert, sinceMs })
  return { text, content: text, source, state, ...alert, since: new Date(sinceMs).toISOString() }
}

const MARKS = { raised: 'ALERT', still: 'STILL', over: 'OVER', news: 'NEWS' } as const

export function textOf({ state, alert }: Notice): string {
  return state === 'over' ? `${MARKS.over} ${alert.says}` : `${MARKS[state]} (${alert.severity}) ${alert.says}. ${alert.do}.`
}
