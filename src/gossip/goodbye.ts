import type { Connection, Stream } from '@libp2p/interface'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createRateLimiter } from '../base/rate.ts'
import type { Counters } from './counters.ts'

// goodbye/1: one byte before a link is cut, so that the other side knows whether to come back and when. No answer.

/** Why a link is cut. The numbers are on the wire and never change; unknown ones are of later versions. */
export const GOODBYES = { shutdown: 1, 'too-many-peers': 2, banned: 3, 'no-use': 4 } as const
export type Goodbye = keyof typeof GOODBYES

/** Time for the word; a peer that does not take it is cut off without. */
const SAY_TIMEOUT_MS = 1_000
const HEAR_TIMEOUT_MS = 2_000
const QUOTA = { burst: 3, everyMs: 10_000 }

/** Says why, and never throws: the link is cut in any case. */
export async function sayGoodbye(connection: Connection, protocol: string, reason: Goodbye): Promise<void> {
  const signal = AbortSignal.timeout(SAY_TIMEOUT_MS)
  try {
    const stream = await connection.newStream(protocol, { signal })
    stream.send(Uint8Array.of(GOODBYES[reason]))
    await stream.close({ signal })
  } catch {
    // It is gone, or speaks an older version.
  }
}

export function createGoodbyeServer(deps: {
  heard(peerId: string, reason: Goodbye | undefined): void
  clock: { nowMs(): number }
  counters: Counters
  log: Logger
}): (stream: Stream, connection: Connection) => Promise<void> {
  const limiter = createRateLimiter({ ...QUOTA, maxKeys: 1_024 }, deps.clock)
  return async function serve(stream, connection) {
    const peer = connection.remotePeer.toString()
    const late = setTimeout(() => stream.abort(new Error('no goodbye came')), HEAR_TIMEOUT_MS)
    try {
      if (!limiter.take(peer)) throw new Error('said too often')
      for await (const chunk of stream) {
        const number = chunk.subarray()[0]
        const reason = (Object.keys(GOODBYES) as Goodbye[]).find((name) => GOODBYES[name] === number)
        deps.counters.add(`peers.goodbye-${reason ?? 'unknown'}`)
        deps.heard(peer, reason)
        break
      }
      await stream.close()
    } catch (error) {
      deps.log.debug('a goodbye could not be read', { peer, error: messageOf(error) })
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
    } finally {
      clearTimeout(late)
    }
  }
}
