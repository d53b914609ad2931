import type { LineCode } from '../../src/verdict/lines.ts'
import type { Judgement } from '../../src/verdict/types.ts'

export type Group = 'honest' | 'fraud' | 'grey' | 'scaler'

/** One judged rendition of the corpus. */
export interface Row {
  segment: string
  origin: string
  name: string
  group: Group
  kind: string
  noWork: boolean
  depth: 'check' | 'prove'
  verdict: Judgement
  faultClass: string | undefined
  /** Codes with value and limit, worst first. */
  reasons: readonly { code: string; class: string; value: number; limit: number }[]
  measures: Partial<Record<LineCode, number>> & Record<string, unknown>
  /** Why this source can blame nobody: it must be inconclusive. */
  leftOut: string | undefined
  /** The source itself is not sound: nothing may fail there. */
  unsound: boolean
  /** The check looked again, beside a control. */
  again: boolean
  /** What other tools say: true is "fraud". */
  others: Readonly<Record<string, boolean | undefined>>
}

export interface Count {
  fail: number
  inconclusive: number
  pass: number
  n: number
}

export function countOf(rows: readonly Pick<Row, 'verdict'>[]): Count {
  const count: Count = { fail: 0, inconclusive: 0, pass: 0, n: rows.length }
  for (const { verdict } of rows) count[verdict]++
  return count
}

export interface ClassLine {
  name: string
  group: Group
  kind: string
  noWork: boolean
  check: Count
  prove: Count
  /** What is still missed at prove: segment and the reasons given. */
  missed: string[]
}

/** One line a class, in the order of the table of classes. */
export function classLines(rows: readonly Row[]): ClassLine[] {
  const names = [...new Set(rows.map((row) => row.name))]
  return names.flatMap((name): ClassLine[] => {
    const own = rows.filter((row) => row.name === name && row.leftOut === undefined)
    const [first] = own
    if (!first) return []
    const wanted: Judgement = first.group === 'fraud' ? 'fail' : 'pass'
    const prove = own.filter((row) => row.depth === 'prove')
    return [
      {
        name,
        group: first.group,
        kind: first.kind,
        noWork: first.noWork,
        check: countOf(own.filter((row) => row.depth === 'check')),
        prove: countOf(prove),
        missed: prove
          .filter((row) => row.verdict !== wanted)
          .map(
            (row) => `${row.segment} ${row.verdict} ${row.reasons.map((r) => `${r.code}=${r.value.toPrecision(3)}`).join(' ')}`,
          ),
      },
    ]
  })
}

/** What the issue asks of the engine, each with what was measured. */
export interface Target {
  what: string
  value: number
  limit: number
  ok: boolean
}

export function targetsOf(rows: readonly Row[]): Target[] {
  const judged = rows.filter((row) => row.leftOut === undefined)
  const of = (group: Group, depth: Row['depth']): Row[] => judged.filter((row) => row.group === group && row.depth === depth)
  const targets: Target[] = []
  const target =
    (isMet: (value: number, limit: number) => boolean) =>
    (what: string, some: readonly Row[], verdict: Judgement, limit: number): void => {
      // What was not run says nothing: it neither meets a target nor misses it.
      if (some.length === 0) return
      const value = some.filter((row) => row.verdict === verdict).length / some.length
      targets.push({ what, value, limit, ok: isMet(value, limit) })
    }
  const most = target((value, limit) => value <= limit)
  const least = target((value, limit) => value >= limit)
  for (const depth of ['check', 'prove'] as const) {
    most(`honest fail at ${depth}`, of('honest', depth), 'fail', 0)
    most(`honest inconclusive at ${depth}`, of('honest', depth), 'inconclusive', 0.05)
  }
  const proven = of('fraud', 'prove')
  most('fraud pass at check', of('fraud', 'check'), 'pass', 0.1)
  most('fraud pass at prove', proven, 'pass', 0.05)
  least('fraud fail at prove', proven, 'fail', 0.85)
  const idle = proven.filter((row) => row.noWork)
  least('no work: fail at prove', idle, 'fail', 1)
  const unsound = rows.filter((row) => row.unsound)
  most('fail on a source that can blame nobody', unsound, 'fail', 0)
  const plain = rows.filter((row) => row.leftOut !== undefined && row.group === 'honest')
  most('honest fail on what was left out', plain, 'fail', 0)
  most('honest pass on what was left out', plain, 'pass', 0)
  return targets
}

export interface OtherTool {
  tool: string
  honestFlagged: number
  honest: number
  fraudCaught: number
  fraud: number
}

/** What a user would pick instead, on the same files. */
export function otherTools(rows: readonly Row[]): OtherTool[] {
  const judged = rows.filter((row) => row.depth === 'check' && row.leftOut === undefined)
  const tools = [...new Set(judged.flatMap((row) => Object.keys(row.others)))]
  return tools.map((tool) => {
    const of = (group: Group): Row[] => judged.filter((row) => row.group === group && row.others[tool] !== undefined)
    const flagged = (group: Group): number => of(group).filter((row) => row.others[tool]).length
    return {
      tool,
      honestFlagged: flagged('honest'),
      honest: of('honest').length,
      fraudCaught: flagged('fraud'),
      fraud: of('fraud').length,
    }
  })
}
