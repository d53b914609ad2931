import type { HttpReply } from '../../base/http.ts'
import { Problem } from './problem.ts'

/** Tells every page that is open when something new is in the log. */
export interface EventDesk {
  /** Holds the answer open and writes server-sent events to it. */
  follow(reply: HttpReply): void
  close(): void
}

export interface EventDeskInit {
  /** What is told; sent when it differs from the last time. */
  state(): { size: number; peers: number }
  everyMs?: number
}

const MOST = 32
/** Bytes that a slow reader may leave unread before it is cut off. */
const MAX_UNREAD = 64 * 1024
/** Silence after which proxies close a connection. */
const BEATS = 15

export function createEventDesk({ state, everyMs = 1000 }: EventDeskInit): EventDesk {
  const readers = new Set<HttpReply['raw']>()
  let last = ''
  let quiet = 0

  function tell(text: string): void {
    for (const reader of readers) {
      if (reader.writableLength > MAX_UNREAD) reader.destroy()
      else reader.write(text)
    }
  }

  const timer = setInterval(() => {
    const now = messageOf(state())
    quiet++
    if (now !== last) {
      last = now
      quiet = 0
      tell(now)
    } else if (quiet % BEATS === 0) tell(': still here\n\n')
  }, everyMs)
  timer.unref()

  return {
    follow(reply) {
      if (readers.size >= MOST) throw new Problem(503, 'too many pages are open; close one')
      reply.hijack()
      const { raw } = reply
      readers.add(raw)
      raw.on('close', () => readers.delete(raw))
      raw.on('error', () => raw.destroy())
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
      raw.write(messageOf(state()))
    },
    close() {
      clearInterval(timer)
      for (const reader of readers) reader.end()
    },
  }
}

function messageOf(state: object): string {
  return `event: log\ndata: ${JSON.stringify(state)}\n\n`
}
