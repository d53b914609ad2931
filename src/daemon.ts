import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AnyStatement, encodeStatement } from '../proofs/codec.ts'
import { bytesToHex } from '../proofs/signature.ts'
import { type Hex, VERDICT_VERSION } from '../proofs/types.ts'
import { type Attester, createAttester } from './attest/attester.ts'
import { blsKeysOf } from './attest/bls.ts'
import { QUICKNET, randomnessOf, roundAt, timeOfRound, verifyRound } from './attest/drand.ts'
import { openGuard } from './attest/guard.ts'
import { loadKeystore } from './attest/keys.ts'
import { sleep, systemClock } from './base/clock.ts'
import { Closers } from './base/closers.ts'
import { FishermanError, messageOf } from './base/errors.ts'
import { startHttp } from './base/http.ts'
import type { Logger } from './base/log.ts'
import { createQueue } from './base/queue.ts'
import { createWriteAhead, type Moment } from './base/write-ahead.ts'
import { createChain } from './chain/chain.ts'
import { loadDeployment } from './chain/deployment.ts'
import { followDirectory } from './chain/directory.ts'
import type { TransactionSigner } from './chain/types.ts'
import { PLACES, programPath } from './config/paths.ts'
import type { Config } from './config/schema.ts'
import { readWeights } from './config/weights.ts'
import { createCourt } from './court/court.ts'
import { createBlobCache } from './fetch/blobs.ts'
import { createDrand, type Drand } from './fetch/drand.ts'
import { openHeadStore } from './gossip/head-store.ts'
import { createGossip, type Gossip } from './gossip/index.ts'
import { idOf } from './gossip/validate.ts'
import { openHardware } from './judge/hardware.ts'
import { createJudge } from './judge.ts'
import { createMetrics } from './observe/metrics.ts'
import { siteRoutes } from './observe/site.ts'
import { readSecret, readToken } from './observe/token.ts'
import { createHeadAnchor } from './pipeline/anchor.ts'
import type { Bench } from './pipeline/bench.ts'
import { createBundleDesk } from './pipeline/bundle-desk.ts'
import { createCaseEvidence } from './pipeline/case-evidence.ts'
import { createPeerClocks } from './pipeline/clocks.ts'
import { createFeedSet } from './pipeline/feed-set.ts'
import { createFilmDesk } from './pipeline/film-desk.ts'
import { createHeadWatch, type HeadWatch } from './pipeline/heads.ts'
import { createIntentStore } from './pipeline/intents.ts'
import { createLedger, evidenceHashFor } from './pipeline/ledger.ts'
import { limitsFor, networkParams, windowsToKeep } from './pipeline/network.ts'
import { startProbing } from './pipeline/probing.ts'
import { createReadings } from './pipeline/readings.ts'
import { rebuttalText } from './pipeline/rebuttals.ts'
import { budgetOf, createReload, type Reloaded } from './pipeline/reload.ts'
import { createScoreBook } from './pipeline/score-book.ts'
import { createScoreFeed } from './pipeline/score-feed.ts'
import { createTally } from './pipeline/tally.ts'
import { openTrustFile } from './pipeline/trust-file.ts'
import { followView } from './pipeline/view.ts'
import { createPipeline } from './pipeline.ts'
import { createEvidenceStore } from './prooflog/evidence.ts'
import { type About, openProofLog } from './prooflog/log.ts'
import { type FeedReaderDeps, followFeed } from './receipt/feed.ts'
import { createBudget } from './sample/budget.ts'

/** Checks that may wait for their bytes while another one is judged. */
const FETCHING = 3
/** Milliseconds since a feed last answered for which our own network counts as working. */
const ONLINE_MS = 60_000
/** Why a node with bad samples is a suspect. */
const RAISED = 'its evidence score is raised'

export interface DaemonInit {
  /** Of the program, for bundles. */
  version?: string
  /** The operator's word that this key signs nowhere else: the only way around the head exchange. */
  firstStart?: boolean
  /** Called at each point of the write-ahead; tests pull the plug there. */
  reached?(moment: Moment): void
}

export interface Daemon {
  /** http://127.0.0.1:port */
  readonly url: string
  /** Ends intake, closes everything in order; resolves when nothing is left. */
  stop(): Promise<void>
  /** Takes over what may change while it runs, and says what may not. Throws, and changes nothing, where something is wrong. */
  reload(next: Config): Reloaded
}

/** Builds the rooms and starts them in order: disk, chain, network, feeds, and only then the answer that we are here. */
export async function startDaemon(config: Config, logger: Logger, init: DaemonInit = {}): Promise<Daemon> {
  const closers = new Closers(logger)
  try {
    return await open(config, logger, closers, init)
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}

async function open(config: Config, logger: Logger, closers: Closers, init: DaemonInit): Promise<Daemon> {
  const at = (...parts: string[]) => join(config.dataDir, ...parts)
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const stopping = new AbortController()
  const { signal } = stopping
  // Every timer and request of the daemon listens to it; that is no leak.
  setMaxListeners(0, signal)
  const clock = systemClock
  const params = networkParams(config.network)
  const presets = readWeights(config.scores.weightsFile)
  const postSecret = readSecret(config.scores.postSecretFile, 'scores.postSecretFile')
  const deployment = loadDeployment(config.deployment)
  const domain = { chainId: deployment.chainId, anchor: deployment.anchor }

  const signer =
    config.mode === 'observe' || !config.key ? undefined : await loadKeystore(config.key.file, config.key.passwordFile)
  const owner = `${domain.chainId}:${domain.anchor}:${signer?.address ?? 'observer'}`
  const log = await openProofLog(
    { folder: at(PLACES.log), identity: owner },
    { clock, onDamage: (reason) => logger.error('The proof log is damaged', { reason }) },
  )
  closers.add('proof log', () => log.close())
  let heads: HeadWatch | undefined
  const writeAhead = createWriteAhead({
    // Checks go on without a log that can be trusted; whatever others would rely on does not.
    refuses: (step) =>
      step === 'sign' || step === 'intend' || step === 'broadcast' ? (log.trouble() ?? heads?.refusal()) : undefined,
    ...(init.reached ? { reached: init.reached } : {}),
  })
  const guard = signer && (await openGuard(at(PLACES.guard), owner))
  closers.add('guard', () => guard?.close())
  const identity = signer &&
    guard && { attester: createAttester({ domain }, { signer, guard, writeAhead }), bls: await blsKeysOf(signer) }
  const intents = await createIntentStore(log)
  const spending = limitsFor(params, config.limits)
  const chain = await createChain(
    {
      ...{ rpcUrls: config.rpc, deployment, pollMs: params.chainPollMs, spanFile: at('chain.ndjson') },
      send: config.mode === 'active' ? 'live' : 'simulate',
      limits: spending.limits,
      get maxFeePerGas() {
        return spending.maxFeePerGas
      },
    },
    {
      clock,
      log: logger,
      intents,
      writeAhead,
      halted: () => haltedBy(at(PLACES.stop)),
      ...(signer ? { signer: signer.wallet() as unknown as TransactionSigner } : {}),
    },
  )
  closers.add('chain', () => chain.close())

  const metrics = createMetrics()
  closers.add(
    'alarms',
    chain.onAlarm(({ kind }) => metrics.alarm(kind)),
  )
  const tally = createTally()
  const scores = createScoreBook()
  const keepWindows = windowsToKeep(config.network)
  const ledger = createLedger({ keepWindows })
  const queue = createQueue({
    // The judge runs `ffmpegJobs` at once; the others fetch meanwhile, so that a slow feed holds up nobody else's check.
    concurrency: config.ffmpegJobs + FETCHING,
    limit: config.maxWaiting,
    onError: (error) => logger.error('Check failed', { reason: messageOf(error) }),
    onDrop: () => metrics.dropped('sample'),
  })
  rmSync(at('scratch'), { recursive: true, force: true })
  mkdirSync(at('scratch'), { recursive: true, mode: 0o700 })
  const hardware =
    config.hardware === 'auto'
      ? await openHardware(
          {
            ...{ scratchDir: at('scratch'), cacheFile: at('hardware.json'), searchPath: programPath() },
            ...{ maxJobs: config.gpuJobs, nice: config.nice },
          },
          logger,
          signal,
        )
      : undefined
  const judge = createJudge({
    ...{ scratchDir: at('scratch'), maxJobs: config.ffmpegJobs, nice: config.nice, searchPath: programPath(), hardware },
  })
  const blobs = await createBlobCache(
    { folder: at('cache'), quotaBytes: config.cacheBytes },
    { clock, nowSec: chain.nowSec, authorize: async (request) => authorize(identity?.attester, request) },
  )

  const budget = budgetOf(config)
  const view = await followView(chain, config.feeds, logger)
  const trust = await openTrustFile(at('trust.json'), { log: logger })
  closers.add('trust', () => trust.close())
  const headStore = await openHeadStore(at('heads.json'), { log: logger })
  closers.add('heads of others', () => headStore.close())
  const watch = createHeadWatch(
    {
      firstStart: init.firstStart ?? false,
      announceEveryMs: params.announceHeadMs,
      askEveryMs: params.askHeadMs,
      anchorEveryMs: params.anchorHeadMs,
    },
    {
      ...{ log, logger, signal, isMember: view.isMember, nowSec: chain.nowSec, keep: headStore.keep },
      key: identity && guard && { attester: identity.attester, guard },
      anchor: createHeadAnchor({
        ...{ chain, metrics, logger, signal, isMember: view.isMember },
        ...{ address: identity?.attester.address, sends: config.mode === 'active' },
      }),
    },
  )
  heads = watch
  let gossip: Gossip | undefined
  let lastAnswerMs = Number.NEGATIVE_INFINITY
  const later: Bench['later'] = (ms, what, work) => {
    const run = async () => {
      await sleep(ms, signal)
      await work()
    }
    run().catch((error: unknown) => {
      if (!signal.aborted) logger.error('Work failed', { what, reason: messageOf(error) })
    })
  }
  const evidence = createEvidenceStore({ folder: at(PLACES.bundles) }, { log, nowMs: clock.nowMs })
  const desk = createBundleDesk(
    { scratchDir: at('scratch'), searchPath: programPath() },
    { evidence, authorize: (request) => authorize(identity?.attester, request), nowMs: clock.nowMs },
  )
  const caseEvidence = createCaseEvidence(
    { scratchDir: at('scratch'), urls: config.evidenceUrls, quotaBytes: config.evidenceBytes },
    { evidence, desk, blobs, log: logger, fetchBundle: async (...args) => await gossip?.fetchBundle(...args) },
  )
  const bench: Bench = {
    ...{
      domain,
      mode: config.mode,
      params,
      clock,
      logger,
      metrics,
      chain,
      log,
      writeAhead,
      judge,
      blobs,
      queue,
      ledger,
      tally,
      scores,
      trust,
      later,
      signal,
    },
    address: identity?.attester.address,
    get identity() {
      return watch.state() === 'signing' ? identity : undefined
    },
    onSigning: watch.onSigning,
    court: createCourt(params.court),
    ...(config.network === 'local' ? {} : { drand: drandFor(config, logger, metrics) }),
    budget: createBudget(budget),
    bundleDir: at(PLACES.bundles),
    rebuttalDir: at(PLACES.rebuttals),
    ...{ evidence, caseEvidence, keepWindows },
    evidenceBytes: config.evidenceBytes,
    program: {
      name: 'fisherman',
      version: init.version ?? 'unknown',
      decoder: await judge.decoder().catch(() => 'none'),
      platform: `${process.platform} ${process.arch}, node ${process.version}`,
    },
    online: () => chain.trouble() === undefined && clock.monotonicMs() - lastAnswerMs < ONLINE_MS,
    paused: () => existsSync(at(PLACES.pause)),
    randomHash: () => bytesToHex(randomBytes(32)),
    async say(statement: AnyStatement) {
      const bytes = encodeStatement(statement)
      const record = () => log.appendStatement('sent', statement.kind, idOf(bytes), bytes, aboutOf(statement))
      await writeAhead.run('say', statement.kind, record, async (entry) => {
        // It was said before.
        if (!entry) return
        tally.statement('sent')
        metrics.statement('sent', statement.kind)
        await gossip?.publish(statement)
      })
    },
  }
  const { bootstrap, mdns } = config.gossip
  if (config.network !== 'local' && bootstrap.length === 0 && !mdns)
    logger.warn('No other fisherman is known: name one in gossip.bootstrap, or wait until others dial us')
  const pipeline = createPipeline(bench)
  const peerClocks = createPeerClocks({ nowSec: chain.nowSec })
  gossip = await createGossip(
    {
      domain,
      verdictVersion: VERDICT_VERSION,
      listen: config.gossip.listen,
      bootstrap: config.gossip.bootstrap,
      identityFile: at('gossip.key'),
      maxPeers: config.gossip.maxPeers,
      peersFile: at('peers.json'),
      ...(config.gossip.mdns ? { mdns: {} } : {}),
      pullEveryMs: params.pullEveryMs,
      windowSeconds: params.draw.windowSeconds,
    },
    {
      ...{ clock, nowSec: chain.nowSec, log: logger, view },
      store: {
        since: (cursor, limit) => log.statementsSince(cursor, limit),
        has: (id) => log.hasStatement(id),
        size: () => log.head().size,
        byKind: { since: log.statementsOfKinds, last: log.lastStatement },
      },
      heads: {
        last: headStore.last,
        sign: async (body) =>
          identity && { signer: identity.attester.address, signature: await identity.attester.headReturn(body) },
      },
      bundles: desk,
      async deliver(statement, bytes, from) {
        // Heads of other logs are kept beside ours, not in it.
        if (statement.kind === 'head') {
          if (from === 'gossip') peerClocks.heard(statement.signer, Number(statement.body.signedAt))
          return await watch.hear(statement)
        }
        const entry = await log.appendStatement('received', statement.kind, idOf(bytes), bytes, aboutOf(statement))
        if (!entry) return
        tally.statement('received')
        metrics.statement('received', statement.kind)
        pipeline.takeStatement(statement)
      },
    },
  )
  closers.add('gossip', () => gossip?.stop())
  closers.add('last head', () => watch.farewell())
  closers.add('checks', () => queue.stop())
  await pipeline.resume()
  await watch.start(gossip)

  let busy = false
  closers.add(
    'heads',
    chain.onHead(() => {
      // A full disk may have space again by now.
      if (log.trouble() !== undefined)
        log.recover().then(
          (works) => works && logger.info('The proof log can be written again'),
          () => undefined,
        )
      // Who may be under a case soon is watched before it is.
      for (const [transcoder, { evidenceScore }] of Object.entries(tally.nodes()) as [Hex, { evidenceScore: number }][])
        if (evidenceScore > 0) chain.suspect(transcoder, RAISED)
        else chain.unsuspect(transcoder, RAISED)
      // A head that comes while the last one is still worked on is skipped: everything is recomputed from the next.
      if (busy) return
      busy = true
      pipeline
        .onHead()
        .catch((error: unknown) => logger.warn('Cases could not be looked at', { reason: messageOf(error) }))
        .finally(() => {
          busy = false
        })
    }),
  )
  const directory = followDirectory({ deployment, rpcUrls: config.rpc, everyMs: params.directoryMs }, { log: logger, signal })
  const probing = await startProbing(config, { bench, book: scores, directory })
  const feedDeps: FeedReaderDeps = {
    ...{ clock, log: logger, nowSec: chain.nowSec },
    async round() {
      // By an old round the newest receipts look wrong: while the chain is away, feeds wait.
      const reason = chain.trouble()
      if (reason) throw new FishermanError({ code: 'chain-away', message: `the round is not known: ${reason}`, blame: 'ours' })
      return await chain.round()
    },
    async isSigner(transcoder, key, round) {
      const known = await chain.isSigner(transcoder, key, round)
      if (known) view.learn(transcoder, key)
      return known
    },
    async onWindow(window) {
      await pipeline.takeWindow(window)
      probing.take(window)
    },
    onBad: metrics.badFeed,
    onAnswer() {
      lastAnswerMs = clock.monotonicMs()
    },
  }
  const feeds = createFeedSet({
    ...{ logger, signal },
    follow(feed, until) {
      view.learn(feed.transcoder, feed.transcoder)
      return followFeed({ domain, feed, windowSeconds: params.draw.windowSeconds, pollMs: params.feedPollMs }, feedDeps, until)
    },
  })
  feeds.set(config.feeds)
  closers.add('feeds', async () => {
    stopping.abort(new Error('the daemon stops'))
    await Promise.all([feeds.ended(), probing.ended()])
  })

  const ready = () =>
    log.trouble() ??
    (watch.state() === 'stopped' ? watch.refusal() : undefined) ??
    chain.trouble() ??
    chain.blocked() ??
    (chain.headAgeSec() > 60 ? 'the newest block is more than a minute old' : undefined)
  metrics.readings(
    createReadings(
      {
        ...{ version: init.version ?? 'unknown', verdictVersion: VERDICT_VERSION, network: config.network },
        ...{ dataDir: config.dataDir, budget: config.budget },
      },
      {
        ...{ bench, ready, gossip: () => gossip, signing: watch.state, members: view.memberCount },
        ...{ feeds: feeds.size, hardware: () => hardware?.counts() ?? [], clocksAhead: peerClocks.ahead },
      },
    ),
  )
  const network = gossip
  const http = await startHttp({
    host: config.http.host,
    port: config.http.port,
    routes: siteRoutes({
      ...{ bundleDir: bench.bundleDir, idleDir: at(PLACES.idle), version: init.version ?? 'unknown' },
      ...{ metrics, log, clock, logger },
      http: { host: config.http.host, showPrivate: config.http.showPrivate, ...readToken(config.http.tokenFile) },
      orchestrators: tally.nodes,
      scores: createScoreFeed(
        {
          ...{ region: config.region, presets, verificationFreq: config.scores.verificationFreq },
          ...(postSecret === undefined ? {} : { postSecret }),
          followed: () => config.feeds.map(({ transcoder }) => transcoder),
        },
        {
          ...{ bench, book: scores, directory },
        },
      ),
      evidenceHash(sampleId) {
        const sample = ledger.sample(sampleId)
        return sample && evidenceHashFor(sample.known, sample.rendition)
      },
      ready,
      peers: () => network.peers(),
      explain: (digest) => pipeline.explain(digest),
      rebuttal: (hash) => rebuttalText(bench.rebuttalDir, hash),
      film: createFilmDesk({ folder: at('films'), scratchDir: at('scratch') }, bench).film,
      network: () => ({
        peer: network.peerId,
        chainId: domain.chainId.toString(),
        anchor: domain.anchor,
        verdictVersion: VERDICT_VERSION,
        digests: network.digests,
        addresses: network.addresses(),
        seenAs: network.seenAs(),
        peers: network.peers(),
        foreign: network.counters()['banned.foreign'] ?? 0,
        clock: {
          systemSec: Math.floor(clock.nowMs() / 1000),
          chainSec: chain.nowSec(),
          headAgeSec: Math.round(chain.headAgeSec()),
          peersAhead: peerClocks.ahead(),
        },
      }),
      summary: () => ({
        address: signer?.address ?? null,
        mode: config.mode,
        signing: { state: watch.state(), reason: watch.refusal() ?? null },
        peers: new Set(gossip?.peers().map(({ id }) => id)).size,
        ...tally.totals(),
        waiting: queue.size() + queue.running(),
        orchestrators: tally.nodes(),
        // Amounts as decimal strings of wei: JSON has no number for them.
        alarms: chain.alarms().map(({ amount, blockNumber, ...alarm }) => ({
          ...{ ...alarm, blockNumber: Number(blockNumber) },
          ...(amount === undefined ? {} : { amount: amount.toString() }),
        })),
      }),
    }),
  })
  closers.add('http', () => http.stop())
  const info = { pid: process.pid, address: signer?.address ?? null, http: http.url, gossip: gossip.addresses() }
  writeFileSync(at('daemon.json.part'), JSON.stringify(info))
  renameSync(at('daemon.json.part'), at('daemon.json'))
  closers.add('daemon.json', () => rmSync(at('daemon.json'), { force: true }))
  logger.info('Fisherman is running', { mode: config.mode, address: info.address, http: info.http, feeds: config.feeds.length })
  const reload = createReload(config, { params, budget, spending, feeds, setBootstrap: network.setBootstrap })
  return { url: http.url, stop: () => closers.closeAll(), reload }
}

function drandFor(config: Config, log: Logger, metrics: ReturnType<typeof createMetrics>): Drand {
  return createDrand(
    { urls: config.beacon.urls, chainHash: QUICKNET.chainHash },
    {
      ...{ clock: systemClock, log, roundAt, timeOfRound, verify: verifyRound, randomness: randomnessOf },
      onBad: (reason) => metrics.badFeed(`drand-${reason}`),
    },
  )
}

/** The operator's kill switch: a file, since anybody who can stop us can make one, and it outlives a restart. */
function haltedBy(file: string): string | undefined {
  return existsSync(file) ? `nothing is sent to the chain while ${file} is there; remove it to go on` : undefined
}

/** What an entry about a statement can be found by. */
function aboutOf({ body }: AnyStatement): About {
  const { transcoder, faultId } = body as { transcoder?: Hex; faultId?: Hex }
  return { ...(transcoder ? { transcoder } : {}), ...(faultId ? { faultId } : {}) }
}

async function authorize(
  attester: Attester | undefined,
  request: Parameters<Attester['blobRequest']>[0],
): Promise<{ address: Hex; signature: Hex }> {
  if (!attester) throw new FishermanError({ code: 'no-key', message: 'bytes can only be asked for with a key', blame: 'ours' })
  return { address: attester.address, signature: await attester.blobRequest(request) }
}
