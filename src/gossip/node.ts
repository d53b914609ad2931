import { type GossipSub, gossipsub, StrictNoSign } from '@chainsafe/libp2p-gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Bans } from './bans.ts'
import { MESH, scoreOptions } from './scoring.ts'
import { messageIdOf, type Topics } from './topics.ts'

export type Node = Libp2p<{ identify: Identify; ping: Ping; pubsub: GossipSub }>

export interface NodeInit {
  privateKey: PrivateKey
  listen: string[]
  /** Connections at most; those tagged as wanted are closed last. */
  maxPeers: number
  /** `memory` is for tests in one process. */
  transports: 'tcp' | 'memory'
  topics: Topics
  bans: Bans
  agent: string
  /** Finds peers on the local network by multicast; the port is another one in tests only. */
  mdns?: { port?: number }
}

/** What the router's class has and its exported type lacks; the one place that knows. */
type Scored = GossipSub & { getScore?(peerId: string): number }

/** The router's opinion of a peer; 0 where it has none. */
export function scoreOf(node: Node, peerId: string): number {
  return (node.services.pubsub as Scored).getScore?.(peerId) ?? 0
}

/** Longer than any message can travel; later copies meet our own seen-cache. */
const SEEN_TTL_MS = 900_000
const HEARTBEAT_MS = 700
const PRUNING_ROOM = 10
const MDNS_EVERY_MS = 10_000
/**
 * Bytes of one gossip frame. A frame over this limit closes the inbound stream for good while the link stays up, so it is far above anything honest (some hundred
 * statements in one frame), and `peers.ts` heals such a link. The limit of a statement is held by the validator.
 */
const MAX_FRAME_BYTES = 4 * 1024 * 1024

/** The libp2p node, not started. Nothing here knows what a statement means. */
export async function createNode(init: NodeInit): Promise<Node> {
  const { bans, topics } = init
  return createLibp2p({
    start: false,
    privateKey: init.privateKey,
    nodeInfo: { userAgent: init.agent },
    addresses: { listen: init.listen },
    transports: [
      init.transports === 'memory' ? (await import('@libp2p/memory')).memory() : tcp({ maxConnections: 2 * init.maxPeers }),
    ],
    connectionEncrypters: [noise()],
    peerDiscovery: init.mdns
      ? [mdns({ serviceTag: `_fisherman-${topics.stableDigest}._udp.local`, interval: MDNS_EVERY_MS, ...init.mdns })]
      : [],
    streamMuxers: [yamux()],
    connectionManager: {
      // Room above the limit: who is one too many is told so before it is cut off.
      maxConnections: init.maxPeers + PRUNING_ROOM,
      // A second for a whole rack behind one NAT, or a test network on one machine; libp2p's default is five.
      inboundConnectionThreshold: 25,
      maxIncomingPendingConnections: 10,
      dialTimeout: 5_000,
      addressDialTimeout: 3_000,
    },
    connectionGater: {
      // Loopback and private addresses are dialled: an operator's own nodes often are there.
      denyDialMultiaddr: () => false,
      denyDialPeer: (peer) => bans.isBanned(peer.toString()),
      denyInboundEncryptedConnection: (peer) => bans.isBanned(peer.toString()),
    },
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipsub({
        ...MESH,
        ...scoreOptions(topics, bans.scoreOf),
        heartbeatInterval: HEARTBEAT_MS,
        seenTTL: SEEN_TTL_MS,
        // The payload carries its own signature; a second one costs 1.8 times the CPU and names the sender's peer id to all.
        globalSignaturePolicy: StrictNoSign,
        // Own statements go to every peer of the topic: few and small, they are worth more than the bandwidth, and a bad mesh cannot eclipse them.
        floodPublish: true,
        // Floodsub peers have no score.
        fallbackToFloodsub: false,
        doPX: false,
        emitSelf: false,
        allowPublishToZeroTopicPeers: true,
        ignoreDuplicatePublishError: true,
        allowedTopics: new Set(topics.all),
        maxTopicBytesPerPeer: 65_536,
        maxInboundDataLength: MAX_FRAME_BYTES,
        msgIdFn: (message) => messageIdOf(message.topic, message.data),
      }),
    },
  })
}
