import { exact } from '../base/amounts.ts'
import { IDLE_CLASSES, type IdleReport, type IdleResult } from '../operator/idle.ts'
import { lpt } from './amounts.ts'

const MILLION = 1_000_000n

/** The report as a person reads it: classes heaviest first, in each the most LPT first. */
export function idleLines(report: IdleReport, all: boolean): string[] {
  const { span, results, evidenceFrom, folder, publisher } = report
  const first = span.round - BigInt(span.rounds) + 1n
  const lines = [
    `rounds    ${first} to ${span.round} (${span.rounds}), blocks ${span.fromBlock} to ${span.toBlock}`,
    `evidence  ${evidenceFrom ?? 'none: name a daemon that runs (--data-dir); without it nobody is seen to work'}`,
  ]
  for (const name of IDLE_CLASSES) {
    const those = results.filter((one) => one.class === name).sort(byMinted)
    lines.push(`${name.padEnd(18)} ${String(those.length).padStart(4)}   ${lpt(sum(those, 'mintedLpt'))} minted`)
  }
  for (const name of IDLE_CLASSES) {
    const those = results.filter((one) => one.class === name).sort(byMinted)
    if (those.length === 0 || (name === 'works' && !all)) continue
    lines.push('', name, ...those.flatMap(nodeLines))
  }
  if (folder !== undefined)
    lines.push(
      '',
      `dataset   ${folder}, ${publisher === null ? 'not signed: name a key to sign it' : `signed by ${publisher}`}`,
      `          anybody derives it again: fisherman idle verify ${folder}`,
    )
  return lines
}

function byMinted(a: IdleResult, b: IdleResult): number {
  if (a.mintedLpt !== b.mintedLpt) return a.mintedLpt > b.mintedLpt ? -1 : 1
  return a.address < b.address ? -1 : 1
}

function sum(results: readonly IdleResult[], name: 'mintedLpt'): bigint {
  return results.reduce((total, one) => total + one[name], 0n)
}

function nodeLines(one: IdleResult): string[] {
  const risk = one.atRiskPpm === null ? 'no bond of its own' : `${times(one.atRiskPpm)} its own bond at risk`
  const facts = [
    `${lpt(one.mintedLpt)} minted by ${one.rewardCalls} calls`,
    one.tickets === 0 ? 'no ticket' : `${one.tickets} tickets for ${exact(one.redeemedEth, 'ETH')}`,
    `${lpt(one.ownBond)} own, ${lpt(one.delegated)} of others, ${risk}`,
  ]
  return [`  ${one.address}  ${one.why}`, `    ${facts.join('; ')}`]
}

function times(ppm: bigint): string {
  const tenths = (ppm * 10n + MILLION / 2n) / MILLION
  return `${tenths / 10n}.${tenths % 10n} times`
}
