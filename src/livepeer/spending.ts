import { mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { FishermanError, localCode, messageOf } from '../base/errors.ts'

const DAY_MS = 86_400_000

/** What was spent on each UTC day, on disk before anything is signed with it. */
export interface SpendingLedger {
  /** Writes an amount down, for good; throws `spending-cap` where the day would go beyond its cap, and then nothing is written. */
  spend(wei: bigint): Promise<void>
  /** Wei of this UTC day. */
  todayWei(): bigint
  close(): Promise<void>
}

/**
 * One line an amount, appended and synced. A crash between the line and the signature costs a part of the day's cap, never money. Of a line that a
 * crash cut off nothing was signed; any other line that cannot be read stops everything, since a sum that is too small spends too much.
 */
export async function openSpending(
  init: { file: string; capPerDayWei: bigint },
  deps: { clock: Clock },
): Promise<SpendingLedger> {
  const { file, capPerDayWei } = init
  await mkdir(dirname(file), { recursive: true })
  const handle = await open(file, 'a+', 0o600)
  const days = new Map<string, bigint>()
  let size = 0
  try {
    const text = await handle.readFile('utf8')
    const end = text.lastIndexOf('\n') + 1
    for (const [i, line] of text.slice(0, end).split('\n').slice(0, -1).entries()) {
      const [, day, wei] = /^(\d{4}-\d{2}-\d{2}) (\d{1,78})$/.exec(line) ?? []
      if (day === undefined || wei === undefined)
        throw damaged(`line ${i + 1} of ${file} is no day and amount; repair it by hand, or move it away to begin at nothing`)
      days.set(day, (days.get(day) ?? 0n) + BigInt(wei))
    }
    size = Buffer.byteLength(text.slice(0, end))
    if (end < text.length) await handle.truncate(size)
  } catch (error) {
    await handle.close()
    throw error
  }

  const today = (): string => {
    const dayMs = Math.floor(deps.clock.nowMs() / DAY_MS) * DAY_MS
    return new Date(dayMs).toISOString().slice(0, 10)
  }

  async function write(wei: bigint): Promise<void> {
    const day = today()
    const spent = days.get(day) ?? 0n
    if (spent + wei > capPerDayWei)
      throw new FishermanError({
        ...{ code: 'spending-cap', blame: 'ours', details: { spentWei: spent, wei, capPerDayWei } },
        message: `${spent} wei are spent today (UTC) and ${wei} more go beyond the cap of ${capPerDayWei} wei a day; raise it or wait for the next day`,
      })
    if ((await stat(file)).size !== size)
      throw damaged(`${file} was written by another program; one program pays from one ledger`)
    const line = `${day} ${wei}\n`
    try {
      await handle.appendFile(line)
      await handle.sync()
    } catch (error) {
      // What is on disk now is not known: nothing more is signed until somebody looked.
      size = -1
      throw new FishermanError({
        ...{ code: 'spending-ledger', blame: 'ours', cause: error },
        message: `${file} cannot be written (${localCode(error) ?? messageOf(error)}); nothing is paid`,
      })
    }
    size += line.length
    days.set(day, spent + wei)
  }

  let last: Promise<void> = Promise.resolve()
  return {
    spend(wei) {
      const mine = last.then(() => write(wei))
      last = mine.catch(() => undefined)
      return mine
    },
    todayWei: () => days.get(today()) ?? 0n,
    async close() {
      await last
      await handle.close()
    },
  }
}

function damaged(message: string): FishermanError {
  return new FishermanError({ code: 'spending-ledger', message, blame: 'ours' })
}
