import { join } from 'node:path'
import { messageOf } from '../base/errors.ts'
import type { Directory } from '../chain/directory.ts'
import { weiOf } from '../chain/limits.ts'
import type { Config } from '../config/schema.ts'
import { createLivepeerClient, type LivepeerClient } from '../livepeer/client.ts'
import { addressRule } from '../livepeer/reach.ts'
import { privateRandom, streamName } from '../probe/chance.ts'
import { openWallet, type ProbeWallet } from '../probe/wallet.ts'
import type { FeedWindow } from '../receipt/feed.ts'
import type { Bench } from './bench.ts'
import { runBursts } from './bursts.ts'
import { openProbeFindings } from './probe-findings.ts'
import { runProber } from './prober.ts'
import type { ScoreBook } from './score-book.ts'
import { createReceiptWatch } from './unreceipted.ts'
import { beaconAt } from './windows.ts'

/** A daemon's probes: what they need, and where windows are looked through for their receipts. */
export interface Probing {
  take(window: FeedWindow): void
  /** Resolves when nothing of it runs, after the signal was aborted. */
  ended(): Promise<void>
}

/** Seconds of a segment, as gateways cut them. */
const SEGMENT_SEC = 2
const GWEI = 10n ** 9n

/** Builds wallets and clients, takes up what earlier runs found, and begins to probe where the operator wants it. */
export async function startProbing(
  config: Pick<Config, 'probe' | 'dataDir' | 'rpc' | 'deployment' | 'feeds'>,
  deps: { bench: Bench; book: ScoreBook; directory: Directory },
): Promise<Probing> {
  const { probe, dataDir } = config
  const { bench, book, directory } = deps
  const { signal, logger, chain } = bench
  const findings = await openProbeFindings(join(dataDir, 'probes.ndjson'), book)
  // Nothing is bought, so that no receipt is waited for.
  if (probe.perDay === 0 && probe.burst === 0) return { take: () => undefined, ended: async () => undefined }
  const receipts = createReceiptWatch(
    { windowSeconds: bench.params.draw.windowSeconds },
    {
      onNone({ transcoder, orderHash, answeredSec }) {
        logger.warn('A segment that we got has no receipt', { transcoder, orderHash })
        findings
          .add({ kind: 'unreceipted', transcoder, atSec: answeredSec })
          .catch((error: unknown) => logger.warn('A finding of a probe could not be kept', { reason: messageOf(error) }))
      },
    },
  )
  const wallets: ProbeWallet[] = []
  const clients: LivepeerClient[] = []
  const mayConnect = addressRule(probe)
  for (const [i, key] of probe.keys.entries()) {
    const wallet = await openWallet(
      {
        ...{
          key,
          spendingFile: join(dataDir, `probe-spending-${i}.txt`),
          maxPrice: { wei: BigInt(probe.maxPriceWei), pixels: 1n },
        },
        ...{ maxTicketEvWei: BigInt(Math.round(probe.maxTicketGwei)) * GWEI, maxFaceValueWei: weiOf(probe.maxFaceValue) },
        ...{ capPerDayWei: weiOf(probe.maxPerDay), chain: { rpcUrls: config.rpc, deploymentFile: config.deployment } },
      },
      signal,
    )
    wallets.push(wallet)
    clients.push(createLivepeerClient({ mayConnect, ...wallet }, { clock: bench.clock }))
  }
  if (clients.length === 0) clients.push(createLivepeerClient({ mayConnect }, { clock: bench.clock }))
  const isFollowed = (node: string) => config.feeds.some(({ transcoder }) => transcoder === node)
  const { perDay, burst, segments, maxHeight, sources } = probe
  const init = {
    ...{ domain: bench.domain, perDay, segments, segmentSec: SEGMENT_SEC, maxHeight, scratchDir: join(dataDir, 'scratch') },
    ...(sources === undefined ? {} : { sourcesDir: sources }),
  }
  const needs = {
    ...{ clock: bench.clock, nowSec: chain.nowSec, random: privateRandom, judge: bench.judge, findings, receipts, logger },
    ...{ budget: bench.budget, paused: bench.paused, isFollowed },
    streamName,
    client: () => clients[Math.floor(privateRandom() * clients.length)] as LivepeerClient,
    targets: () =>
      directory
        .all()
        ?.filter(({ serviceUri }) => /^https?:\/\//.test(serviceUri))
        .map(({ address, serviceUri }) => ({ transcoder: address, uri: serviceUri })),
  }
  const running = Promise.all([
    ...(perDay > 0 ? [runProber(init, needs, signal)] : []),
    ...(burst > 0
      ? [
          runBursts(
            { ...init, streams: burst, draw: bench.params.draw },
            { ...needs, beaconAt: (timestampSec) => beaconAt(bench, timestampSec) },
            signal,
          ),
        ]
      : []),
  ])
    .catch(() => undefined)
    .finally(async () => {
      for (const wallet of wallets) await wallet.close()
    })
  logger.info('Probes are on', { perDay, burst, identities: probe.keys.length })
  return {
    take: receipts.take,
    async ended() {
      await running
    },
  }
}
