import type { Entry } from '../../prooflog/entry.ts'
import type { ProofLog, Query } from '../../prooflog/log.ts'

type Fields = Readonly<Record<string, unknown>>

/** Verdicts since midnight UTC. */
export interface Today {
  checked: number
  /** Fails, and bytes that were withheld. */
  found: number
}

/** Of all transactions that were seen. Wei and gas, as decimal strings. */
export interface Money {
  takenWei: string
  gasUsed: string
}

/** What the overview counts. Each entry of the log is counted once, however often somebody looks. */
export interface Totals {
  now(): Promise<{ today: Today; money: Money }>
}

/** Entries that are read at once. */
const PAGE = 500
const DAY_MS = 86_400_000
const FOUND = ['fail', 'withheld']

export function createTotals(log: Pick<ProofLog, 'find' | 'head'>, clock: { nowMs(): number }): Totals {
  let day = -1
  let today: Today = { checked: 0, found: 0 }
  let [takenWei, gasUsed] = [0n, 0n]
  /** Entries below these numbers are counted. */
  let [verdicts, transactions] = [0, 0]
  let turn: Promise<unknown> = Promise.resolve()

  /** Entries from `from` up to `to`, in pages from the newest; nothing is added up before all were read. */
  async function each(query: Query, { from, to }: { from: number; to: number }, take: (entry: Entry) => void): Promise<void> {
    for (let below = to; below > from; ) {
      const page = await log.find({ ...query, below, limit: PAGE })
      for (const entry of page) if (entry.seq >= from) take(entry)
      below = page.length < PAGE ? from : (page[0]?.seq ?? from)
    }
  }

  async function count(): Promise<{ today: Today; money: Money }> {
    const to = log.head().size
    const nowDay = Math.floor(clock.nowMs() / DAY_MS)
    const isNew = nowDay !== day
    const sum = isNew ? { checked: 0, found: 0 } : { ...today }
    await each({ kind: 'verdict', sinceMs: nowDay * DAY_MS }, { from: isNew ? 0 : verdicts, to }, ({ payload }) => {
      sum.checked++
      if (FOUND.includes((payload as { outcome: string }).outcome)) sum.found++
    })
    let [taken, gas] = [takenWei, gasUsed]
    await each({ kind: 'tx-seen' }, { from: transactions, to }, ({ payload }) => {
      const result = (payload as Fields).result as Fields | undefined
      taken += amountOf(result?.amount)
      gas += amountOf(result?.gasUsed)
    })
    ;[day, today, verdicts, takenWei, gasUsed, transactions] = [nowDay, sum, to, taken, gas, to]
    return { today: { ...sum }, money: { takenWei: taken.toString(), gasUsed: gas.toString() } }
  }

  return {
    now() {
      const mine = turn.then(count)
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}

function amountOf(value: unknown): bigint {
  return typeof value === 'string' && /^\d{1,78}$/.test(value) ? BigInt(value) : 0n
}
