import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { Closers } from './base/closers.ts'
import type { Logger } from './base/log.ts'
import { followDirectory } from './chain/directory.ts'
import type { Config } from './config/schema.ts'
import { buildBench } from './daemon/bench.ts'
import { createAnswers, followFeeds } from './daemon/feeds.ts'
import { createFrame, type DaemonInit, type Frame } from './daemon/frame.ts'
import { followHeads } from './daemon/heads.ts'
import { joinGossip, openHeads } from './daemon/network.ts'
import { readSiteFiles, serveSite } from './daemon/site.ts'
import { openChain, openStore } from './daemon/store.ts'
import { openTools } from './daemon/tools.ts'
import { createPeerClocks } from './pipeline/clocks.ts'
import { limitsFor } from './pipeline/network.ts'
import { startProbing } from './pipeline/probing.ts'
import { budgetOf, createReload, type Reloaded } from './pipeline/reload.ts'
import { followView } from './pipeline/view.ts'
import { createPipeline } from './pipeline.ts'

export type { DaemonInit } from './daemon/frame.ts'

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
    return await open(createFrame(config, logger, closers, init))
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}

// What is opened last is closed first: feeds end before the checks, those before the gossip, and the log is the last to go.
async function open(frame: Frame): Promise<Daemon> {
  const { config, logger, closers, params, deployment, signal, stopping, late } = frame
  const files = readSiteFiles(frame)
  const store = await openStore(frame)
  const spending = limitsFor(params, config.limits)
  const chain = await openChain(frame, store, spending)
  const tools = await openTools(frame)
  const answers = createAnswers(frame)
  const online = () => chain.trouble() === undefined && answers.areFresh()
  const budget = budgetOf(config)
  const { bench, desk, scores } = await buildBench(frame, { ...store, ...tools, chain, budget, online })
  const view = await followView(chain, config.feeds, logger)
  const heads = await openHeads(frame, store, { bench, view })
  const { watch } = heads
  late.heads = watch
  const pipeline = createPipeline(bench)
  const peerClocks = createPeerClocks({ nowSec: chain.nowSec })
  const gossip = await joinGossip(frame, { bench, identity: store.identity, view, heads, desk, peerClocks, pipeline })
  late.gossip = gossip
  closers.add('last head', () => watch.farewell())
  closers.add('checks', () => bench.queue.stop())
  await pipeline.resume()
  await watch.start(gossip)
  closers.add('heads', followHeads(bench, pipeline))

  const directory = followDirectory({ deployment, rpcUrls: config.rpc, everyMs: params.directoryMs }, { log: logger, signal })
  const probing = await startProbing(config, { bench, book: scores, directory })
  const feeds = followFeeds(frame, {
    ...{ bench, view, answers },
    async onWindow(window) {
      await pipeline.takeWindow(window)
      probing.take(window)
    },
  })
  closers.add('feeds', async () => {
    stopping.abort(new Error('the daemon stops'))
    await Promise.all([feeds.ended(), probing.ended()])
  })
  const { hardware } = tools
  const http = await serveSite(frame, files, {
    ...{ bench, gossip, watch, view, feeds, scores, directory, peerClocks, pipeline, hardware },
  })
  const info = { address: store.signer?.address ?? null, http: http.url }
  const { tokenFile } = config.http
  announce(frame, { ...info, pid: process.pid, gossip: gossip.addresses(), ...(tokenFile === undefined ? {} : { tokenFile }) })
  logger.info('Fisherman is running', { mode: config.mode, ...info, feeds: config.feeds.length })
  const reload = createReload(config, { params, budget, spending, feeds, setBootstrap: gossip.setBootstrap })
  return { url: http.url, stop: () => closers.closeAll(), reload }
}

/** `daemon.json` tells commands, and whoever started us, how to reach us, and where the token lies; it is there as a whole or not at all. */
function announce({ at, closers }: Frame, info: Readonly<Record<string, unknown>>): void {
  writeFileSync(at('daemon.json.part'), JSON.stringify(info))
  renameSync(at('daemon.json.part'), at('daemon.json'))
  closers.add('daemon.json', () => rmSync(at('daemon.json'), { force: true }))
}
