import type { CaseEvent, CaseHistory } from '../operator/case.ts'
import { lpt, moment, span } from './amounts.ts'
import { columns } from './chain-view.ts'

/** One line a case. */
export function caseTable(cases: readonly CaseHistory[], nowSec: number): string[] {
  if (cases.length === 0) return ['There are no such cases.']
  const rows = cases.map(({ case: one, events }) => {
    const first = events[0]?.atSec
    return [
      ...[one.faultId, one.faultClass, one.state, one.transcoder, one.amount === undefined ? '-' : lpt(one.amount)],
      ...[first === undefined ? '-' : moment(first), nextOf({ case: one, events }, nowSec) ?? ''],
    ]
  })
  return columns([['fault', 'class', 'state', 'orchestrator', 'taken', 'since', 'next'], ...rows], new Set([4]))
}

/** Everything about one case. */
export function caseLines(history: CaseHistory, nowSec: number): string[] {
  const { case: one, events } = history
  const facts: [string, string | undefined][] = [
    ['fault', one.faultId],
    ['class', one.faultClass],
    ['state', one.state],
    ['accused', one.transcoder],
    ['receipt', /^0x0+$/.test(one.receiptDigest) ? undefined : one.receiptDigest],
    ['evidence', one.evidenceHash],
    ['opener', one.opener],
    ['bond', one.bond === undefined ? undefined : lpt(one.bond)],
    ['finder', one.finder],
    ['taken', one.amount === undefined ? undefined : lpt(one.amount)],
    ['appeal by', one.appellant],
    ['next', nextOf(history, nowSec)],
  ]
  return [
    ...facts.flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(10)} ${text}`])),
    '',
    ...columns(events.map((event) => [event.atSec === undefined ? '' : moment(event.atSec), event.tx, wordsOf(event)])),
  ]
}

/** What can happen next, and when. */
function nextOf({ case: one }: CaseHistory, nowSec: number): string | undefined {
  const at = (what: string, sec: number | undefined) =>
    sec === undefined
      ? undefined
      : sec <= nowSec
        ? `can be ${what} now`
        : `can be ${what} in ${span(sec - nowSec)}, on ${moment(sec)}`
  switch (one.state) {
    case 'open':
      return one.answerUntilSec !== undefined && one.answerUntilSec > nowSec
        ? `may be answered for ${span(one.answerUntilSec - nowSec)}, until ${moment(one.answerUntilSec)}`
        : at('expired', one.expiresAtSec)
    case 'answered':
      return at('expired', one.expiresAtSec)
    case 'convicted':
      return at('settled', one.releaseAtSec)
    default:
      return undefined
  }
}

/** One event in words; what is not known by name is told with its values. */
function wordsOf({ name, args }: CaseEvent): string {
  const money = (key: string) => (typeof args[key] === 'bigint' ? lpt(args[key]) : '?')
  const who = (key: string) => String(args[key]).toLowerCase()
  switch (name) {
    case 'CaseOpened':
      return `opened by ${who('opener')}, who stakes ${money('bond')}`
    case 'CaseAnswered':
      return `answered by ${who('by')}, rebuttal ${who('rebuttalHash')}`
    case 'Convicted':
      return `convicted, ${money('amount')} taken; finder ${who('finder')}`
    case 'Held':
      return `${money('amount')} held until ${moment(Number(args.releaseAt))}`
    case 'CaseExpired':
      return `expired, ${money('bond')} back to ${who('opener')}`
    case 'CaseRejected':
      return `rejected, ${money('toAccused')} of the bond to the accused, ${money('toTreasury')} to the treasury`
    case 'CaseDrawn':
      return `drawn, ${money('bond')} back to ${who('opener')}`
    case 'Appealed':
      return `appealed by ${who('appellant')}, who stakes ${money('bond')}; claim ${who('claimHash')}`
    case 'AppealClosed':
      return args.overturned === true
        ? `appeal upheld, ${money('bond')} back to ${who('appellant')}`
        : `appeal lost, ${money('bond')} to the treasury`
    case 'Settled':
      return `settled, ${money('toFinder')} to the finder, ${money('toTreasury')} to the treasury`
    case 'Refunded':
      return `overturned, ${money('amount')} back to ${who('transcoder')}`
    case 'SignersPenalised':
      return `signers penalised, ${money('toTranscoder')} to the accused, ${money('toTreasury')} to the treasury`
    default:
      return `${name} ${Object.values(args).map(String).join(' ')}`
  }
}
