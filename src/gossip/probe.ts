import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Domain } from '../../proofs/types.ts'
import { deadline } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { createTopics } from './topics.ts'

/** What answered at an address, or why nothing did. */
export interface Probed {
  address: string
  /** Undefined where nobody answered. */
  peerId: string | undefined
  /** Does it speak the protocols of this network? */
  ours: boolean
  elapsedMs: number
  reason: string | undefined
}

const DIAL_MS = 4_000

/** Dials each address with a node of its own, as a stranger would; only the network's name is shared with whoever is dialled. */
export async function probeAddresses(
  addresses: readonly string[],
  domain: Domain,
  deps: { monotonicMs(): number },
  options: { signal: AbortSignal },
): Promise<Probed[]> {
  const { stablePullProtocol } = createTopics(domain, 0)
  const found: Probed[] = []
  for (const address of addresses) {
    const signal = deadline(DIAL_MS, options.signal)
    // A node for each: a second dial of one peer would use the first one's link.
    const node = await createLibp2p({
      nodeInfo: { userAgent: 'fisherman-doctor' },
      addresses: { listen: [] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      services: { identify: identify() },
    })
    // Whoever speaks none of the network's protocols is taken for a node of another one.
    await node.handle(stablePullProtocol, (stream) => stream.abort(new Error('only a probe')))
    const startedMs = deps.monotonicMs()
    const elapsed = () => Math.round(deps.monotonicMs() - startedMs)
    try {
      const told = new Promise<readonly string[]>((resolve, reject) => {
        node.addEventListener('peer:identify', ({ detail }) => resolve(detail.protocols), { once: true })
        signal.addEventListener('abort', () => reject(new Error('it did not say what it speaks')), { once: true })
      })
      told.catch(() => undefined)
      const connection = await node.dial(multiaddr(address), { signal })
      const elapsedMs = elapsed()
      const ours = (await told).includes(stablePullProtocol)
      found.push({ address, peerId: connection.remotePeer.toString(), ours, elapsedMs, reason: undefined })
    } catch (error) {
      options.signal.throwIfAborted()
      const reason = signal.aborted ? `nothing answered in ${DIAL_MS / 1000} s` : messageOf(error).split('\n')[0]
      found.push({ address, peerId: undefined, ours: false, elapsedMs: elapsed(), reason })
    } finally {
      await node.stop()
    }
  }
  return found
}
