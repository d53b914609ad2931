import type { Connection, PeerId } from '@libp2p/interface'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Contacts } from './contacts.ts'
import type { Counters } from './counters.ts'
import { type Node, scoreOf } from './node.ts'
import { createStatusServer, exchangeStatus, type PeerStatus } from './status.ts'
import type { Topics } from './topics.ts'
import type { GossipPeer } from './types.ts'

/** What we know of the peers that we are linked with; each that arrives is asked what it runs. */
export interface LinkTable {
  peers(): GossipPeer[]
  /** To be handled as the status protocol. */
  serve: ReturnType<typeof createStatusServer>
}

export interface LinkTableDeps {
  node: Node
  topics: Topics
  contacts: Pick<Contacts, 'of'>
  own(): PeerStatus
  clock: { nowMs(): number }
  counters: Counters
  log: Logger
  signal: AbortSignal
}

export function createLinkTable(deps: LinkTableDeps): LinkTable {
  const { node, topics, contacts, counters, log, signal } = deps
  const statuses = new Map<string, PeerStatus>()
  let newest = 0

  function learn(peerId: string, status: PeerStatus): void {
    statuses.set(peerId, status)
    if (status.verdictVersion <= Math.max(newest, deps.own().verdictVersion)) return
    newest = status.verdictVersion
    log.warn('A peer judges by a newer version of the verdict; update this program, or its answers count for nothing there', {
      peer: peerId,
      theirs: status.verdictVersion,
      ours: deps.own().verdictVersion,
    })
  }

  async function ask(connection: Connection): Promise<void> {
    learn(connection.remotePeer.toString(), await exchangeStatus(connection, topics.statusProtocol, deps.own(), { signal }))
    counters.add('status.received')
  }

  node.addEventListener('peer:identify', ({ detail: { connection, protocols } }) => {
    // Who dialled asks; the one exchange tells both.
    if (connection.direction !== 'outbound' || !protocols.includes(topics.statusProtocol)) return
    ask(connection).catch((error: unknown) => {
      counters.add('status.unanswered')
      log.debug('a peer does not tell its status', { peer: connection.remotePeer.toString(), error: messageOf(error) })
    })
  })
  node.addEventListener('peer:disconnect', ({ detail }) => void statuses.delete(detail.toString()))

  function peerOf(peer: PeerId): GossipPeer[] {
    const [connection] = node.getConnections(peer)
    if (!connection) return []
    const id = peer.toString()
    const subscribed = topics.all.filter((topic) =>
      node.services.pubsub.getSubscribers(topic).some((other) => other.equals(peer)),
    )
    const { remoteAddr, direction, rtt, timeline } = connection
    const { agent, speaks, lastSeenMs } = contacts.of(id) ?? { agent: '', speaks: 'fraud-proofs', lastSeenMs: timeline.open }
    return [
      {
        ...{ id, address: remoteAddr.toString(), direction, topics: subscribed.length, agent, speaks },
        ...{ score: scoreOf(node, id), status: statuses.get(id) },
        ...{ latencyMs: rtt, connectedAtMs: timeline.open, lastSeenMs },
      },
    ]
  }

  return {
    peers: () => node.getPeers().flatMap(peerOf),
    serve: createStatusServer({ ...deps, learn }),
  }
}
