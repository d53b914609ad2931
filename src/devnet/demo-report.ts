import type { Hex } from '../../proofs/types.ts'
import { convictionOf, EXPECTED, type Standing } from './expectations.ts'

export interface FishermanFacts {
  address: Hex
  peers: number
  checked: number
  statementsSent: number
  statementsReceived: number
}

export interface DemoResult {
  ok: boolean
  standings: readonly Standing[]
  fishermen: readonly FishermanFacts[]
  seconds: number
  /** A sentence for each expectation that was not met. */
  unmet: readonly string[]
  /** Where the evidence bundles lie. */
  bundles: readonly string[]
  /** The demo's own folder with all logs, where it was kept. */
  folder?: string
}

/** The object that `--json` prints; amounts are 10^-18 tokens as text. */
export function resultJson({ ok, standings, fishermen, seconds }: DemoResult): unknown {
  return {
    ok,
    orchestrators: standings.map((standing) => {
      const { behaviour, address, receipts, checked, pass, fail, inconclusive, withheld } = standing
      const conviction = convictionOf(standing)
      return {
        ...{ behaviour, address, receipts, checked, pass, fail, inconclusive, withheld },
        expected: EXPECTED[behaviour].fate,
        convicted: conviction !== undefined,
        ...(conviction ? { faultClass: conviction.faultClass, tx: conviction.tx, taken: String(conviction.taken) } : {}),
      }
    }),
    fishermen,
    seconds,
  }
}

const HEADINGS = [
  ...['orchestrator', 'behaviour', 'receipts', 'checked', 'pass', 'fail', 'inconclusive', 'withheld'],
  ...['fault class', 'transaction', 'gas', 'taken'],
]

/** The same as a table for people. */
export function resultTable(standings: readonly Standing[]): string {
  const rows = standings.map((standing) => {
    const { behaviour, address, receipts, checked, pass, fail, inconclusive, withheld } = standing
    const conviction = convictionOf(standing)
    const counts = [receipts, checked, pass, fail, inconclusive, withheld].map(String)
    const end = conviction
      ? [conviction.faultClass, short(conviction.tx), String(conviction.gasUsed ?? '?'), `${tokensText(conviction.taken)} LPT`]
      : ['-', '-', '-', '-']
    return [short(address), behaviour, ...counts, ...end]
  })
  return table([HEADINGS, ...rows])
}

/** A line must fit a terminal; `--json` has addresses and hashes whole. */
function short(hex: string): string {
  return `${hex.slice(0, 8)}…${hex.slice(-4)}`
}

/** Columns padded to their widest cell; numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const cell = (text: string, column: number) => {
    const width = widths[column] ?? 0
    return /^\d+$/.test(text) ? text.padStart(width) : text.padEnd(width)
  }
  return rows.map((row) => `${row.map(cell).join('  ').trimEnd()}\n`).join('')
}

/** 10^-18 tokens as tokens, at most four decimals. */
export function tokensText(amount: bigint): string {
  const parts = amount / 10n ** 14n
  return `${parts / 10_000n}.${String(parts % 10_000n).padStart(4, '0')}`.replace(/\.?0+$/, '')
}
