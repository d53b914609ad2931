import { type BondRequest, type BondStatus, bondStatus, moveBond } from '../operator/bond.ts'
import { coins, lpt, moment, span } from './amounts.ts'
import type { BondOptions, BondStatusOptions } from './bond.options.ts'
import { complain } from './complain.ts'
import { toJson } from './json.ts'
import { spending } from './spend.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman bond status`. */
export async function bondStatusCommand(options: BondStatusOptions): Promise<number> {
  return await run('status', async (signal) => {
    const status = await bondStatus(options, options.address, { signal })
    if (options.json) console.log(toJson(status))
    else for (const line of statusLines(status)) console.log(line)
    return 0
  })
}

/** `fisherman bond deposit|exit|withdraw`. */
export async function bondCommand(
  action: BondRequest['action'],
  amount: string | undefined,
  options: BondOptions,
): Promise<number> {
  const { orchestrator = false, dryRun = false, json = false } = options
  return await run(action, async (signal) => {
    const { say, hooks } = spending(options, signal)
    const done = await moveBond(options, { action, orchestrator, ...(amount === undefined ? {} : { amount }) }, hooks, { signal })
    if (!done) {
      say('Nothing was sent.')
      return dryRun ? 0 : 2
    }
    if (json) console.log(toJson(done))
    else for (const line of statusLines(done.status)) console.log(line)
    return 0
  })
}

export function statusLines({ bond, deposit, purse }: BondStatus): string[] {
  const { nowSec } = purse
  const when = (atSec: number) => (atSec <= nowSec ? 'now' : `in ${span(atSec - nowSec)}, on ${moment(atSec)}`)
  const rows: [string, string][] = [
    ['account', bond.address],
    ['funds', `${lpt(purse.tokens)} free, ${coins(purse.coins)} for gas`],
  ]
  if (!bond.registered) rows.push(['bond', `none; a fisherman bonds at least ${lpt(bond.minBond)}`])
  else if (bond.exitAtSec !== 0) rows.push(['bond', `${lpt(bond.bond)}, leaving: can be withdrawn ${when(bond.exitAtSec)}`])
  else if (bond.silent) rows.push(['bond', `${lpt(bond.bond)}, does not count: no head of its log was anchored in time`])
  else if (bond.weight === 0n) rows.push(['bond', `${lpt(bond.bond)}, counts ${when(bond.activeFromSec)}`])
  else rows.push(['bond', `${lpt(bond.bond)}, counts for ${lpt(bond.weight)}; leaving takes ${span(bond.exitSec)}`])
  if (deposit.amount === 0n) rows.push(['deposit', 'none'])
  else
    rows.push([
      'deposit',
      `${lpt(deposit.amount - deposit.thawing)}${deposit.openCases > 0 ? `, held while ${deposit.openCases} case is open` : ''}; leaving takes ${span(deposit.thawSec)}`,
    ])
  if (deposit.thawing > 0n)
    rows.push([
      'thawing',
      `${lpt(deposit.thawing)}, can be withdrawn ${when(deposit.thawedAtSec)}, until ${moment(deposit.lapsesAtSec)}`,
    ])
  return rows.map(([name, text]) => `${name.padEnd(9)} ${text}`)
}

async function run(name: string, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const signal = untilSignal()
  try {
    return await work(signal)
  } catch (error) {
    if (signal.aborted) return 130
    complain(`bond ${name}`, error)
    return 2
  }
}
