import type { HeldOut } from './held-out.ts'
import { type ClassLine, type Count, countOf, type Row, type Target } from './report.ts'
import { bounds, table } from './stats.ts'

export interface Result {
  segments: number
  renditions: number
  classes: readonly ClassLine[]
  targets: readonly Target[]
  heldOut?: readonly HeldOut[]
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const counts = (c: Count): string[] => [String(c.fail), String(c.inconclusive), String(c.pass)]

function totals(rows: readonly Row[]): string[][] {
  const judged = rows.filter((row) => row.leftOut === undefined)
  return (['honest', 'fraud', 'grey', 'scaler'] as const).flatMap((group) =>
    (['check', 'prove'] as const).map((depth) => {
      const count = countOf(judged.filter((row) => row.group === group && row.depth === depth))
      const line = (k: number): string => {
        const { low, high } = bounds(k, count.n)
        return `${percent(count.n > 0 ? k / count.n : 0)} (${percent(low)} to ${percent(high)})`
      }
      return [group, depth, String(count.n), line(count.fail), line(count.inconclusive), line(count.pass)]
    }),
  )
}

/** The report for people; the same numbers are in the JSON. */
export function printReport(result: Result, rows: readonly Row[], options: { missed: boolean }): void {
  const say = (text: string): void => console.log(text)
  say(`${result.renditions} renditions of ${result.segments} segments\n`)
  say(
    table(
      ['class', 'of', 'n', 'check: fail', 'incon', 'pass', 'prove: fail', 'incon', 'pass'],
      result.classes.map((c) => [c.name, c.kind, String(c.check.n), ...counts(c.check), ...counts(c.prove)]),
    ),
  )
  say('')
  say(table(['group', 'depth', 'n', 'fail (95 %)', 'inconclusive (95 %)', 'pass (95 %)'], totals(rows)))
  const leftOut = rows.filter((row) => row.leftOut !== undefined)
  if (leftOut.length > 0) {
    const why = [...new Set(leftOut.map((row) => `${row.segment} (${row.leftOut})`))].join(', ')
    const { fail, inconclusive, pass } = countOf(leftOut)
    say(`\nleft out, for nobody can be blamed there: ${why}: fail ${fail}, inconclusive ${inconclusive}, pass ${pass}`)
  }
  const again = rows.filter((row) => row.depth === 'check' && row.leftOut === undefined)
  say(
    `\na check looked again beside a control in ${percent(again.filter((row) => row.again).length / Math.max(1, again.length))} of all`,
  )
  if (options.missed) {
    for (const c of result.classes) {
      if (c.group !== 'honest' && c.group !== 'fraud') continue
      for (const line of c.missed) say(`  ${c.name}: ${line}`)
    }
  }
  if (result.heldOut) {
    say('')
    say(
      table(
        ['margin', 'honest flagged', 'fraud caught'],
        result.heldOut.map((h) => [
          String(h.margin),
          `${h.honestFlagged} of ${h.honest}`,
          `${h.fraudCaught} of ${h.fraud} (${percent(h.fraudCaught / Math.max(1, h.fraud))})`,
        ]),
      ),
    )
  }
  say('')
  say(
    table(
      ['target', 'measured', 'limit', ''],
      result.targets.map((t) => [t.what, percent(t.value), percent(t.limit), t.ok ? 'met' : 'MISSED']),
    ),
  )
}
