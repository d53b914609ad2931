import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { FishermanError } from '../base/errors.ts'

/** Time between dials of one address: doubles from the first to the second. */
const MIN_REDIAL_MS = 1_000
const MAX_REDIAL_MS = 30_000
/** A bootstrap peer is the way back after a partition: a network is whole again within half a minute of the line. */
const MAX_BOOTSTRAP_REDIAL_MS = 10_000
/** Peers met that we dial again when they are gone. */
const MAX_MET = 256
/** After this many dials in vain a peer met is forgotten; bootstrap peers never are. */
const MAX_VAIN_DIALS = 8
/** A peer that has too many peers, or goes down, is left alone for a while; longer than its own next look at its peers. */
const FULL_MS = 60_000

/** Somebody to dial, and when next. */
export interface Target {
  /** Unknown for a bootstrap address without one, until the first dial. */
  peerId: PeerId | undefined
  addresses: readonly Multiaddr[]
  /** Always dialled; the others only as many as are wanted. */
  bootstrap: boolean
  dueMs: number
  waitMs: number
  vain: number
  dialling: boolean
}

/** Bootstrap peers, and peers met, with their times. No network in here. */
export interface Targets {
  /** Everybody who may be dialled now, bootstrap first, then in a random order. */
  due(): Target[]
  isBootstrap(peerId: string): boolean
  /** Other bootstrap addresses from now on; those that stay keep their times. */
  want(bootstrap: readonly Multiaddr[]): void
  meet(peerId: string, addresses: readonly string[]): void
  reached(target: Target, peerId: PeerId): void
  /** True where it was forgotten for good. */
  missed(target: Target): boolean
  /** It asked to be left alone. */
  rest(peerId: string): void
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

export function createTargets(
  bootstrap: readonly Multiaddr[],
  deps: { self: string; clock: { nowMs(): number }; random(): number },
): Targets {
  const { self, clock } = deps
  const fresh = (peerId: PeerId | undefined, addresses: readonly Multiaddr[], isBootstrap: boolean): Target => ({
    ...{ peerId, addresses, bootstrap: isBootstrap },
    ...{ dueMs: 0, waitMs: MIN_REDIAL_MS, vain: 0, dialling: false },
  })
  const wantedOf = (addresses: readonly Multiaddr[]) =>
    addresses.map((address) => fresh(idIn(address), [address], true)).filter(({ peerId }) => peerId?.toString() !== self)
  let wanted = wantedOf(bootstrap)
  const met = new Map<string, Target>()
  const isBootstrap = (id: string) => wanted.some(({ peerId }) => peerId?.toString() === id)

  return {
    due() {
      const free = (target: Target) => !target.dialling && target.dueMs <= clock.nowMs() && target.peerId?.toString() !== self
      // By chance, so that nobody who gave us many names at once decides whom we dial.
      const others = [...met.values()].filter(free).map((target) => ({ target, order: deps.random() }))
      return [...wanted.filter(free), ...others.sort((a, b) => a.order - b.order).map(({ target }) => target)]
    },
    isBootstrap,
    want(addresses) {
      const named = (target: Target) => target.addresses.join()
      const before = new Map(wanted.map((target) => [named(target), target]))
      wanted = wantedOf(addresses).map((target) => before.get(named(target)) ?? target)
      for (const { peerId } of wanted) if (peerId) met.delete(peerId.toString())
    },
    meet(id, addresses) {
      if (id === self || isBootstrap(id)) return
      const known = met.get(id)
      if (known && addresses.length > 0) known.addresses = readable(id, addresses)
      else if (!known && met.size < MAX_MET) met.set(id, fresh(peerIdFromString(id), readable(id, addresses), false))
    },
    reached(target, peerId) {
      Object.assign(target, { peerId, waitMs: MIN_REDIAL_MS, vain: 0 })
    },
    missed(target) {
      target.vain++
      target.dueMs = clock.nowMs() + target.waitMs
      target.waitMs = Math.min(2 * target.waitMs, target.bootstrap ? MAX_BOOTSTRAP_REDIAL_MS : MAX_REDIAL_MS)
      if (target.bootstrap || target.vain < MAX_VAIN_DIALS || !target.peerId) return false
      return met.delete(target.peerId.toString())
    },
    rest(id) {
      for (const target of [...wanted, ...met.values()])
        if (target.peerId?.toString() === id) target.dueMs = clock.nowMs() + FULL_MS
    },
  }
}

/** With the peer's id at the end, so that nobody else can answer at its address. */
function readable(id: string, addresses: readonly string[]): Multiaddr[] {
  return addresses.flatMap((address) => {
    try {
      const parsed = multiaddr(address)
      const own = idIn(parsed)?.toString()
      if (own !== undefined) return own === id ? [parsed] : []
      return [parsed.encapsulate(`/p2p/${id}`)]
    } catch {
      return []
    }
  })
}

/** The peer id at the end of an address, if it has one. */
export function idIn(address: Multiaddr): PeerId | undefined {
  const id = address.getComponents().findLast(({ name }) => name === 'p2p')?.value
  return id === undefined ? undefined : peerIdFromString(id)
}
