import { randomBytes } from 'node:crypto'
import { TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import type { PeerId } from '@libp2p/interface'
import { STATEMENT_KINDS, type StatementKind } from '../../proofs/codec.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { createBans } from './bans.ts'
import { type Contacts, createContacts } from './contacts.ts'
import { createCounters } from './counters.ts'
import { askHead, createHeadServer } from './heads.ts'
import { loadIdentity, newIdentity } from './identity.ts'
import { createIntake } from './intake.ts'
import { createNode, type Node } from './node.ts'
import { createPeers, parseAddresses } from './peers.ts'
import { createPublisher } from './publish.ts'
import { pullPage } from './pull-client.ts'
import { createPullLoops } from './pull-loops.ts'
import { createPullServer } from './pull-server.ts'
import { createPuller } from './puller.ts'
import { createQuotas } from './quotas.ts'
import { scoreOptions } from './scoring.ts'
import { createSeen } from './seen.ts'
import { createTopics, type Topics } from './topics.ts'
import type { Gossip, GossipDeps, GossipInit, GossipPeer } from './types.ts'
import type { ValidationContext } from './validate.ts'

export type { Gossip, GossipDeps, GossipInit, GossipPeer } from './types.ts'

/** 15 rounds (statute and one round of doubt) of 5,760 L1 blocks of 12 s: twelve days. */
const STATUTE_SECONDS = 15 * 5_760 * 12
/** Streams of the pull protocol that one peer may hold open with us. */
const PULL_STREAMS = 2

const ANSWERS = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
} as const

/** Joins the network: starts the node, keeps links to peers, passes statements on and repairs by pull what gossip lost. */
export async function createGossip(init: GossipInit, deps: GossipDeps): Promise<Gossip> {
  const { clock, log } = deps
  const bootstrap = parseAddresses(init.bootstrap, 'bootstrap')
  const listen = parseAddresses(init.listen, 'listen').map(String)
  const topics = createTopics(init.domain, init.verdictVersion)
  const counters = createCounters()
  const bans = createBans({ clock, counters })
  const context: ValidationContext = {
    domain: init.domain,
    verdictVersion: init.verdictVersion,
    windowSeconds: init.windowSeconds,
    statuteSeconds: init.statuteSeconds ?? STATUTE_SECONDS,
    nowSec: () => deps.nowSec(),
    view: deps.view,
    seen: createSeen(),
    quotas: createQuotas(clock),
  }
  const { relays, onRefused, places } = deps
  const intake = createIntake({
    ...{ context, counters, log, relays, onRefused },
    has: (id) => deps.store.has(id),
    deliver: deps.deliver,
  })
  const privateKey = init.identityFile === undefined ? await newIdentity() : await loadIdentity(init.identityFile, log)
  const { maxPeers = 50, transports = 'tcp', agent = 'fisherman' } = init
  const node = await createNode({ privateKey, listen, maxPeers, transports, topics, bans, agent })
  const followed: readonly StatementKind[] = init.follow === 'fraud-proofs' ? ['fraud-proof'] : STATEMENT_KINDS
  const pulls = init.follow === 'fraud-proofs' ? [topics.stablePullProtocol] : [topics.pullProtocol, topics.stablePullProtocol]
  const contacts = createContacts(node, { clock, pullProtocol: topics.pullProtocol })
  const serve = createPullServer({ log, store: deps.store, topics, clock, counters })
  await node.handle(pulls, serve, { maxInboundStreams: PULL_STREAMS, maxOutboundStreams: PULL_STREAMS })
  const { heads } = deps
  if (heads)
    await node.handle(topics.headsProtocol, createHeadServer({ keeper: heads, clock, counters, log }), { maxInboundStreams: 2 })
  for (const kind of followed) {
    node.services.pubsub.topicValidators.set(topics.topicOf(kind), async (peer, message) => {
      contacts.heard(peer.toString())
      const outcome = await intake.receive(kind, message.data, 'gossip')
      return outcome.answer === 'accept' && outcome.relay === false ? ANSWERS.ignore : ANSWERS[outcome.answer]
    })
  }
  const peers = createPeers(bootstrap, { node, bans, counters, log, clock, ours: pulls })
  const stopping = new AbortController()
  const puller = createPuller({
    kinds: new Set(followed),
    places,
    clock,
    counters,
    log,
    intake,
    ready: () => deps.view.ready(),
    async page(peerId, request, options) {
      const connection = node
        .getConnections()
        .find(({ remotePeer, status }) => remotePeer.toString() === peerId && status === 'open')
      if (!connection) throw new FishermanError({ code: 'pull-failed', message: 'The peer is gone.', blame: 'unknown' })
      const page = await pullPage(connection, pulls, request, options)
      contacts.heard(peerId)
      return page
    },
    punish(peerId, reason) {
      bans.ban(peerId, reason)
      peers.hangUp(peerId)
    },
    giveUp: peers.hangUp,
  })
  createPullLoops({
    node,
    puller,
    bans,
    log,
    protocols: pulls,
    everyMs: init.pullEveryMs ?? 30_000,
    signal: stopping.signal,
  })
  // Listeners first: a peer that was waiting for us is there before the first line after the start.
  await start(node, listen)
  for (const kind of followed) node.services.pubsub.subscribe(topics.topicOf(kind))
  peers.start()
  // Scoring bugs cannot be analysed without the numbers that were in force.
  log.debug('gossip score parameters', { ...scoreOptions(topics, bans.scoreOf) })
  log.info('gossip has started', {
    peer: node.peerId.toString(),
    addresses: node.getMultiaddrs().map(String),
    digest: topics.digest,
  })

  const publish = createPublisher({
    context,
    counters,
    log,
    send: async (kind, bytes) => (await node.services.pubsub.publish(topics.topicOf(kind), bytes)).recipients.length,
  })
  return {
    peerId: node.peerId.toString(),
    addresses: () => node.getMultiaddrs().map(String),
    peers: () => node.getPeers().flatMap((peer) => peerOf(node, topics, contacts, peer)),
    digests: { full: topics.digest, stable: topics.stableDigest },
    seenAs: contacts.seenAs,
    publish,
    async askHeads(fisherman, { signal }) {
      const open = node.getConnections().filter(({ status }) => status === 'open')
      // One link for each peer.
      const links = new Map(open.map((connection) => [connection.remotePeer.toString(), connection]))
      const nonce = bytesToHex(randomBytes(32))
      const question = { domain: init.domain, fisherman, nonce }
      const asked = await Promise.allSettled(
        [...links.values()].map((connection) => askHead(connection, topics.headsProtocol, question, { signal })),
      )
      counters.add('heads.unanswered', asked.filter(({ status }) => status === 'rejected').length)
      return asked.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    },
    counters: () => ({ ...counters.all(), queued: intake.queued() }),
    async stop() {
      stopping.abort()
      peers.stop()
      await intake.stop()
      await node.stop()
    },
  }
}

function peerOf(node: Node, topics: Topics, contacts: Contacts, peer: PeerId): GossipPeer[] {
  const [connection] = node.getConnections(peer)
  if (!connection) return []
  const subscribed = topics.all.filter((topic) => node.services.pubsub.getSubscribers(topic).some((other) => other.equals(peer)))
  const { remoteAddr, direction, rtt, timeline } = connection
  const id = peer.toString()
  const told = contacts.of(id) ?? { agent: '', speaks: 'fraud-proofs', lastSeenMs: timeline.open }
  const { agent, speaks, lastSeenMs } = told
  return [
    {
      ...{ id, address: remoteAddr.toString(), direction, topics: subscribed.length },
      score: scoreOf(node, id),
      latencyMs: rtt,
      connectedAtMs: timeline.open,
      ...{ agent, speaks, lastSeenMs },
    },
  ]
}

/** The router has it; only its public type does not say so. */
function scoreOf(node: Node, peerId: string): number {
  return (node.services.pubsub as unknown as { getScore(peerId: string): number }).getScore(peerId)
}

async function start(node: Node, listen: readonly string[]): Promise<void> {
  try {
    await node.start()
  } catch (cause) {
    await Promise.resolve(node.stop()).catch(() => undefined)
    const message = `Cannot listen on ${listen.join(', ')}: ${messageOf(cause)}. Choose another address or port.`
    throw new FishermanError({ code: 'listen-failed', message, blame: 'ours', cause })
  }
}
