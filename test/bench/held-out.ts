import type { Row } from './report.ts'

/** Measures whose line can be set from honest work; the exact ones have none to set. */
const SET = [
  ...['frame-error', 'frame-structure', 'cell', 'chroma-mean', 'chroma-cell', 'frozen', 'shift'],
  ...['detail', 'coherence', 'detail-own', 'coherence-own', 'coherence-part', 'error-ratio', 'error-part'],
]
const EXACT = ['size', 'codec', 'frames', 'duration', 'pass-through', 'reuse', 'audio']
/** Lines never lower than this part of the table's, so that a quiet corpus does not make a line of nothing. */
const LEAST: Readonly<Record<string, number>> = { frozen: 0.05, shift: 1, 'error-ratio': 1.2, 'error-part': 1.2 }

export interface HeldOut {
  margin: number
  honest: number
  honestFlagged: number
  fraud: number
  fraudCaught: number
}

function measureOf(row: Row, code: string): number | undefined {
  const value = row.measures[code]
  return typeof value === 'number' ? value : undefined
}

/**
 * Leave one origin out: every line is `margin` times the worst honest value of all other origins, and is then tried on this one.
 * It says how much of the result is owed to lines that have seen the very clips they are judged by.
 */
export function heldOut(rows: readonly Row[], margins = [1, 1.25, 1.5, 2, 3]): HeldOut[] {
  const judged = rows.filter(
    (row) => row.depth === 'prove' && row.leftOut === undefined && row.reasons.every((r) => r.class !== 'rendition'),
  )
  const origins = [...new Set(judged.map((row) => row.origin))]
  const honest = judged.filter((row) => row.group === 'honest')
  const fraud = judged.filter((row) => row.group === 'fraud')
  return margins.map((margin) => {
    let honestFlagged = 0
    let fraudCaught = 0
    for (const origin of origins) {
      const others = honest.filter((row) => row.origin !== origin)
      const lines = SET.map((code) => {
        const worst = others.reduce((most, row) => Math.max(most, measureOf(row, code) ?? 0), LEAST[code] ?? 0)
        return { code, line: worst * margin }
      })
      const caught = (row: Row): boolean =>
        lines.some(({ code, line }) => (measureOf(row, code) ?? 0) > line) ||
        EXACT.some((code) => (measureOf(row, code) ?? 0) > (code === 'frames' || code === 'duration' ? 1 : 0))
      honestFlagged += honest.filter((row) => row.origin === origin && caught(row)).length
      fraudCaught += fraud.filter((row) => row.origin === origin && caught(row)).length
    }
    return { margin, honest: honest.length, honestFlagged, fraud: fraud.length, fraudCaught }
  })
}
