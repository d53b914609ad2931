import { VERDICT_VERSION } from '../../proofs/types.ts'
import { type HttpServer, startHttp } from '../base/http.ts'
import type { Directory } from '../chain/directory.ts'
import { PLACES } from '../config/paths.ts'
import { readWeights } from '../config/weights.ts'
import type { Gossip } from '../gossip/index.ts'
import { siteRoutes } from '../observe/site.ts'
import { readSecret, readToken } from '../observe/token.ts'
import type { Bench } from '../pipeline/bench.ts'
import type { PeerClocks } from '../pipeline/clocks.ts'
import type { FeedSet } from '../pipeline/feed-set.ts'
import { createFilmDesk } from '../pipeline/film-desk.ts'
import type { HeadWatch } from '../pipeline/heads.ts'
import { evidenceHashFor } from '../pipeline/ledger.ts'
import { createReadings } from '../pipeline/readings.ts'
import { rebuttalText } from '../pipeline/rebuttals.ts'
import type { ScoreBook } from '../pipeline/score-book.ts'
import { createScoreFeed } from '../pipeline/score-feed.ts'
import type { ChainView } from '../pipeline/view.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Frame } from './frame.ts'
import type { Tools } from './tools.ts'

/** Seconds without a new block after which we are not ready. */
const STALE_HEAD_SEC = 60

export interface SiteParts {
  bench: Bench
  gossip: Gossip
  watch: HeadWatch
  view: ChainView
  feeds: FeedSet
  scores: ScoreBook
  directory: Directory
  peerClocks: PeerClocks
  pipeline: Pick<Pipeline, 'explain' | 'isPublic'>
  hardware: Tools['hardware']
}

/** What the operator's files say of who may ask, and of the feeds for gateways; read before anything is opened, since each may be wrong. */
export type SiteFiles = ReturnType<typeof readSiteFiles>

export function readSiteFiles({ config }: Pick<Frame, 'config'>) {
  return {
    token: readToken(config.http.tokenFile),
    presets: readWeights(config.scores.weightsFile),
    postSecret: readSecret(config.scores.postSecretFile, 'scores.postSecretFile'),
  }
}

/** Serves page, API, metrics and the feeds for gateways. */
export async function serveSite(frame: Frame, files: SiteFiles, parts: SiteParts): Promise<HttpServer> {
  const { config, logger, clock, closers, version, at } = frame
  const { bench, gossip, watch, view, feeds, pipeline, peerClocks, hardware } = parts
  const { log, metrics, tally, ledger } = bench
  const ready = readyOf(bench, watch)
  metrics.readings(
    createReadings(
      {
        ...{ version, verdictVersion: VERDICT_VERSION, network: config.network },
        ...{ dataDir: config.dataDir, budget: config.budget },
      },
      {
        ...{ bench, ready, gossip: () => gossip, signing: watch.state, members: view.memberCount },
        ...{ feeds: feeds.size, hardware: () => hardware?.counts() ?? [], clocksAhead: peerClocks.ahead },
      },
    ),
  )
  const http = await startHttp({
    host: config.http.host,
    port: config.http.port,
    routes: siteRoutes({
      ...{ bundleDir: bench.bundleDir, idleDir: at(PLACES.idle), version, metrics, log, clock, logger, ready },
      http: { ...config.http, ...files.token },
      orchestrators: tally.nodes,
      scores: scoresOf(frame, files, parts),
      evidenceHash(sampleId) {
        const sample = ledger.sample(sampleId)
        return sample && evidenceHashFor(sample.known, sample.rendition)
      },
      peers: () => gossip.peers(),
      explain: (digest) => pipeline.explain(digest),
      isPublic: pipeline.isPublic,
      rebuttal: (hash) => rebuttalText(bench.rebuttalDir, hash),
      film: createFilmDesk({ folder: at('films'), scratchDir: at('scratch') }, bench).film,
      network: networkOf(frame, parts),
      summary: summaryOf(frame, parts),
    }),
  })
  closers.add('http', () => http.stop())
  return http
}

/** Why this daemon cannot do its work now, in one sentence; undefined while it can. */
function readyOf({ log, chain }: Bench, watch: HeadWatch): () => string | undefined {
  return () =>
    log.trouble() ??
    (watch.state() === 'stopped' ? watch.refusal() : undefined) ??
    chain.trouble() ??
    chain.blocked() ??
    (chain.headAgeSec() > STALE_HEAD_SEC ? 'the newest block is more than a minute old' : undefined)
}

function scoresOf({ config }: Frame, { presets, postSecret }: SiteFiles, { bench, scores, directory }: SiteParts) {
  return createScoreFeed(
    {
      ...{ region: config.region, presets, verificationFreq: config.scores.verificationFreq },
      ...(postSecret === undefined ? {} : { postSecret }),
      followed: () => config.feeds.map(({ transcoder }) => transcoder),
    },
    { bench, book: scores, directory },
  )
}

/** How this daemon stands in the network, for `fisherman net doctor`. */
function networkOf({ domain, clock }: Frame, { bench, gossip, peerClocks }: SiteParts) {
  const { chain } = bench
  return () => ({
    peer: gossip.peerId,
    chainId: domain.chainId.toString(),
    anchor: domain.anchor,
    verdictVersion: VERDICT_VERSION,
    digests: gossip.digests,
    addresses: gossip.addresses(),
    seenAs: gossip.seenAs(),
    peers: gossip.peers(),
    foreign: gossip.counters()['banned.foreign'] ?? 0,
    clock: {
      systemSec: Math.floor(clock.nowMs() / 1000),
      chainSec: chain.nowSec(),
      headAgeSec: Math.round(chain.headAgeSec()),
      peersAhead: peerClocks.ahead(),
    },
  })
}

function summaryOf({ config }: Frame, { bench, gossip, watch }: SiteParts) {
  const { address, tally, queue, chain } = bench
  return () => ({
    address: address ?? null,
    mode: config.mode,
    signing: { state: watch.state(), reason: watch.refusal() ?? null },
    peers: new Set(gossip.peers().map(({ id }) => id)).size,
    ...tally.totals(),
    waiting: queue.size() + queue.running(),
    orchestrators: tally.nodes(),
    // Amounts as decimal strings of wei: JSON has no number for them.
    alarms: chain.alarms().map(({ amount, blockNumber, ...alarm }) => ({
      ...{ ...alarm, blockNumber: Number(blockNumber) },
      ...(amount === undefined ? {} : { amount: amount.toString() }),
    })),
  })
}
