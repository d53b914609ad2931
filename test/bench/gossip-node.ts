import '../../src/polyfill.ts'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { decodeStatement } from '../../proofs/codec.ts'
import { hexToBytes } from '../../proofs/signature.ts'
import type { Domain, Hex } from '../../proofs/types.ts'
import { createGossip } from '../../src/gossip/index.ts'
import { createNode } from '../../src/gossip/node.ts'
import type { PullEntry } from '../../src/gossip/pull-frames.ts'
import { createTopics } from '../../src/gossip/topics.ts'
import { idOf } from '../../src/gossip/validate.ts'

// One process of the gossip benchmark: our node, or a bare router that checks nothing. It does what its parent tells it, line by line.

export interface Start {
  mode: 'ours' | 'bare'
  domain: { chainId: string; anchor: Hex }
  members: Hex[]
  nowSec: number
  bootstrap: string[]
  identityFile: string
}
export type Order =
  | { do: 'start'; start: Start }
  /** Payloads, and when to publish each: milliseconds after the first. */
  | { do: 'publish'; payloads: Hex[]; atMs: number[] }
  | { do: 'reset' }
  | { do: 'report' }
  | { do: 'stop' }
export interface Report {
  /** Payload's id -> milliseconds on the machine's own clock, the same for all processes. */
  sent: Record<string, number>
  received: Record<string, number>
  /** Microseconds of this process since the last reset. */
  cpuUs: number
  peers: number
}

interface Wire {
  publish(bytes: Uint8Array): Promise<unknown>
  addresses(): string[]
  peers(): number
  stop(): Promise<void>
}

const now = () => performance.timeOrigin + performance.now()
let sent: Record<string, number> = {}
let received: Record<string, number> = {}
let cpu = process.cpuUsage()
let wire: Wire | undefined
let publishing: Promise<void> = Promise.resolve()

async function bare({ domain, bootstrap }: Start): Promise<Wire> {
  const topics = createTopics({ chainId: BigInt(domain.chainId), anchor: domain.anchor } as Domain, 1)
  const node = await createNode({
    ...{ privateKey: await generateKeyPair('Ed25519'), listen: ['/ip4/127.0.0.1/tcp/0'], maxPeers: 50, transports: 'tcp' },
    ...{ topics, bans: { ban() {}, isBanned: () => false, scoreOf: () => 0 }, agent: 'bare' },
  })
  await node.start()
  for (const topic of topics.all) node.services.pubsub.subscribe(topic)
  node.services.pubsub.addEventListener('message', ({ detail }) => {
    received[idOf(detail.data)] = now()
  })
  for (const address of bootstrap) await node.dial(multiaddr(address))
  return {
    publish: (bytes) => node.services.pubsub.publish(topics.topicOf('sealed'), bytes),
    addresses: () => node.getMultiaddrs().map(String),
    peers: () => node.services.pubsub.getSubscribers(topics.topicOf('sealed')).length,
    stop: async () => node.stop(),
  }
}

async function ours({ domain, bootstrap, members, nowSec, identityFile }: Start): Promise<Wire> {
  const known = new Set(members)
  const entries: PullEntry[] = []
  const ids = new Set<Hex>()
  const keep = (bytes: Uint8Array) => {
    ids.add(idOf(bytes))
    entries.push({ seq: BigInt(entries.length + 1), kind: 'sealed', bytes })
  }
  const quiet = { debug() {}, info() {}, warn() {}, error() {} }
  const gossip = await createGossip(
    {
      ...{ domain: { chainId: BigInt(domain.chainId), anchor: domain.anchor }, verdictVersion: 1, windowSeconds: 60 },
      ...{ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, identityFile },
    },
    {
      ...{ clock: { nowMs: () => Date.now() }, nowSec: () => nowSec, log: quiet },
      view: { isMember: (address) => known.has(address), isSignerOf: () => false, ready: () => true },
      store: {
        since: async (cursor, limit) => entries.slice(Number(cursor), Number(cursor) + limit),
        has: (id) => ids.has(id),
      },
      async deliver(_, bytes) {
        received[idOf(bytes)] = now()
        keep(bytes)
      },
    },
  )
  return {
    async publish(bytes) {
      keep(bytes)
      await gossip.publish(decodeStatement('sealed', bytes))
    },
    addresses: gossip.addresses,
    peers: () => gossip.peers().filter(({ topics }) => topics === 6).length,
    stop: gossip.stop,
  }
}

async function publishAll(payloads: Hex[], atMs: number[]): Promise<void> {
  const start = performance.now()
  for (const [i, payload] of payloads.entries()) {
    await new Promise((resolve) => setTimeout(resolve, start + (atMs[i] ?? 0) - performance.now()))
    const bytes = hexToBytes(payload)
    sent[idOf(bytes)] = now()
    await wire?.publish(bytes)
  }
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'start':
      wire = await (order.start.mode === 'ours' ? ours : bare)(order.start)
      return wire.addresses()
    case 'publish':
      publishing = publishAll(order.payloads, order.atMs)
      return 'begun'
    case 'reset':
      ;[sent, received, cpu] = [{}, {}, process.cpuUsage()]
      return 'reset'
    case 'report': {
      await publishing
      const { user, system } = process.cpuUsage(cpu)
      return { sent, received, cpuUs: user + system, peers: wire?.peers() ?? 0 } satisfies Report
    }
    case 'stop':
      await wire?.stop()
      return 'stopped'
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.send?.({ answer }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
