import type { Hex } from '../../../proofs/types.ts'
import { exact } from '../../base/amounts.ts'
import { forecastAll } from './forecast.ts'
import { newsOf, stageOf } from './news.ts'
import { type Sight, sightOf } from './sources.ts'
import type { Alert, DaemonLook, Forecast, Observation, Thresholds } from './types.ts'

// Pure: what was seen -> what is the matter. An alert that is not here any more in the next round is over, if its source could be read.

/** Defaults, each with its reason. */
export const THRESHOLDS: Thresholds = {
  // Daemons act within minutes; six hours leave a night's sleep before most deadlines (24 h to answer).
  idleSec: 6 * 3600,
  // Two of the daemon's own limits for an old head.
  headAgeSec: 120,
  // Public windows close each minute; two hours without a verdict on a live feed is no chance any more.
  stuckSec: 2 * 3600,
  // Some twenty proofs at Arbitrum's prices.
  minBalanceWei: 5_000_000_000_000_000n,
}

/** What the round before knew; kept over restarts. */
export interface Memory {
  parameters: Readonly<Record<string, string>>
  /** Unix seconds of chain time since which each daemon has seen receipts without a verdict; and its counts then. */
  daemons: Readonly<Record<string, { sinceSec: number; checked: number; receipts: number }>>
  /** Cases that were told. */
  cases: Readonly<Record<string, string>>
}

export const NO_MEMORY: Memory = { parameters: {}, daemons: {}, cases: {} }

export interface Judged {
  /** What stands now. */
  alerts: Alert[]
  /** What happened since the last round, and is told once. */
  news: Alert[]
  memory: Memory
  /** What could be seen at all. */
  sight: Sight
}

export function judge(seen: Observation, before: Memory, limits: Thresholds): Judged {
  const daemons = Object.fromEntries(
    seen.daemons.flatMap((look) => {
      const made = progress(look, before.daemons[look.url], seen.nowSec)
      return made ? [[look.url, made] as const] : []
    }),
  )
  // Without a chain that can be followed nothing is said of what is on it.
  const blind = seen.trouble !== undefined
  const alerts = [
    ...ofChain(seen, limits),
    ...(blind ? [] : forecastAll(seen.cases, seen.nowSec).flatMap((one) => ofCase(one, limits))),
    ...(seen.paused ? [pausedAlert()] : []),
    ...(seen.gossip?.trouble === undefined ? [] : [ofGossip(seen.gossip.trouble)]),
    ...seen.daemons.flatMap((look) => ofDaemon(look, daemons[look.url], seen.nowSec, limits)),
    ...seen.balances.flatMap(({ address, wei }) => (wei === undefined ? [] : ofBalance(address, wei, limits))),
  ]
  return {
    alerts,
    news: newsOf(seen, before),
    memory: {
      // One that does not answer now has not become another.
      parameters: blind ? before.parameters : { ...before.parameters, ...seen.parameters },
      daemons,
      cases: blind ? before.cases : Object.fromEntries(seen.cases.map((one) => [one.faultId, stageOf(one)])),
    },
    sight: sightOf(seen),
  }
}

function ofChain({ trouble, headAgeSec }: Observation, limits: Thresholds): Alert[] {
  const how = 'check the RPC endpoints; name two or more with --rpc'
  if (trouble !== undefined)
    return [
      {
        id: 'chain-trouble',
        kind: 'chain-trouble',
        severity: 'critical',
        says: `the chain cannot be followed: ${trouble}`,
        do: how,
      },
    ]
  if (headAgeSec <= limits.headAgeSec) return []
  const says = `the newest block is ${Math.round(headAgeSec)} s old: what is said of cases is as old`
  return [{ id: 'chain-stale', kind: 'chain-stale', severity: 'critical', says, do: how }]
}

function ofCase({ faultId, faultClass, transcoder, next, idleSec }: Forecast, limits: Thresholds): Alert[] {
  if (idleSec < limits.idleSec) return []
  const verb = next === 'settle' ? 'settled' : 'ended'
  return [
    {
      ...{ id: `case-idle:${faultId}`, kind: 'case-idle', severity: 'warning' },
      says: `case ${faultClass} ${faultId} against ${transcoder} could have been ${verb} ${hours(idleSec)} ago, and nobody does it`,
      do: `type fisherman case ${next === 'settle' ? 'settle' : 'expire'} ${faultId}`,
    },
  ]
}

function ofDaemon(look: DaemonLook, kept: Memory['daemons'][string] | undefined, nowSec: number, limits: Thresholds): Alert[] {
  const { url, state, says = '' } = look
  if (state === 'down')
    return [
      {
        ...{ id: `daemon-down:${url}`, kind: 'daemon-down', severity: 'critical', says: `${url} does not answer: ${says}` },
        do: 'start it again with the same data folder; its own log says why it ended',
      },
    ]
  const alerts: Alert[] = notTold(look)
  if (state === 'not-ready')
    alerts.push({
      ...{ id: `daemon-not-ready:${url}`, kind: 'daemon-not-ready', severity: 'warning', says: `${url} is not ready: ${says}` },
      do: 'do what the line says; fisherman doctor on that machine looks closer',
    })
  if (kept && kept.receipts < (look.receipts ?? 0) && nowSec - kept.sinceSec > limits.stuckSec)
    alerts.push({
      ...{ id: `daemon-stuck:${url}`, kind: 'daemon-stuck', severity: 'warning' },
      says: `${url} has seen ${(look.receipts ?? 0) - kept.receipts} receipts in ${hours(nowSec - kept.sinceSec)} and judged none`,
      do: 'its budget may be spent, its key not registered, or ffmpeg missing; type fisherman doctor there',
    })
  return alerts
}

/** Without its counts a daemon that judges nothing looks like one that is well. */
function notTold({ url, refused, unread }: DaemonLook): Alert[] {
  const blind = 'whether it judges anything cannot be seen'
  if (refused !== undefined)
    return [
      {
        ...{ id: `daemon-refused:${url}`, kind: 'daemon-refused', severity: 'warning' },
        says: `${url} does not let us ask (${refused}): ${blind}`,
        do:
          refused === 401
            ? 'give the token of its http.tokenFile with --token-file'
            : 'set http.tokenFile on that machine, and give the same token with --token-file',
      },
    ]
  if (unread === undefined) return []
  return [
    {
      ...{ id: `daemon-unread:${url}`, kind: 'daemon-unread', severity: 'warning' },
      says: `${url} does not tell all: ${unread}; ${blind}`,
      do: 'is it a fisherman of this version, asked by its address or by its http.host? its own log says more',
    },
  ]
}

/** When did this daemon last judge something? A restart of it begins anew; what it does not tell changes nothing. */
function progress(
  { checked, receipts = 0 }: DaemonLook,
  kept: Memory['daemons'][string] | undefined,
  nowSec: number,
): Memory['daemons'][string] | undefined {
  if (checked === undefined) return kept
  return kept && checked === kept.checked && receipts >= kept.receipts ? kept : { sinceSec: nowSec, checked, receipts }
}

function ofBalance(address: Hex, wei: bigint, { minBalanceWei }: Thresholds): Alert[] {
  if (wei >= minBalanceWei) return []
  const says = `${address} has ${exact(wei, 'ETH')} left for gas, less than ${exact(minBalanceWei, 'ETH')}`
  return [{ id: `funds-low:${address}`, kind: 'funds-low', severity: 'warning', says, do: 'send it some of the native coin' }]
}

function ofGossip(trouble: string): Alert {
  return {
    ...{ id: 'gossip-trouble', kind: 'gossip-trouble', severity: 'warning', says: `the gossip cannot be followed: ${trouble}` },
    do: 'check the addresses of --peer, and that those fishermen run; false proofs are not seen until then',
  }
}

function pausedAlert(): Alert {
  return {
    ...{
      id: 'paused',
      kind: 'paused',
      severity: 'critical',
      says: 'new proofs are paused by the guardian; open cases still end',
    },
    do: 'ask the guardian why; a pause ends by itself or by its hand',
  }
}

function hours(seconds: number): string {
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
