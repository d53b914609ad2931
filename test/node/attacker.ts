import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createNode } from '../../src/gossip/node.ts'
import { encodeEntry, encodeHeader, framesOn, type PullEntry } from '../../src/gossip/pull-frames.ts'
import { createTopics } from '../../src/gossip/topics.ts'
import { DOMAIN } from '../helpers/fixtures.ts'

export const topics = createTopics(DOMAIN, 1)

/** A node of our network that does what it likes: publishes any bytes and answers a pull as the test says. */
export async function createAttacker(to: string[], answer: (stream: Stream) => Promise<void> = serving([])) {
  const node = await createNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    maxPeers: 50,
    transports: 'tcp',
    topics,
    bans: { ban() {}, isBanned: () => false, scoreOf: () => 0 },
    agent: 'attacker',
  })
  let pulls = 0
  await node.handle([topics.pullProtocol], async (stream) => {
    pulls++
    await answer(stream).catch(() => stream.abort(new Error('the attacker failed')))
  })
  await node.start()
  for (const topic of topics.all) node.services.pubsub.subscribe(topic)
  const connections: Connection[] = []
  for (const address of to) connections.push(await node.dial(multiaddr(address)))
  return { node, connections, pulls: () => pulls, id: node.peerId.toString() }
}

export const frames = (stream: Stream) => framesOn(stream, { frameBytes: 65_536, bufferBytes: 4_194_304 })

/** Answers each pull with these entries, whatever was asked. */
export function serving(entries: PullEntry[], changes: Partial<Parameters<typeof encodeHeader>[0]> = {}) {
  return async (stream: Stream): Promise<void> => {
    const wire = frames(stream)
    await wire.read()
    const cursor = { seq: entries.at(-1)?.seq ?? 0n, tag: '00'.repeat(8) }
    await wire.writeV([
      encodeHeader({ status: 'ok', more: false, count: entries.length, cursor, ...changes }),
      ...entries.map(encodeEntry),
    ])
    await stream.close()
  }
}
