import { randomBytes, randomInt } from 'node:crypto'
import { TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import { STATEMENT_KINDS, type StatementKind } from '../../proofs/codec.ts'
import { bytesToHex } from '../../proofs/signature.ts'
import { withEither } from '../base/clock.ts'
import { FishermanError, messageOf } from '../base/errors.ts'
import { createBans } from './bans.ts'
import { createBundleClient } from './bundle-client.ts'
import { createBundleServer } from './bundles.ts'
import { createContacts } from './contacts.ts'
import { createCounters } from './counters.ts'
import { createFloods } from './floods.ts'
import { createGoodbyeServer } from './goodbye.ts'
import { askHead, createHeadServer } from './heads.ts'
import { loadIdentity, newIdentity } from './identity.ts'
import { createIntake } from './intake.ts'
import { createLinkTable } from './links.ts'
import { createNode, type Node, scoreOf } from './node.ts'
import { openPeerStore } from './peer-store.ts'
import { createPeers } from './peers.ts'
import { createPublisher } from './publish.ts'
import { pullPage } from './pull-client.ts'
import { createPullLoops } from './pull-loops.ts'
import { createPullServer } from './pull-server.ts'
import { createPuller } from './puller.ts'
import { createQuotas, SENDING_SHARE } from './quotas.ts'
import { recoverKey } from './recover.ts'
import { scoreOptions } from './scoring.ts'
import { createSeen } from './seen.ts'
import { parseAddresses } from './targets.ts'
import { createTopics } from './topics.ts'
import type { Gossip, GossipDeps, GossipInit } from './types.ts'
import type { ValidationContext } from './validate.ts'

export type { Gossip, GossipDeps, GossipInit, GossipPeer } from './types.ts'

/** 15 rounds (statute and one round of doubt) of 5,760 L1 blocks of 12 s: twelve days. */
const STATUTE_SECONDS = 15 * 5_760 * 12
/** Streams of the pull protocol that one peer may hold open with us. */
const PULL_STREAMS = 2
/** Bundles that one peer may be taking from us at a time. */
const BUNDLE_STREAMS = 2
/** Enough that a partition of the graph is unlikely, few enough for a home router: twice the mesh of a topic and some. */
const TARGET_PEERS = 25

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
    seen: createSeen(() => deps.nowSec()),
    quotas: createQuotas(clock),
    recoverKey,
  }
  const { relays, onRefused, places } = deps
  const intake = createIntake({
    ...{ context, counters, log, relays, onRefused },
    has: (id) => deps.store.has(id),
    deliver: deps.deliver,
  })
  const privateKey = init.identityFile === undefined ? await newIdentity() : await loadIdentity(init.identityFile, log)
  const { maxPeers = 50, transports = 'tcp', agent = 'fisherman', mdns } = init
  const node = await createNode({ privateKey, listen, maxPeers, transports, topics, bans, agent, ...(mdns ? { mdns } : {}) })
  const followed: readonly StatementKind[] = init.follow === 'fraud-proofs' ? ['fraud-proof'] : STATEMENT_KINDS
  const pulls = init.follow === 'fraud-proofs' ? [topics.stablePullProtocol] : [topics.pullProtocol, topics.stablePullProtocol]
  const contacts = createContacts(node, { clock, pullProtocol: topics.pullProtocol })
  const floods = createFloods(clock)
  const serve = createPullServer({ log, store: deps.store, topics, clock, counters })
  await node.handle(pulls, serve, { maxInboundStreams: PULL_STREAMS, maxOutboundStreams: PULL_STREAMS })
  const { heads } = deps
  if (heads)
    await node.handle(topics.headsProtocol, createHeadServer({ keeper: heads, clock, counters, log }), { maxInboundStreams: 2 })
  const { bundles } = deps
  if (bundles) {
    const served = { shelf: bundles, isMember: deps.view.isMember, nowSec: () => deps.nowSec(), domain: init.domain }
    await node.handle(topics.bundleProtocol, createBundleServer({ ...served, clock, counters, log }), {
      maxInboundStreams: BUNDLE_STREAMS,
    })
  }
  for (const kind of followed) {
    node.services.pubsub.topicValidators.set(topics.topicOf(kind), async (peer, message) => {
      contacts.heard(peer.toString())
      const outcome = await intake.receive(kind, message.data, 'gossip')
      if (outcome.answer === 'ignore' && floods.isFlood(peer.toString(), outcome.refusal.code)) bans.ban(peer.toString(), 'flood')
      return outcome.answer === 'accept' && outcome.relay === false ? ANSWERS.ignore : ANSWERS[outcome.answer]
    })
  }
  const stopping = new AbortController()
  const { targetPeers = Math.min(TARGET_PEERS, maxPeers) } = init
  const peers = createPeers(
    {
      ...{ bootstrap, maxPeers, targetPeers },
      minOutbound: init.minOutbound ?? Math.ceil(targetPeers / 3),
      goodbyeProtocol: topics.goodbyeProtocol,
    },
    {
      ...{ node, bans, counters, log, clock, ours: pulls },
      random: () => randomInt(2 ** 32) / 2 ** 32,
      store: await openPeerStore(init.peersFile, { log, clock }),
      scoreOf: (peerId) => scoreOf(node, peerId),
    },
  )
  node.addEventListener('peer:discovery', ({ detail }) => peers.meet(detail.id.toString(), detail.multiaddrs.map(String)))
  const own = () => ({
    ...{ verdictVersion: init.verdictVersion, chainTimeSec: deps.nowSec() },
    ...{ kept: deps.store.size?.() ?? 0, peers: node.getPeers().length },
  })
  const links = createLinkTable({ node, topics, contacts, own, clock, counters, log, signal: stopping.signal })
  await node.handle(topics.statusProtocol, links.serve, { maxInboundStreams: 2 })
  await node.handle(topics.goodbyeProtocol, createGoodbyeServer({ heard: peers.heard, clock, counters, log }), {
    maxInboundStreams: 1,
  })
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
      peers.hangUp(peerId, 'banned')
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
    quotas: createQuotas(clock, SENDING_SHARE),
    send: async (kind, bytes) => (await node.services.pubsub.publish(topics.topicOf(kind), bytes)).recipients.length,
  })
  // One link for each peer.
  const openLinks = () => {
    const open = node.getConnections().filter(({ status }) => status === 'open')
    return [...new Map(open.map((connection) => [connection.remotePeer.toString(), connection])).values()]
  }
  const fetchBundle =
    bundles &&
    createBundleClient({
      ...{ peerId: node.peerId.toString(), protocol: topics.bundleProtocol, desk: bundles, connections: openLinks },
      ...{ nowSec: () => deps.nowSec(), counters, log },
    })
  return {
    peerId: node.peerId.toString(),
    addresses: () => node.getMultiaddrs().map(String),
    peers: links.peers,
    digests: { full: topics.digest, stable: topics.stableDigest },
    seenAs: contacts.seenAs,
    publish,
    async askHeads(fisherman, { signal }) {
      const nonce = bytesToHex(randomBytes(32))
      const question = { domain: init.domain, fisherman, nonce }
      const asked = await Promise.allSettled(
        openLinks().map((connection) => askHead(connection, topics.headsProtocol, question, { signal })),
      )
      counters.add('heads.unanswered', asked.filter(({ status }) => status === 'rejected').length)
      return asked.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    },
    async fetchBundle(evidenceHash, { signal }) {
      if (!fetchBundle)
        throw new FishermanError({
          code: 'bundle-unavailable',
          message: 'This program takes no evidence from peers.',
          blame: 'ours',
        })
      return await withEither([signal, stopping.signal], (either) => fetchBundle(evidenceHash, { signal: either }))
    },
    setBootstrap: (addresses) => peers.want(parseAddresses(addresses, 'bootstrap')),
    counters: () => ({ ...counters.all(), queued: intake.queued() }),
    async stop() {
      stopping.abort()
      await peers.stop()
      await intake.stop()
      await node.stop()
    },
  }
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
