import type { Hex } from '../../../proofs/types.ts'
import { exact } from '../../base/amounts.ts'
import { forecastAll } from './forecast.ts'
import type { Alert, DaemonLook, Forecast, Observation, Thresholds } from './types.ts'

// Pure: what was seen -> what is the matter. An alert that is not here any more in the next round is over.

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
}

export function judge(seen: Observation, before: Memory, limits: Thresholds): Judged {
  const daemons = Object.fromEntries(
    seen.daemons.map((look) => [look.url, progress(look, before.daemons[look.url], seen.nowSec)]),
  )
  // Without a chain that can be followed nothing is said of what is on it.
  const blind = seen.trouble !== undefined
  const alerts = [
    ...ofChain(seen, limits),
    ...(blind ? [] : forecastAll(seen.cases, seen.nowSec).flatMap((one) => ofCase(one, limits))),
    ...(seen.paused ? [pausedAlert()] : []),
    ...seen.daemons.flatMap((look) => ofDaemon(look, daemons[look.url], seen.nowSec, limits)),
    ...seen.balances.flatMap(({ address, wei }) => ofBalance(address, wei, limits)),
  ]
  return {
    alerts,
    news: [...(blind ? [] : newsOf(seen, before)), ...seen.alarms.map(ofAlarm), ...seen.falseProofs.map(ofFalse)],
    memory: {
      parameters: blind || Object.keys(seen.parameters).length === 0 ? before.parameters : seen.parameters,
      daemons,
      cases: blind
        ? before.cases
        : Object.fromEntries(seen.cases.map(({ faultId, state, appellant }) => [faultId, told(state, appellant)])),
    },
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
  const alerts: Alert[] = []
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

/** When did this daemon last judge something? A restart of it begins anew. */
function progress(look: DaemonLook, kept: Memory['daemons'][string] | undefined, nowSec: number): Memory['daemons'][string] {
  const { checked = kept?.checked ?? 0, receipts = kept?.receipts ?? 0 } = look
  return kept && checked === kept.checked && receipts >= kept.receipts ? kept : { sinceSec: nowSec, checked, receipts }
}

function ofBalance(address: Hex, wei: bigint, { minBalanceWei }: Thresholds): Alert[] {
  if (wei >= minBalanceWei) return []
  const says = `${address} has ${exact(wei, 'ETH')} left for gas, less than ${exact(minBalanceWei, 'ETH')}`
  return [{ id: `funds-low:${address}`, kind: 'funds-low', severity: 'warning', says, do: 'send it some of the native coin' }]
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

function newsOf(seen: Observation, before: Memory): Alert[] {
  const news: Alert[] = []
  const known = Object.keys(before.parameters).length > 0
  for (const [name, value] of Object.entries(seen.parameters)) {
    const old = before.parameters[name]
    if (!known || old === value) continue
    news.push({
      ...{ id: `parameter-changed:${name}:${value}`, kind: 'parameter-changed', severity: 'critical' },
      says: `the parameter ${name} of the contracts is now ${value}; it was ${old ?? 'not there'}`,
      do: 'was this announced? type fisherman deploy --check to see whether the rules still hold',
    })
  }
  for (const { faultId, faultClass, transcoder, state, appellant } of seen.cases) {
    const now = told(state, appellant)
    if (before.cases[faultId] === now) continue
    // At the very first look what is over by now is no news.
    if (Object.keys(before.cases).length === 0 && !['open', 'answered', 'appealed'].includes(now)) continue
    const about = `case ${faultClass} ${faultId} against ${transcoder}`
    const look = `type fisherman case show ${faultId}`
    if (now === 'open')
      news.push({ id: `case-new:${faultId}`, kind: 'case-new', severity: 'info', says: `${about} was opened`, do: look })
    else if (now === 'convicted')
      news.push({
        id: `case-convicted:${faultId}`,
        kind: 'case-convicted',
        severity: 'info',
        says: `${about} is convicted`,
        do: look,
      })
    else if (now === 'appealed')
      news.push({
        ...{
          id: `case-appealed:${faultId}`,
          kind: 'case-appealed',
          severity: 'warning',
          says: `${about} is appealed by ${appellant}`,
        },
        do: 'the oracle must decide before its time is over',
      })
  }
  return news
}

function told(state: string, appellant: Hex | undefined): string {
  return state === 'convicted' && appellant ? 'appealed' : state
}

function ofAlarm({ kind, transcoder, because, tx }: Observation['alarms'][number]): Alert {
  return {
    ...{ id: `evasion:${kind}:${tx}`, kind: 'evasion', severity: 'critical' },
    says: `${transcoder} moves what could be taken from it (${kind}) while ${because}`,
    do: `look at transaction ${tx}; proofs that are ready should be brought now`,
  }
}

function ofFalse({ id, reason }: Observation['falseProofs'][number]): Alert {
  return {
    ...{
      id: `proof-false:${id}`,
      kind: 'proof-false',
      severity: 'warning',
      says: `gossip brought a false proof ${id}: ${reason}`,
    },
    do: 'nothing follows from it; many of them are an attack on the topic',
  }
}

function hours(seconds: number): string {
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
