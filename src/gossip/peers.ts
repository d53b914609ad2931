import type { IdentifyResult, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { deadline } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Bans } from './bans.ts'
import type { Counters } from './counters.ts'
import { type Goodbye, sayGoodbye } from './goodbye.ts'
import { createHalfOpenCheck } from './half-open.ts'
import type { Node } from './node.ts'
import type { PeerStore } from './peer-store.ts'
import { createTargets, type Target } from './targets.ts'

/** How often links are looked at. */
const TICK_MS = 1_000
const DIAL_TIMEOUT_MS = 5_000
/** Not one of libp2p's own keep-alive tags: those come back at once to a peer that asked to be left alone. */
const CHOSEN = 'fisherman-chosen'

export interface PeersInit {
  bootstrap: readonly Multiaddr[]
  /** Links at most; the worst of those that came in by themselves are cut first. */
  maxPeers: number
  /** Peers met are dialled while there are fewer links than this … */
  targetPeers: number
  /** … or fewer that we chose ourselves than this: who comes in by itself can never be all that we hear. */
  minOutbound: number
  goodbyeProtocol: string
}

export interface PeersDeps {
  node: Node
  bans: Bans
  counters: Counters
  log: Logger
  clock: { nowMs(): number }
  random(): number
  store: PeerStore
  /** The router's opinion of a peer. */
  scoreOf(peerId: string): number
  /** Protocols of which a peer of our network speaks at least one. Their names hold the digest of the network. */
  ours: readonly string[]
}

export interface Peers {
  /** Dials; the node must be started. */
  start(): void
  /** Somebody who was found nearby. */
  meet(peerId: string, addresses: readonly string[]): void
  hangUp(peerId: string, reason?: Goodbye): void
  /** Other bootstrap addresses from now on. Links stay as they are. */
  want(bootstrap: readonly Multiaddr[]): void
  /** It said goodbye, and why. */
  heard(peerId: string, reason: Goodbye | undefined): void
  /** Tells all peers, and dials no more. */
  stop(): Promise<void>
}

/** Keeps links: libp2p gives a lost peer up after five dials, so bootstrap peers and peers met are dialled here for as long as it takes. */
export function createPeers(init: PeersInit, deps: PeersDeps): Peers {
  const { node, bans, counters, log, clock, store } = deps
  const stopping = new AbortController()
  const targets = createTargets(init.bootstrap, { self: node.peerId.toString(), clock, random: deps.random })
  const halfOpen = createHalfOpenCheck({ node, clock, counters })
  for (const { id, addresses } of store.all()) targets.meet(id, addresses)

  function cut(peerId: PeerId): void {
    node.hangUp(peerId, { signal: AbortSignal.timeout(TICK_MS) }).catch(() => {
      for (const connection of node.getConnections(peerId)) connection.abort(new Error('hung up'))
    })
  }

  function hangUp(id: string, reason: Goodbye = 'no-use'): void {
    const peerId = peerIdFromString(id)
    const [connection] = node.getConnections(peerId)
    const said = connection ? sayGoodbye(connection, init.goodbyeProtocol, reason) : Promise.resolve()
    said.finally(() => cut(peerId))
  }

  async function dial(to: Target): Promise<void> {
    to.dialling = true
    try {
      const signal = deadline(DIAL_TIMEOUT_MS, stopping.signal)
      const place = to.addresses.length > 0 ? [...to.addresses] : to.peerId
      if (!place) return
      const connection = await node.dial(place, { signal })
      targets.reached(to, connection.remotePeer)
      counters.add('peers.dialled')
    } catch (error) {
      if (stopping.signal.aborted) return
      counters.add('peers.dial-failed')
      const [address] = to.addresses
      log.debug('a peer could not be reached', {
        address: address?.toString(),
        peer: to.peerId?.toString(),
        error: messageOf(error),
      })
      if (targets.missed(to) && to.peerId) store.forget(to.peerId.toString())
    } finally {
      to.dialling = false
    }
  }

  function redial(): void {
    const links = node.getConnections()
    const linked = new Set(links.map(({ remotePeer }) => remotePeer.toString()))
    const chosen = new Set(
      links.filter(({ direction }) => direction === 'outbound').map(({ remotePeer }) => remotePeer.toString()),
    )
    let missing = Math.max(init.targetPeers - linked.size, init.minOutbound - chosen.size)
    for (const to of targets.due()) {
      const id = to.peerId?.toString()
      if (id !== undefined && (bans.isBanned(id) || linked.has(id))) continue
      if (!to.bootstrap && missing-- <= 0) continue
      void dial(to)
    }
  }

  /** Too many: those that came in by themselves go first, the least useful before the others; what we chose stays. */
  function prune(): void {
    const peers = node.getPeers().map(String)
    const excess = peers.length - init.maxPeers
    if (excess <= 0) return
    const cameIn = peers.filter((id) => {
      const links = node.getConnections(peerIdFromString(id))
      return !targets.isBootstrap(id) && links.every(({ direction }) => direction === 'inbound')
    })
    for (const id of cameIn.sort((a, b) => deps.scoreOf(a) - deps.scoreOf(b)).slice(0, excess)) {
      counters.add('peers.pruned')
      hangUp(id, 'too-many-peers')
    }
  }

  function identified({ peerId, protocols, connection, listenAddrs }: IdentifyResult): void {
    const id = peerId.toString()
    if (!deps.ours.some((protocol) => protocols.includes(protocol))) {
      log.warn('a peer belongs to another network', { peer: id, address: connection.remoteAddr.toString() })
      bans.ban(id, 'foreign')
      cut(peerId)
      return
    }
    if (protocols.some((protocol) => protocol.startsWith('/meshsub/'))) halfOpen.speaks(id)
    const addresses = listenAddrs.map(String)
    targets.meet(id, addresses)
    store.keep({ id, addresses, seenMs: clock.nowMs() })
    // Tagged peers are the last that libp2p closes when there are too many.
    if (targets.isBootstrap(id) || connection.direction === 'outbound')
      node.peerStore.merge(peerId, { tags: { [CHOSEN]: { value: 50 } } }).catch(() => undefined)
  }

  node.addEventListener('peer:identify', ({ detail }) => identified(detail))
  node.addEventListener('peer:disconnect', ({ detail }) => {
    halfOpen.gone(detail.toString())
    store.keep({ id: detail.toString(), addresses: [], seenMs: clock.nowMs() })
    counters.add('peers.lost')
  })

  let timer: NodeJS.Timeout | undefined
  return {
    hangUp,
    want: targets.want,
    meet: targets.meet,
    heard(id, reason) {
      log.debug('a peer says goodbye', { peer: id, reason: reason ?? 'unknown' })
      if (reason === 'too-many-peers' || reason === 'banned') targets.rest(id)
    },
    start() {
      redial()
      timer = setInterval(() => {
        redial()
        prune()
        for (const id of halfOpen.look()) {
          log.info('a link carried no gossip and is dialled anew', { peer: id })
          cut(peerIdFromString(id))
        }
      }, TICK_MS)
    },
    async stop() {
      clearInterval(timer)
      stopping.abort()
      const links = new Map(node.getConnections().map((connection) => [connection.remotePeer.toString(), connection]))
      await Promise.all([...links.values()].map((connection) => sayGoodbye(connection, init.goodbyeProtocol, 'shutdown')))
      await store.close()
    },
  }
}
