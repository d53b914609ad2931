import { type Hex, OUTCOMES, type Outcome } from '../../proofs/types.ts'
import { createWords } from '../base/words.ts'
import type { FeedSpan } from '../observe/feeds/source.ts'
import type { Probed, Seen } from './score-book.ts'

/** What was seen, in the order in which it came. Nearly all are checks: 21 bytes each in columns, outside of the heap. */
export interface ScoreRows {
  check(found: Probed): void
  other(seen: Exclude<Seen, { kind: 'check' }>): void
  /** What was seen from `sinceSec` through `untilSec`, of one node or of all; made as it is asked for, so nothing may be added meanwhile. */
  within(span: FeedSpan, of?: Hex): Iterable<Seen>
}

/** Rows of one piece: 16 bits are enough for the names in it, and its columns are forgotten whole. */
const ROWS = 1_024

interface Piece {
  atSec: Float64Array
  /** NaN where no quality line was looked at. */
  quality: Float64Array
  /** Places in `names`. */
  node: Uint16Array
  /** The same, one higher; 0 where there is no reason. */
  why: Uint16Array
  outcome: Uint8Array
  names: string[]
  /** By row: what is no check. Such are few, and held as they came. */
  others: Map<number, Seen>
  used: number
}

/** Beyond `most` the oldest are forgotten. */
export function createScoreRows(most: number): ScoreRows {
  const pieces: Piece[] = []
  let size = 0
  /** Rows of the oldest piece that are forgotten. */
  let gone = 0
  /** Addresses and reasons are decoded anew with each record. */
  const words = createWords()

  function newRow(): [Piece, number] {
    let piece = pieces.at(-1)
    if (!piece || piece.used === ROWS) {
      piece = newPiece()
      pieces.push(piece)
    }
    size++
    return [piece, piece.used++]
  }

  function forgetOldest(): void {
    for (; size > most; size--) {
      pieces[0]?.others.delete(gone)
      gone++
      if (gone < ROWS) continue
      pieces.shift()
      gone = 0
    }
  }

  function placeOf({ names }: Piece, name: string): number {
    const known = names.indexOf(name)
    return known >= 0 ? known : names.push(words.one(name)) - 1
  }

  return {
    check({ transcoder, atSec, outcome, quality, why }) {
      const [piece, row] = newRow()
      piece.atSec[row] = atSec
      piece.quality[row] = quality ?? Number.NaN
      piece.node[row] = placeOf(piece, transcoder)
      piece.why[row] = why === null ? 0 : placeOf(piece, why) + 1
      piece.outcome[row] = OUTCOMES.indexOf(outcome)
      forgetOldest()
    },
    other(seen) {
      const [piece, row] = newRow()
      piece.atSec[row] = seen.atSec
      piece.node[row] = placeOf(piece, seen.transcoder)
      piece.others.set(row, { ...seen, transcoder: piece.names[piece.node[row] as number] as Hex })
      forgetOldest()
    },
    *within({ sinceSec, untilSec }, of) {
      for (const [i, piece] of pieces.entries()) {
        for (let row = i === 0 ? gone : 0; row < piece.used; row++) {
          const atSec = piece.atSec[row] as number
          if (atSec < sinceSec || atSec > untilSec) continue
          if (of === undefined || piece.names[piece.node[row] as number] === of) yield seenIn(piece, row)
        }
      }
    },
  }
}

function newPiece(): Piece {
  return {
    ...{ atSec: new Float64Array(ROWS), quality: new Float64Array(ROWS) },
    ...{ node: new Uint16Array(ROWS), why: new Uint16Array(ROWS), outcome: new Uint8Array(ROWS) },
    ...{ names: [], others: new Map(), used: 0 },
  }
}

/** Written out, one shape for all: a score looks at every row. */
function seenIn({ atSec, quality, node, why, outcome, names, others }: Piece, row: number): Seen {
  const other = others.get(row)
  if (other) return other
  const measured = quality[row] as number
  const reason = why[row] as number
  return {
    kind: 'check',
    transcoder: names[node[row] as number] as Hex,
    atSec: atSec[row] as number,
    outcome: OUTCOMES[outcome[row] as number] as Outcome,
    quality: Number.isNaN(measured) ? undefined : measured,
    why: reason === 0 ? null : (names[reason - 1] as string),
  }
}
