import { repeat } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Bans } from './bans.ts'
import type { Node } from './node.ts'
import type { Puller } from './puller.ts'

export interface PullLoopsDeps {
  node: Node
  puller: Puller
  bans: Bans
  log: Logger
  /** Peers that speak none of them are not asked. */
  protocols: readonly string[]
  everyMs: number
  signal: AbortSignal
}

/** One loop a connected peer: a round at once when the peer has told who it is, then one each `everyMs`, until it is gone. */
export function createPullLoops({ node, puller, bans, log, protocols, everyMs, signal }: PullLoopsDeps): void {
  const loops = new Map<string, AbortController>()
  signal.addEventListener('abort', () => {
    for (const loop of loops.values()) loop.abort(signal.reason)
  })

  node.addEventListener('peer:identify', ({ detail }) => {
    const id = detail.peerId.toString()
    if (
      signal.aborted ||
      loops.has(id) ||
      bans.isBanned(id) ||
      !protocols.some((protocol) => detail.protocols.includes(protocol))
    )
      return
    const own = new AbortController()
    loops.set(id, own)
    void repeat(everyMs, (stop) => puller.round(id, { signal: stop }), {
      signal: own.signal,
      onError: (error) => log.error('a pull round failed', { peer: id, error: messageOf(error) }),
    })
  })
  node.addEventListener('peer:disconnect', ({ detail }) => {
    loops.get(detail.toString())?.abort(new Error('the peer is gone'))
    loops.delete(detail.toString())
  })
}
