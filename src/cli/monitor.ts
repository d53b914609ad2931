import { readFileSync } from 'node:fs'
import type { Hex } from '../../proofs/types.ts'
import { systemClock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { stateFolder } from '../config/paths.ts'
import { type MonitorInit, type MonitorRound, runMonitor } from '../monitor/alerts/monitor.ts'
import { THRESHOLDS } from '../monitor/alerts/rules.ts'
import { placeOf } from '../operator/place.ts'
import { complain, usage } from './complain.ts'
import { toJson } from './json.ts'
import type { MonitorFlags } from './monitor.options.ts'
import { daemonsOf, isUrl } from './monitor-daemons.ts'
import { noticeLine, roundLines } from './monitor-view.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman monitor`: exit code 0 nothing is the matter or ended by a signal, 1 something is (--once), 2 it could not begin. */
export async function monitorCommand(flags: MonitorFlags, signal: AbortSignal = untilSignal()): Promise<number> {
  const { json = false } = flags
  let last: MonitorRound | undefined
  try {
    const init = initOf(flags)
    if (!json && !init.once)
      console.error(`fisherman monitor: watching ${whatOf(init)}; a line for each alert, none for good news`)
    await runMonitor(
      init,
      {
        ...{ clock: systemClock, log: stderrLog() },
        onNotice(notice) {
          if (json) console.log(toJson({ type: notice.state, ...notice.alert, sinceMs: notice.sinceMs }))
          else if (!init.once) console.log(noticeLine(notice, systemClock.nowMs()))
        },
        onRound(round) {
          last = round
        },
      },
      signal,
    )
  } catch (error) {
    complain('monitor', error)
    return 2
  }
  if (!last || !flags.once) return 0
  if (json) for (const one of last.forecasts) console.log(toJson({ type: 'forecast', ...one }))
  else for (const line of roundLines(last)) console.log(line)
  return last.standing.length > 0 || last.news.some(({ severity }) => severity !== 'info') ? 1 : 0
}

function initOf(flags: MonitorFlags): MonitorInit {
  const { rpcUrls, deploymentFile } = placeOf(flags)
  if (flags.webhook !== undefined && flags.webhookFile !== undefined) throw usage('--webhook or --webhook-file, not both')
  const webhook = flags.webhookFile === undefined ? flags.webhook : secretLine(flags.webhookFile)
  if (webhook !== undefined && !isUrl(webhook)) throw usage('--webhook: must be an http or https URL')
  if (webhook !== undefined && !isPlain(webhook)) throw usage('--webhook: must be without user and password before its host')
  for (const address of flags.account ?? [])
    if (!/^0x[0-9a-fA-F]{40}$/.test(address)) throw usage(`--account '${address}': must be an address, 0x and 40 hex digits`)
  // A single look must not take an alert for told.
  const remembers = flags.state !== false && !flags.once
  const state = typeof flags.state === 'string' ? { file: flags.state } : remembers ? { folder: stateFolder() } : undefined
  return {
    ...{ rpcUrls, deploymentFile, webhook, once: flags.once ?? false, peers: flags.peer ?? [] },
    daemons: daemonsOf(flags),
    accounts: (flags.account ?? []).map((address) => address.toLowerCase() as Hex),
    state,
    everyMs: 1000 * numberOf('--every', flags.every, 1, 86_400),
    thresholds: {
      ...THRESHOLDS,
      idleSec: 3600 * numberOf('--idle', flags.idle, 0, 10_000),
      minBalanceWei: BigInt(Math.round(numberOf('--min-balance', flags.minBalance, 0, 1e6) * 1e9)) * 1_000_000_000n,
    },
  }
}

function whatOf({ daemons, accounts, rpcUrls }: MonitorInit): string {
  return `${rpcUrls.length} RPC endpoints, ${daemons.length} daemons, ${accounts.length} accounts`
}

/** No request can be made with credentials in its address. */
function isPlain(url: string): boolean {
  const { username, password } = new URL(url)
  return username === '' && password === ''
}

function numberOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= min && value <= max))
    throw usage(`${flag} '${text}': must be a number from ${min} to ${max}`)
  return value
}

function secretLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw usage(`--webhook-file ${file} cannot be read (${messageOf(error)})`)
  }
}

function stderrLog(): Logger {
  const say = (text: string, fields: object = {}) =>
    console.error(
      `fisherman monitor: ${text}${'reason' in fields ? `: ${String(fields.reason)}` : 'error' in fields ? `: ${String(fields.error)}` : ''}`,
    )
  // What the chain client notices comes back as an alert; twice would be once too often.
  return { debug: () => undefined, info: () => undefined, warn: () => undefined, error: say }
}
