import type { OrchestratorRow, OrchestratorTable, ScanProgress } from '../monitor/orchestrators.ts'
import type { ChainStatus } from '../monitor/status.ts'

/** Wei of a token with 18 decimals, as people read it: at most two decimals, never rounded up. */
export function amount(wei: bigint | undefined, unit = ''): string {
  if (wei === undefined) return '-'
  const cents = wei / 10n ** 16n
  const text = `${cents / 100n}${cents % 100n === 0n ? '' : `.${String(cents % 100n).padStart(2, '0')}`}`
  return `${cents === 0n && wei > 0n ? '<0.01' : text}${unit ? ` ${unit}` : ''}`
}

/** Lines with aligned columns; numbers to the right. */
export function columns(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, i) => (right.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

const HEADER = ['orchestrator', 'stake', 'own bond', 'deposit', 'slashable', 'rewards', 'tickets', 'service URI', 'note']

export function tableLines(table: OrchestratorTable): string[] {
  const { window } = table
  const rows = table.rows.map((row) => [
    ...[row.address, amount(row.totalStake), amount(row.ownBond), amount(row.deposit), amount(row.slashable)],
    ...[row.rewardCalls?.toString() ?? '-', row.tickets?.toString() ?? '-', row.serviceUri || '-', notesOf(row)],
  ])
  const from = table.source === 'livepeer' ? "in Livepeer's pool" : 'with a security deposit (no Livepeer on this chain)'
  const seen = window ? `; rewards and tickets of ${window.rounds} rounds, since block ${window.fromBlock}` : ''
  return [
    ...columns([HEADER, ...rows], new Set([1, 2, 3, 4, 5, 6])),
    '',
    `${rows.length} orchestrators ${from} at block ${table.block}${seen}. Amounts in LPT.`,
  ]
}

function notesOf(row: OrchestratorRow): string {
  return [
    ...(row.rewardedWithoutTickets ? ['rewarded, no tickets'] : []),
    ...(row.frozen ? ['deposit frozen by a case'] : []),
    ...(row.thawing > 0n ? [`${amount(row.thawing)} thawing`] : []),
  ].join(', ')
}

export function statusLines(status: ChainStatus): string[] {
  const { head, confirmations: sure, values, account, livepeer } = status
  const facts: [string, string][] = [
    ['network', `${status.network}, chain ${status.chainId}`],
    ...status.endpoints.map((one): [string, string] => [
      'rpc',
      `${one.name}  ${one.state}${one.number === undefined ? '' : `  block ${one.number}, ${one.ageSec} s old`}${one.says ? `  (${one.says})` : ''}`,
    ]),
    ['agreement', status.endpoints.length < 2 ? 'one endpoint only: nobody checks it' : status.agree ? 'yes' : 'NO'],
  ]
  if (head) facts.push(['head', `block ${head.number}, ${head.ageSec} s old`])
  if (sure)
    facts.push([
      'confirmed',
      `safe up to ${sure.safe}, final up to ${sure.finalized} (by ${sure.by === 'tags' ? 'block tags' : 'depth'})`,
    ])
  for (const { name, address, codeBytes } of status.contracts)
    facts.push([
      'contract',
      `${name.padEnd(15)} ${address}  ${codeBytes > 0 ? `${codeBytes} bytes` : name === 'treasury' ? 'an account' : 'MISSING'}`,
    ])
  if (livepeer) for (const [name, address] of Object.entries(livepeer)) facts.push(['livepeer', `${name.padEnd(15)} ${address}`])
  if (livepeer && !livepeer.verifier)
    facts.push(['livepeer', 'verifier        nobody is registered: bonded stake cannot be slashed'])
  if (values) {
    facts.push(['paused', values.paused === undefined ? 'not told' : values.paused ? 'YES' : 'no'])
    facts.push(['round', String(values.round ?? 'not told')])
    facts.push(['fishermen', `${values.members ?? '?'}, weight that counts ${amount(values.totalWeight, 'LPT')}`])
    for (const [name, value] of Object.entries(values.parameters))
      facts.push(['parameter', `${name.padEnd(17)} ${parameterText(name, value)}`])
  }
  if (account) {
    facts.push(['account', account.address])
    facts.push([
      'funds',
      `${amount(account.balance, 'ETH')}: enough for ${account.proofsAffordable} proofs at today's price of gas`,
    ])
    facts.push(['tokens', `${amount(account.tokens, 'LPT')} free, ${amount(account.bond, 'LPT')} bonded`])
    facts.push([
      'weight',
      `${amount(account.weight, 'LPT')}, ${account.exiting ? 'leaving' : (account.weight ?? 0n) > 0n ? 'active' : 'not active'}`,
    ])
  } else if (status.contracts.length > 0) facts.push(['account', 'none: no key is configured'])
  return facts.map(([name, text]) => `${name.padEnd(10)} ${text}`)
}

function parameterText(name: string, value: bigint): string {
  if (/seconds|age$/i.test(name)) return `${value} s`
  return /bond|cap|take/i.test(name) ? amount(value, 'LPT') : value.toString()
}

/** One line that is written over, for a terminal. */
export function progressBar(stream: { write(text: string): unknown; columns?: number }) {
  const WIDTH = 30
  return {
    show({ from, at, to }: ScanProgress): void {
      const part = Number((1000n * (at - from + 1n)) / (to - from + 1n)) / 1000
      const full = Math.round(part * WIDTH)
      stream.write(`\r[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${Math.floor(part * 100)} %  block ${at} of ${to} `)
    },
    clear(): void {
      stream.write('\r\u001b[K')
    },
  }
}
