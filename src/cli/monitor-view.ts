import type { MonitorRound } from '../monitor/alerts/monitor.ts'
import type { Forecast, Notice } from '../monitor/alerts/types.ts'
import { textOf } from '../monitor/alerts/webhook.ts'
import { moment, span } from './amounts.ts'
import { columns } from './chain-view.ts'

/** A notice with its time, one line. */
export function noticeLine(notice: Notice, nowMs: number): string {
  return `${moment(Math.floor(nowMs / 1000))} ${textOf(notice)}`
}

const NEXT: Record<Forecast['next'], string> = {
  'answer-or-votes': 'an answer, or votes',
  votes: 'votes',
  expire: 'its end, by anybody',
  'appeal-or-wait': 'an appeal, or time',
  oracle: "the oracle's decision",
  settle: 'its settlement, by anybody',
}

/** The forecast of every open case and all that is the matter. */
export function roundLines({ forecasts, standing, news, observation: { nowSec } }: MonitorRound): string[] {
  const rows = forecasts.map(({ faultId, faultClass, transcoder, state, next, untilSec, idleSec }) => [
    ...[faultId, faultClass, transcoder, state, NEXT[next]],
    idleSec > 0
      ? `overdue by ${span(idleSec)}`
      : untilSec === undefined
        ? ''
        : `${span(untilSec - nowSec)} left, until ${moment(untilSec)}`,
  ])
  const table =
    rows.length === 0
      ? ['No case is open.']
      : columns([['fault', 'class', 'orchestrator', 'state', 'waits for', 'time'], ...rows])
  const alerts = [...standing.map(({ alert }) => alert), ...news.filter(({ severity }) => severity !== 'info')]
  const matters = alerts.map((alert) => `${alert.severity.padEnd(8)} ${alert.says}. ${alert.do}.`)
  return [...table, '', ...(matters.length === 0 ? ['Nothing is the matter.'] : matters)]
}
