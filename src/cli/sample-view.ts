import type { Draws } from '../monitor/net/ask.ts'
import { moment, span } from './amounts.ts'

type Rendition = Draws['renditions'][number]

/** Everything about a receipt, in the order in which it was decided. */
export function drawLines(told: Draws): string[] {
  const { receiptDigest, transcoder, windowId, seq, streamId, completedAt, beacon, beaconSec, nowSec, members, receipts } = told
  const head = [
    `receipt    ${receiptDigest}`,
    `of         ${transcoder}, segment ${seq} of stream ${streamId}, finished ${moment(completedAt)}`,
    `window     ${windowId}${beacon ? `, ${receipts} receipts, ${members} members that could be drawn` : ''}`,
  ]
  if (!beacon) {
    const wait =
      beaconSec > nowSec
        ? `in ${span(beaconSec - nowSec)}, at ${moment(beaconSec)}`
        : `since ${moment(beaconSec)}; it has not come yet`
    return [...head, `beacon     due ${wait}: nobody knows what will be looked at`]
  }
  return [
    ...head,
    `beacon     ${beacon}, ${moment(beaconSec)}`,
    `we         ${WE[told.we]}`,
    ...told.renditions.flatMap((one) => ['', ...renditionLines(one, told)]),
  ]
}

const WE: Record<Draws['we'], string> = {
  drawn: 'are a member: our ticket decides',
  'no-key': 'have no key (mode observe): we are never drawn',
  'not-signing': 'do not sign now: we are not drawn meanwhile',
  'not-a-member': 'were no registered, active member at the beacon: we are not drawn',
}

function renditionLines(
  { rendition, sampleId, selection, isSelected, isDrawable, ticket, state, verdict, seals }: Rendition,
  told: Draws,
): string[] {
  const { value, line, mostLine } = selection
  const selected = isSelected
    ? `selected   ${number(value)} is below ${number(line)}${told.times > 1 ? ` (${told.times} times the usual: there is evidence against the node)` : ''}`
    : `selected   no: ${number(value)} is not below ${number(line)}${isDrawable ? `; whoever sees evidence looks below ${number(mostLine)}` : ': nobody looks at it'}`
  return [
    `rendition ${rendition}  sample ${sampleId}`,
    `  ${selected}`,
    ...(isSelected && ticket ? [`  ${ticketLine(ticket, told.beaconSec)}`] : []),
    ...(verdict ? [`  verdict    ${verdict}, our own`] : state ? [`  state      ${STATES[state] ?? state}`] : []),
    ...seals.map(
      ({ member, outcome, deadlineSec, isReplay, isTrusted }) =>
        `  sealed by  ${member}${isReplay ? ' (a replay)' : ''}: ${outcome ?? (deadlineSec < told.nowSec ? 'not opened in time' : `opens by ${moment(deadlineSec)}`)}${isTrusted ? '' : ', not trusted by us'}`,
    ),
  ]
}

function ticketLine(
  { value, firstLine, lastLine, tranche, afterSeconds = 0 }: NonNullable<Rendition['ticket']>,
  beaconSec: number,
): string {
  if (tranche === undefined)
    return `ticket     ${number(value)} is not below ${number(lastLine)}, the line of the last tranche: not drawn`
  if (tranche === 0) return `ticket     ${number(value)} is below ${number(firstLine)}: drawn first, awake at once`
  return `ticket     ${number(value)} draws tranche ${tranche}: awake ${afterSeconds} s after the beacon, at ${moment(beaconSec + afterSeconds)}, where earlier ones stay silent`
}

const STATES: Readonly<Record<string, string>> = {
  waiting: 'waits for its check',
  urgent: 'waits for its check, before others',
  started: 'is being checked',
  resting: 'failed by a fault of this machine, will be tried again',
  'left-to-others': 'left to others: somebody earlier has sealed an answer',
  paused: 'not checked: this fisherman is paused; fisherman resume',
  'over-budget': "not checked: the day's budget is spent",
  dropped: 'not checked: too many samples waited',
  'failed-here': 'not checked: this machine failed several times; fisherman doctor says why',
}

/** null is infinite: everything is looked at. */
function number(value: number | null): string {
  return value === null ? 'infinity' : value >= 0.1 || value === 0 ? value.toFixed(3) : value.toPrecision(3)
}
