import { setTimeout as sleep } from 'node:timers/promises'
import type { Bans } from './bans.ts'
import type { Node } from './node.ts'
import type { Puller } from './puller.ts'

export interface PullLoopsDeps {
  node: Node
  puller: Puller
  bans: Bans
  /** Peers that do not speak it are not asked. */
  protocol: string
  everyMs: number
  signal: AbortSignal
}

/** One loop a connected peer: a round at once when the peer has told who it is, then one each `everyMs`, until it is gone. */
export function createPullLoops({ node, puller, bans, protocol, everyMs, signal }: PullLoopsDeps): void {
  const loops = new Map<string, AbortController>()

  async function loop(peerId: string, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await puller.round(peerId, { signal: stop })
      await sleep(everyMs, undefined, { signal: stop }).catch(() => undefined)
    }
  }

  node.addEventListener('peer:identify', ({ detail }) => {
    const id = detail.peerId.toString()
    if (signal.aborted || loops.has(id) || bans.isBanned(id) || !detail.protocols.includes(protocol)) return
    const own = new AbortController()
    loops.set(id, own)
    void loop(id, AbortSignal.any([signal, own.signal]))
  })
  node.addEventListener('peer:disconnect', ({ detail }) => {
    loops.get(detail.toString())?.abort()
    loops.delete(detail.toString())
  })
}
