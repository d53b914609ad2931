import { type Clock, sleep } from '../../base/clock.ts'
import { isFishermanError, messageOf } from '../../base/errors.ts'
import { httpPostJson } from '../../base/http-post.ts'
import type { Logger } from '../../base/log.ts'
import type { Notice } from './types.ts'

/** Sends notices on, one after the other, each again until it was taken. */
export interface Webhook {
  /** Where too many wait the oldest is given up, and told in the log. */
  send(notice: Notice): void
  /** Resolves when nothing waits any more, or the signal fires. */
  idle(): Promise<void>
}

export interface WebhookDeps {
  clock: Clock
  log: Logger
  signal: AbortSignal
  /** It was taken, or given up: nobody needs to keep it. */
  onDone?(notice: Notice): void
}

/** Notices that wait at most: a hook that is away for days must not fill memory and disk. */
const WAITING = 200
const TIMEOUT_MS = 10_000
const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 300_000
/** A hook that is away for so long is told in the log; one that refuses what a notice says for so long will never take it. */
const LONG_MS = 3_600_000
/** The hook is there and lets us in, and does not want this body. */
const UNWANTED = ['http-400', 'http-413', 'http-422']
/** Characters that Discord takes. */
const MOST_TEXT = 2_000

export function createWebhook(init: { url: string; source: string; firstWaitMs?: number }, deps: WebhookDeps): Webhook {
  const { clock, log, signal } = deps
  const waiting: Notice[] = []
  let isWorking = false
  let working: Promise<void> = Promise.resolve()

  async function work(): Promise<void> {
    for (let notice = waiting[0]; notice && !signal.aborted; notice = waiting[0]) await deliver(notice)
    isWorking = false
  }

  /** Ends when it was taken or given up, or with the signal: then it waits for the next start. */
  async function deliver(notice: Notice): Promise<void> {
    const startedMs = clock.monotonicMs()
    const body = bodyOf(notice, init.source)
    let isLong = false
    for (let waitMs = init.firstWaitMs ?? FIRST_WAIT_MS; waiting[0] === notice; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        await httpPostJson(init.url, body, { timeoutMs: TIMEOUT_MS, signal })
        return done(notice)
      } catch (error) {
        if (signal.aborted) return
        const reason = messageOf(error)
        if (clock.monotonicMs() - startedMs + waitMs > LONG_MS) {
          if (isFishermanError(error) && UNWANTED.includes(error.code)) return giveUp(notice, reason)
          if (!isLong) log.error('The webhook has taken nothing for an hour; what is told waits for it', { reason })
          isLong = true
        }
        log.warn('The webhook does not take an alert, trying again', { reason })
        await sleep(waitMs, signal).catch(() => undefined)
        if (signal.aborted) return
      }
    }
  }

  function giveUp(notice: Notice, reason: string): void {
    log.error('An alert could not be delivered', { reason: `${reason}: ${textOf(notice)}` })
    done(notice)
  }

  function done(notice: Notice): void {
    const at = waiting.indexOf(notice)
    if (at < 0) return
    waiting.splice(at, 1)
    deps.onDone?.(notice)
  }

  return {
    send(notice) {
      waiting.push(notice)
      const [oldest] = waiting
      if (oldest && waiting.length > WAITING) giveUp(oldest, `more than ${WAITING} wait`)
      if (isWorking) return
      isWorking = true
      working = work()
    },
    idle: () => working,
  }
}

/** Slack and Mattermost read `text`, Discord `content`; whoever wants fields finds them beside it. */
export function bodyOf({ state, alert, sinceMs }: Notice, source: string): Record<string, unknown> {
  const text = textOf({ state, alert, sinceMs })
  return { text, content: text.slice(0, MOST_TEXT), source, state, ...alert, since: new Date(sinceMs).toISOString() }
}

const MARKS = { raised: 'ALERT', still: 'STILL', over: 'OVER', news: 'NEWS' } as const

export function textOf({ state, alert }: Notice): string {
  return state === 'over' ? `${MARKS.over} ${alert.says}` : `${MARKS[state]} (${alert.severity}) ${alert.says}. ${alert.do}.`
}
