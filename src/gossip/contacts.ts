import type { Node } from './node.ts'
import { createBoundedMap } from './seen.ts'

/** What a peer told of itself, and when we heard of it last. */
export interface PeerView {
  /** Name and version of its program, as it says. */
  agent: string
  /** `full`: every topic; `other-version`: fraud proofs only, since its verdict version is another or it only follows. */
  speaks: 'full' | 'fraud-proofs'
  /** Unix milliseconds of the last sign of life. */
  lastSeenMs: number
}

export interface Contacts {
  of(peerId: string): PeerView | undefined
  /** It said something. */
  heard(peerId: string): void
  /** Addresses under which peers see us, the most frequent first. */
  seenAs(): string[]
}

/** Peers remembered: more than there can be links. */
const MAX_PEERS = 1_024
/** Characters of an agent's name: it is a stranger's text, and is shown to people. */
const MAX_AGENT = 64

/** Remembers what identify brought. */
export function createContacts(node: Node, deps: { clock: { nowMs(): number }; pullProtocol: string }): Contacts {
  const known = createBoundedMap<PeerView & { seesUsAs: string | undefined }>(MAX_PEERS)
  const connected = new Set<string>()
  node.addEventListener('peer:identify', ({ detail }) => {
    const id = detail.peerId.toString()
    connected.add(id)
    known.set(id, {
      agent: printable(detail.agentVersion ?? '').slice(0, MAX_AGENT),
      speaks: detail.protocols.includes(deps.pullProtocol) ? 'full' : 'fraud-proofs',
      lastSeenMs: deps.clock.nowMs(),
      seesUsAs: detail.observedAddr?.toString(),
    })
  })
  node.addEventListener('peer:disconnect', ({ detail }) => void connected.delete(detail.toString()))
  return {
    of: (peerId) => known.get(peerId),
    heard(peerId) {
      const peer = known.get(peerId)
      if (peer) peer.lastSeenMs = deps.clock.nowMs()
    },
    seenAs() {
      const counts = new Map<string, number>()
      for (const id of connected) {
        const address = known.get(id)?.seesUsAs
        if (address !== undefined) counts.set(address, (counts.get(address) ?? 0) + 1)
      }
      return [...counts].sort(([, a], [, b]) => b - a).map(([address]) => address)
    },
  }
}

/** A name may not move a terminal's cursor. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
