import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import type { Hex } from '../../../proofs/types.ts'
import { type Clock, repeat, sleep } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { createChain } from '../../chain/chain.ts'
import { loadDeployment } from '../../chain/deployment.ts'
import { createRpc } from '../../chain/rpc.ts'
import type { Deployment } from '../../chain/types.ts'
import { type AlertBook, openAlertBook } from './book.ts'
import { forecastAll } from './forecast.ts'
import { followGossip } from './gossip.ts'
import { lookAround } from './look.ts'
import { judge } from './rules.ts'
import type { DaemonTarget } from './target.ts'
import type { Alert, Forecast, Notice, Observation, Thresholds } from './types.ts'
import { createWebhook } from './webhook.ts'

export interface MonitorInit {
  deploymentFile: string
  rpcUrls: readonly string[]
  daemons: readonly DaemonTarget[]
  accounts: readonly Hex[]
  /** Fishermen whose gossip is followed for fraud proofs; none is fine. */
  peers: readonly string[]
  webhook?: string | undefined
  /** Where alerts and what was told of them are kept: a file, or a folder with one for each network. Nothing is remembered without. */
  state?: { file: string } | { folder: string } | undefined
  thresholds: Thresholds
  /** Milliseconds between two rounds. */
  everyMs: number
  /** One round, then the end. */
  once: boolean
}

export interface MonitorDeps {
  clock: Clock
  log: Logger
  onNotice(notice: Notice): void
  /** After each round. */
  onRound(round: MonitorRound): void
}

export interface MonitorRound {
  forecasts: Forecast[]
  standing: ReturnType<AlertBook['standing']>
  /** Told in this round, and only once. */
  news: Alert[]
  observation: Observation
}

/** Milliseconds that a single round waits for its webhook. */
const ONCE_WAIT_MS = 3_600_000

/**
 * Looks at the chain, the gossip and the daemons, round after round, and tells what is the matter. Holds no key and sends no transaction.
 * Resolves when the signal fires, or after one round; throws where it cannot begin: no deployment, no chain, a damaged state.
 */
export async function runMonitor(init: MonitorInit, deps: MonitorDeps, outer: AbortSignal): Promise<void> {
  const { clock, log } = deps
  const ending = new AbortController()
  const signal = AbortSignal.any([outer, ending.signal])
  setMaxListeners(0, signal)
  const deployment = loadDeployment(init.deploymentFile)
  const scope = `${deployment.chainId}:${deployment.anchor}`
  const forwards = init.webhook !== undefined
  const book = openAlertBook({ path: stateFileOf(init.state, deployment), scope, forwards }, { log })
  const chain = await createChain({ rpcUrls: init.rpcUrls, deployment, signal }, { clock, log })
  const rpc = createRpc({ rpcUrls: init.rpcUrls, chainId: deployment.chainId }, { log })
  const source = `fisherman monitor of chain ${deployment.chainId}`
  const hook =
    init.webhook === undefined
      ? undefined
      : createWebhook({ url: init.webhook, source }, { clock, log, signal, onDone: book.delivered })
  const gossip = followGossip({ deployment, peers: init.once ? [] : init.peers }, { clock, signal })

  async function round(): Promise<void> {
    const around = { deployment, daemons: init.daemons, accounts: init.accounts }
    const observation = await lookAround(around, { chain, rpc, falseProofs: gossip.falseProofs, gossip: gossip.seen }, signal)
    const judged = judge(observation, book.memory(), init.thresholds)
    const notices = book.take(judged, clock.nowMs())
    for (const notice of notices) {
      deps.onNotice(notice)
      hook?.send(notice)
    }
    const { cases, nowSec } = observation
    const news = notices.flatMap(({ state, alert }) => (state === 'news' ? [alert] : []))
    deps.onRound({ forecasts: forecastAll(cases, nowSec), standing: book.standing(), news, observation })
  }

  try {
    // What an earlier run could not deliver goes first.
    for (const notice of book.undelivered()) hook?.send(notice)
    if (init.once) {
      await round()
      await Promise.race([hook?.idle(), sleep(ONCE_WAIT_MS, signal).catch(() => undefined)])
      const left = book.undelivered().length
      if (hook && left > 0) log.error('Not everything could be delivered', { reason: `the webhook did not take ${left} alerts` })
    } else
      await repeat(init.everyMs, round, { signal, onError: (error) => log.error('A round failed', { reason: messageOf(error) }) })
  } finally {
    ending.abort(new Error('the monitor stops'))
    await gossip.ended
    await chain.close()
    rpc.close()
  }
}

function stateFileOf(state: MonitorInit['state'], { chainId, anchor }: Deployment): string | undefined {
  if (!state || 'file' in state) return state?.file
  return join(state.folder, `monitor-${chainId}-${anchor.slice(2, 10)}.json`)
}
