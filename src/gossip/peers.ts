import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { deadline } from '../base/clock.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Bans } from './bans.ts'
import type { Counters } from './counters.ts'
import type { Node } from './node.ts'

/** How often links are looked at. */
const TICK_MS = 1_000
/** Time between dials of one address: doubles from the first to the second. */
const MIN_REDIAL_MS = 1_000
const MAX_REDIAL_MS = 30_000
/** A peer's gossip stream opens within a second of the link; after this without one the link is half open. */
const HALF_OPEN_MS = 5_000
/** Peers met and not in the bootstrap list that we dial again when they are gone; after this many dials in vain we forget them. */
const MAX_MET = 256
const MAX_VAIN_DIALS = 8
const DIAL_TIMEOUT_MS = 5_000
const KEEP_ALIVE = 'keep-alive-fisherman'

interface Target {
  /** Unknown for a bootstrap address without one, until the first dial. */
  peerId: PeerId | undefined
  address: Multiaddr | undefined
  dueMs: number
  waitMs: number
  vain: number
  dialling: boolean
}

export interface PeersDeps {
  node: Node
  bans: Bans
  counters: Counters
  log: Logger
  clock: { nowMs(): number }
  /** Protocols of which a peer of our network speaks at least one. Their names hold the digest, so identify is the status handshake. */
  ours: readonly string[]
}

export interface Peers {
  /** Dials; the node must be started. */
  start(): void
  hangUp(peerId: string): void
  stop(): void
}

/** Reads bootstrap addresses; a wrong one is the operator's to repair. */
export function parseAddresses(addresses: readonly string[], option: string): Multiaddr[] {
  return addresses.map((address) => {
    try {
      return multiaddr(address)
    } catch (cause) {
      const message = `The ${option} address "${address}" is no multiaddr. Write it like /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo...`
      throw new FishermanError({ code: 'bad-address', message, blame: 'ours', cause })
    }
  })
}

/** Keeps links: libp2p gives a lost peer up after five dials, so bootstrap peers and peers met are dialled here for as long as it takes. */
export function createPeers(bootstrap: readonly Multiaddr[], deps: PeersDeps): Peers {
  const { node, bans, counters, log, clock } = deps
  const stopping = new AbortController()
  const self = node.peerId.toString()
  const target = (peerId: PeerId | undefined, address: Multiaddr | undefined): Target => ({
    peerId,
    address,
    dueMs: 0,
    waitMs: MIN_REDIAL_MS,
    vain: 0,
    dialling: false,
  })
  const wanted = bootstrap.map((address) => target(idIn(address), address)).filter(({ peerId }) => peerId?.toString() !== self)
  const met = new Map<string, Target>()
  /** Peers that speak gossip -> when the link was first seen without an inbound gossip stream. */
  const halfOpenSince = new Map<string, number>()
  const speaksGossip = new Set<string>()

  function hangUp(peerId: string): void {
    node.hangUp(peerIdFromString(peerId), { signal: AbortSignal.timeout(TICK_MS) }).catch(() => {
      for (const connection of node.getConnections(peerIdFromString(peerId))) connection.abort(new Error('hung up'))
    })
  }

  async function dial(to: Target): Promise<void> {
    to.dialling = true
    try {
      const signal = deadline(DIAL_TIMEOUT_MS, stopping.signal)
      const connection = await node.dial(to.address ?? (to.peerId as PeerId), { signal })
      to.peerId = connection.remotePeer
      Object.assign(to, { waitMs: MIN_REDIAL_MS, vain: 0 })
      counters.add('peers.dialled')
    } catch (error) {
      if (stopping.signal.aborted) return
      counters.add('peers.dial-failed')
      log.debug('a peer could not be reached', {
        address: to.address?.toString(),
        peer: to.peerId?.toString(),
        error: messageOf(error),
      })
      to.vain++
      to.dueMs = clock.nowMs() + to.waitMs
      to.waitMs = Math.min(2 * to.waitMs, MAX_REDIAL_MS)
    } finally {
      to.dialling = false
    }
  }

  function redial(): void {
    for (const [id, to] of met) if (to.vain >= MAX_VAIN_DIALS) met.delete(id)
    for (const to of [...wanted, ...met.values()]) {
      const id = to.peerId?.toString()
      if (to.dialling || to.dueMs > clock.nowMs() || id === self) continue
      if (id !== undefined && (bans.isBanned(id) || node.getConnections(to.peerId).length > 0)) continue
      void dial(to)
    }
  }

  /** A frame over the limit, or a stream that broke, leaves a link over which nothing comes in while the other side believes that all is well. */
  function healHalfOpen(): void {
    const nowMs = clock.nowMs()
    for (const peer of node.getPeers()) {
      const id = peer.toString()
      const streams = node.getConnections(peer).flatMap((connection) => connection.streams)
      const hears = streams.some((stream) => stream.direction === 'inbound' && stream.protocol.startsWith('/meshsub/'))
      if (hears || !speaksGossip.has(id)) halfOpenSince.delete(id)
      else if (!halfOpenSince.has(id)) halfOpenSince.set(id, nowMs)
      else if (nowMs - (halfOpenSince.get(id) ?? nowMs) >= HALF_OPEN_MS) {
        halfOpenSince.delete(id)
        counters.add('peers.half-open')
        log.info('a link carried no gossip and is dialled anew', { peer: id })
        hangUp(id)
      }
    }
  }

  node.addEventListener('peer:identify', ({ detail }) => {
    const id = detail.peerId.toString()
    if (!deps.ours.some((protocol) => detail.protocols.includes(protocol))) {
      log.warn('a peer belongs to another network', { peer: id, address: detail.connection.remoteAddr.toString() })
      bans.ban(id, 'foreign')
      return hangUp(id)
    }
    if (detail.protocols.some((protocol) => protocol.startsWith('/meshsub/'))) speaksGossip.add(id)
    if (met.size < MAX_MET && !wanted.some(({ peerId }) => peerId?.toString() === id))
      met.set(id, target(detail.peerId, undefined))
    // Tagged peers are the last to be closed when there are too many, and libp2p itself dials them at once when they are lost.
    node.peerStore.merge(detail.peerId, { tags: { [KEEP_ALIVE]: { value: 50 } } }).catch(() => undefined)
  })
  node.addEventListener('peer:disconnect', ({ detail }) => {
    const id = detail.toString()
    halfOpenSince.delete(id)
    speaksGossip.delete(id)
    counters.add('peers.lost')
  })

  let timer: NodeJS.Timeout | undefined
  return {
    hangUp,
    start() {
      redial()
      timer = setInterval(() => {
        redial()
        healHalfOpen()
      }, TICK_MS)
    },
    stop() {
      clearInterval(timer)
      stopping.abort()
    },
  }
}

/** The peer id at the end of an address, if it has one. */
function idIn(address: Multiaddr): PeerId | undefined {
  const id = address.getComponents().findLast(({ name }) => name === 'p2p')?.value
  return id === undefined ? undefined : peerIdFromString(id)
}
