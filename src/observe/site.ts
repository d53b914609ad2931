import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { HttpApp } from '../base/http.ts'
import type { Logger } from '../base/log.ts'
import { createRateLimiter, type Quota } from '../base/rate.ts'
import { BUNDLE_ENDING } from '../prooflog/evidence.ts'
import type { ProofLog } from '../prooflog/log.ts'
import type { ApiSource } from './api/endpoints.ts'
import { createEventDesk } from './api/events.ts'
import { createGuard, type GuardInit } from './api/guard.ts'
import { createReads } from './api/reads.ts'
import { apiRoutes } from './api/routes.ts'
import { createTotals } from './api/totals.ts'
import { createDatasets, datasetRoutes } from './datasets.ts'
import { feedRoutes } from './feeds/routes.ts'
import type { FeedSource } from './feeds/source.ts'
import { scoresTable } from './feeds/table.ts'
import { createFileDesk, type FileLimits } from './files.ts'
import { pageRoutes } from './page.ts'
import { type DaemonRoutesDeps, daemonRoutes } from './routes.ts'

/** All that a daemon serves: its page, the API below it, metrics, and bundles. */
export interface SiteDeps extends DaemonRoutesDeps {
  log: ProofLog
  clock: Clock
  logger: Logger
  /** Who may ask, and what is shown of metrics and private streams. */
  http: GuardInit & { openMetrics?: boolean; showPrivate?: boolean }
  version: string
  summary(): { address: string | null; mode: string; peers: number; checked: number; waiting: number }
  orchestrators: ApiSource['orchestrators']
  peers: ApiSource['peers']
  explain: ApiSource['explain']
  network(): { peer: string }
  film?: ApiSource['film']
  rebuttal?: ApiSource['rebuttal']
  /** What the feeds for gateways are made of; without it there are none. */
  scores?: FeedSource
  evidenceHash(sampleId: Hex): Hex | undefined
  /** Where `fisherman idle --publish` writes. */
  idleDir: string
  /** Of one client; for tests. */
  requests?: Quota
  /** Of files that are sent; for tests. */
  files?: Partial<FileLimits>
}

/** A page asks for about ten things at once. */
const REQUESTS: Quota = { burst: 200, everyMs: 20 }
const LOGINS: Quota = { burst: 5, everyMs: 12_000 }

export function siteRoutes(deps: SiteDeps): (app: HttpApp) => void {
  const { log, clock, logger } = deps
  const reads = createReads(log)
  const totals = createTotals(log, clock)
  const source: ApiSource = {
    ...{ reads, bundleDir: deps.bundleDir, orchestrators: deps.orchestrators, evidenceHash: deps.evidenceHash },
    showPrivate: deps.http.showPrivate ?? false,
    film: deps.film ?? (async () => undefined),
    rebuttal: deps.rebuttal ?? (async () => undefined),
    ...(deps.scores ? { scores: scoresTable(deps.scores) } : {}),
    idle: createDatasets(deps.idleDir).newest,
    ...{ peers: deps.peers, explain: deps.explain, network: () => ({ ...deps.network() }) },
    async summary() {
      const { size, root } = log.head()
      const [{ today, money }, bundles] = await Promise.all([totals.now(), bundlesIn(deps.bundleDir)])
      return { ...deps.summary(), notReady: deps.ready() ?? null, bundles, today, money, log: { size, root } }
    },
  }
  const guard = createGuard(deps.http, {
    requests: createRateLimiter(deps.requests ?? REQUESTS, clock),
    logins: createRateLimiter(LOGINS, clock),
  })
  const files = createFileDesk(deps.files)
  return (app) => {
    daemonRoutes({ ...deps, openMetrics: deps.http.openMetrics ?? false, guard, files })(app)
    datasetRoutes(deps.idleDir, { guard, files })(app)
    const events = createEventDesk({ state: () => ({ size: log.head().size, peers: deps.peers().length }) })
    const onError = (error: unknown) => logger.error('A question to the API failed', { reason: messageOf(error) })
    apiRoutes({ source, guard, events, version: deps.version, onError })(app)
    if (deps.scores) feedRoutes({ source: deps.scores, guard, clock, randomId: randomUUID, onError })(app)
    pageRoutes(guard)(app)
  }
}

async function bundlesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => name.endsWith(BUNDLE_ENDING)).length
}
