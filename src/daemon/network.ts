import { VERDICT_VERSION } from '../../proofs/types.ts'
import { type HeadStore, openHeadStore } from '../gossip/head-store.ts'
import { createGossip, type Gossip } from '../gossip/index.ts'
import { idOf } from '../gossip/validate.ts'
import { createHeadAnchor } from '../pipeline/anchor.ts'
import type { Bench } from '../pipeline/bench.ts'
import type { PeerClocks } from '../pipeline/clocks.ts'
import { onlyPublic } from '../pipeline/disclosures.ts'
import { createHeadWatch, type HeadWatch } from '../pipeline/heads.ts'
import type { ChainView } from '../pipeline/view.ts'
import type { Pipeline } from '../pipeline.ts'
import { aboutOf, type Built } from './bench.ts'
import type { Frame } from './frame.ts'
import type { Store } from './store.ts'

/** Heads of other logs, and the watch that decides by them whether we may sign. */
export async function openHeads(
  frame: Frame,
  store: Store,
  deps: { bench: Pick<Bench, 'chain' | 'metrics'>; view: ChainView },
): Promise<{ kept: HeadStore; watch: HeadWatch }> {
  const { config, logger, signal, closers, params, at, init } = frame
  const { log, guard, identity } = store
  const { chain, metrics } = deps.bench
  const { isMember } = deps.view
  const kept = await openHeadStore(at('heads.json'), { log: logger })
  closers.add('heads of others', () => kept.close())
  const watch = createHeadWatch(
    {
      firstStart: init.firstStart ?? false,
      announceEveryMs: params.announceHeadMs,
      askEveryMs: params.askHeadMs,
      anchorEveryMs: params.anchorHeadMs,
    },
    {
      ...{ log, logger, signal, isMember, nowSec: chain.nowSec, keep: kept.keep },
      key: identity && guard && { attester: identity.attester, guard },
      anchor: createHeadAnchor({
        ...{ chain, metrics, logger, signal, isMember },
        ...{ address: identity?.attester.address, sends: config.mode === 'active' },
      }),
    },
  )
  return { kept, watch }
}

export interface JoinDeps {
  bench: Bench
  identity: Store['identity']
  view: ChainView
  heads: { kept: HeadStore; watch: HeadWatch }
  desk: Built['desk']
  peerClocks: PeerClocks
  pipeline: Pick<Pipeline, 'isPublic' | 'takeStatement'>
}

/** Joins the gossip: what is heard goes into the log first, and then to the pipeline. */
export async function joinGossip(frame: Frame, deps: JoinDeps): Promise<Gossip> {
  const { config, logger, clock, closers, params, domain, at } = frame
  const { view, desk, identity, peerClocks, pipeline, bench } = deps
  const { chain, log, tally, metrics } = bench
  const { kept, watch } = deps.heads
  const { bootstrap, mdns, listen, maxPeers } = config.gossip
  if (config.network !== 'local' && bootstrap.length === 0 && !mdns)
    logger.warn('No other fisherman is known: name one in gossip.bootstrap, or wait until others dial us')
  const gossip = await createGossip(
    {
      ...{ domain, listen, bootstrap, maxPeers, verdictVersion: VERDICT_VERSION },
      ...{ identityFile: at('gossip.key'), peersFile: at('peers.json') },
      ...(mdns ? { mdns: {} } : {}),
      pullEveryMs: params.pullEveryMs,
      windowSeconds: params.draw.windowSeconds,
    },
    {
      ...{ clock, nowSec: chain.nowSec, log: logger, view, bundles: { ...desk, ...onlyPublic(desk, pipeline.isPublic) } },
      store: {
        since: (cursor, limit) => log.statementsSince(cursor, limit),
        has: (id) => log.hasStatement(id),
        size: () => log.head().size,
        byKind: { since: log.statementsOfKinds, last: log.lastStatement },
      },
      heads: {
        last: kept.last,
        sign: async (body) =>
          identity && { signer: identity.attester.address, signature: await identity.attester.headReturn(body) },
      },
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
  closers.add('gossip', () => gossip.stop())
  return gossip
}
