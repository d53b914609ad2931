import { readdir } from 'node:fs/promises'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { HttpApp } from '../base/http.ts'
import type { Logger } from '../base/log.ts'
import { createRateLimiter, type Quota } from '../base/rate.ts'
import type { ProofLog } from '../prooflog/log.ts'
import type { ApiSource } from './api/endpoints.ts'
import { createEventDesk } from './api/events.ts'
import { createGuard } from './api/guard.ts'
import { createReads } from './api/reads.ts'
import { apiRoutes } from './api/routes.ts'
import { pageRoutes } from './page.ts'
import { type DaemonRoutesDeps, daemonRoutes } from './routes.ts'

/** All that a daemon serves: its page, the API below it, metrics, and bundles. */
export interface SiteDeps extends DaemonRoutesDeps {
  log: ProofLog
  clock: Clock
  logger: Logger
  /** Address that we listen on, and the token that other machines need. */
  http: { host: string; token?: string }
  version: string
  summary(): { address: string | null; mode: string; peers: number; checked: number; waiting: number }
  orchestrators: ApiSource['orchestrators']
  peers: ApiSource['peers']
  explain: ApiSource['explain']
  network(): { peer: string }
  evidenceHash(sampleId: Hex): Hex | undefined
  /** Of one client; for tests. */
  requests?: Quota
}

/** A page asks for about ten things at once. */
const REQUESTS: Quota = { burst: 200, everyMs: 20 }
const LOGINS: Quota = { burst: 5, everyMs: 12_000 }

export function siteRoutes(deps: SiteDeps): (app: HttpApp) => void {
  const { log, clock, logger } = deps
  const reads = createReads(log)
  const source: ApiSource = {
    ...{ reads, bundleDir: deps.bundleDir, orchestrators: deps.orchestrators, evidenceHash: deps.evidenceHash },
    ...{ peers: deps.peers, explain: deps.explain, network: () => ({ ...deps.network() }) },
    async summary() {
      const [today, money, bundles] = await Promise.all([reads.today(clock.nowMs()), reads.money(), bundlesIn(deps.bundleDir)])
      const { size, root } = log.head()
      return { ...deps.summary(), bundles, today, money, log: { size, root } }
    },
  }
  const guard = createGuard(deps.http, {
    requests: createRateLimiter(deps.requests ?? REQUESTS, clock),
    logins: createRateLimiter(LOGINS, clock),
  })
  return (app) => {
    daemonRoutes(deps)(app)
    const events = createEventDesk({ state: () => ({ size: log.head().size, peers: deps.peers().length }) })
    const onError = (error: unknown) => logger.error('A question to the API failed', { reason: messageOf(error) })
    apiRoutes({ source, guard, events, version: deps.version, onError })(app)
    pageRoutes(guard)(app)
  }
}

async function bundlesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => name.endsWith('.fishbundle')).map((name) => name.slice(0, -'.fishbundle'.length))
}
