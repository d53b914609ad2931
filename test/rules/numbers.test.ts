import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LOCAL_COURT, PUBLIC_COURT } from '../../src/court/params.ts'
import { LOCAL_DRAW, PUBLIC_DRAW } from '../../src/sample/params.ts'
import { LINES, type Line } from '../../src/verdict/lines.ts'

// Pages that a sceptic reads first: their numbers are those that the program uses.

/** Rows of the table whose first column has this head, without head and rule; cells trimmed, marks of code gone. */
function table(page: string, head: string): string[][] {
  const lines = readFileSync(new URL(`../../src/${page}/README.md`, import.meta.url), 'utf8').split('\n')
  const at = lines.findIndex((line) => line.startsWith(`| ${head} |`))
  if (at < 0) throw new Error(`src/${page}/README.md has no table of ${head}`)
  const rows: string[][] = []
  for (const line of lines.slice(at + 2)) {
    if (!line.startsWith('|')) break
    rows.push(
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
  }
  return rows
}

const two = (page: string, what: string) => {
  const row = table(page, 'what').find(([name]) => name === what)
  if (!row) throw new Error(`src/${page}/README.md says nothing of ${what}`)
  return row.slice(1, 3)
}

describe('numbers of the pages', () => {
  it('of the verdict are all lines, in order, each as it is', () => {
    const rows = table('verdict', 'measure')
    const shown = (value: number) => (Number.isFinite(value) ? String(value) : 'none')
    const lines = Object.entries<Line>(LINES).map(([code, { class: kind, clear, fraud, sees }]) => [
      ...[code, kind, shown(clear), shown(fraud), sees],
    ])
    expect(rows.map((row) => row.slice(0, 5))).toEqual(lines)
  })

  it('of the court are its parameters', () => {
    const both = (name: 'failingSegments' | 'failingStreams' | 'convictionSigners' | 'withheldBy') => [
      String(PUBLIC_COURT[name]),
      String(LOCAL_COURT[name]),
    ]
    expect(two('court', 'failing segments')).toEqual(both('failingSegments'))
    expect(two('court', 'of so many streams')).toEqual(both('failingStreams'))
    expect(two('court', 'convicting signers')).toEqual(both('convictionSigners'))
    expect(two('court', 'members before bytes count as withheld')).toEqual(both('withheldBy'))
    const seconds = (value: number) => `${value.toLocaleString('en')} s`
    for (const [what, name] of [
      ['apart at least', 'segmentGapSeconds'],
      ['apart at most', 'segmentWithinSeconds'],
    ] as const)
      expect(two('court', what)).toEqual([seconds(PUBLIC_COURT[name]), seconds(LOCAL_COURT[name])])
    const share = ([numerator, denominator]: readonly [number, number]) => `${numerator} of ${denominator}`
    for (const [i, params] of [PUBLIC_COURT, LOCAL_COURT].entries()) {
      expect(two('court', 'members drawn to escalate, and agreeing')[i]).toBe(
        `${params.escalationMembers}, ${share(params.escalationShare)}`,
      )
      expect(two('court', 'convicting weight')[i]).toBe(`above ${share(params.convictionShare)}`)
      expect(two('court', 'replays of a node with a case, without')[i]).toBe(
        `${params.replaysPerNode}, ${params.replaysWithoutCase}`,
      )
    }
  })

  it('of the draw are its presets', () => {
    for (const [i, draw] of [PUBLIC_DRAW, LOCAL_DRAW].entries()) {
      expect(two('sample', 'window')[i]).toBe(`${draw.windowSeconds} s`)
      expect(two('sample', "beacon after the window's end")[i]).toBe(`${draw.beaconDelaySeconds} s`)
      expect(two('sample', 'samples a node and day')[i]).toBe(
        Number.isFinite(draw.samplesPerDay) ? String(draw.samplesPerDay) : 'all',
      )
      expect(two('sample', 'most times as many')[i]).toBe(String(draw.mostTimes))
    }
    const [first, second] = PUBLIC_DRAW.tranches
    const gap = (second?.afterSeconds ?? 0) - (first?.afterSeconds ?? 0)
    expect(two('sample', 'tranches')).toEqual([`${PUBLIC_DRAW.tranches.length}, ${gap} s apart`, '3: 0, 3 and 6 s'])
    expect(LOCAL_DRAW.tranches.map(({ afterSeconds }) => afterSeconds)).toEqual([0, 3, 6])
  })
})
