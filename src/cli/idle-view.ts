import type { IdleLook } from '../monitor/idle.ts'
import { type Checked, IDLE_CLASSES, type IdleClass, type IdleResult } from '../monitor/idle-files.ts'
import { amount, columns } from './chain-view.ts'

export interface IdleTotal {
  class: IdleClass
  orchestrators: number
  mintedLpt: bigint
  redeemedEth: bigint
}

/** Heaviest class first, in it those who took most. */
export function heaviestFirst(results: readonly IdleResult[]): IdleResult[] {
  const rank = (one: IdleResult) => IDLE_CLASSES.indexOf(one.class)
  return [...results].sort(
    (a, b) => rank(a) - rank(b) || compare(b.mintedLpt, a.mintedLpt) || compare(b.redeemedEth, a.redeemedEth),
  )
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

export function totalsOf(results: readonly IdleResult[]): IdleTotal[] {
  return IDLE_CLASSES.map((name) => {
    const those = results.filter((one) => one.class === name)
    const sum = (field: 'mintedLpt' | 'redeemedEth') => those.reduce((total, one) => total + one[field], 0n)
    return { class: name, orchestrators: those.length, mintedLpt: sum('mintedLpt'), redeemedEth: sum('redeemedEth') }
  })
}

const HEADER = ['orchestrator', 'class', 'LPT minted', 'tickets', 'ETH', 'own bond', 'at risk', 'why']
const TOTAL = ['class', 'orchestrators', 'LPT minted', 'ETH']

export function idleLines({ material, noEvidence }: IdleLook, results: readonly IdleResult[]): string[] {
  const { span } = material
  const rows = heaviestFirst(results).map((one) => [
    ...[one.address, one.class, amount(one.mintedLpt), String(one.tickets), amount(one.redeemedEth), amount(one.ownBond)],
    ...[times(one.atRiskPpm), one.why],
  ])
  const totals = totalsOf(results).map((one) => [
    ...[one.class, String(one.orchestrators), amount(one.mintedLpt), amount(one.redeemedEth)],
  ])
  return [
    ...columns([HEADER, ...rows], new Set([2, 3, 4, 5, 6])),
    '',
    ...columns([TOTAL, ...totals], new Set([1, 2, 3])),
    '',
    `${span.rounds} whole rounds up to ${span.round}, blocks ${span.fromBlock} to ${span.toBlock}; stake at block ${span.stateBlock}.`,
    'At risk: what it holds of others and minted, as a multiple of its own bond. These are facts and classes, no accusation.',
    noEvidence === undefined
      ? `Evidence: ${material.evidence.length} orchestrators by the log of the fisherman that runs.`
      : `Evidence: NONE, so nobody looked at any work: ${noEvidence}`,
  ]
}

function times(ppm: bigint | null): string {
  return ppm === null ? 'no bond' : `${ppm / 1_000_000n}.${String((ppm % 1_000_000n) / 10_000n).padStart(2, '0')}x`
}

export function checkedLines({ problems, publisher, span, results }: Checked): string[] {
  const of = span
    ? `round ${span.round} of chain ${span.chainId}, ${span.rounds} rounds, blocks ${span.fromBlock} to ${span.toBlock}`
    : 'nothing'
  if (problems.length > 0) return [`DIFFERS: ${problems.length} things`, ...problems.map((line) => `  - ${line}`)]
  return [
    `it is what it says: ${of}; every number of ${results.length} orchestrators follows from its events`,
    publisher === null ? 'signed by nobody: who published it is not proven' : `signed by ${publisher}`,
    'whether the events are those of the chain is not looked at here; the block hashes in manifest.json say which blocks to ask for',
  ]
}
