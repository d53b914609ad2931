import type { Hex, Outcome } from '../../proofs/types.ts'

export interface NodeTally {
  /** Receipts seen in its feed. */
  receipts: number
  /** Own verdicts: the sum of the four outcomes. */
  checked: number
  pass: number
  fail: number
  inconclusive: number
  withheld: number
}

/** What this daemon has done, for its summary; rebuilt from the proof log at a start. */
export interface Tally {
  receipts(transcoder: Hex, count: number): void
  verdict(transcoder: Hex, outcome: Outcome): void
  statement(direction: 'sent' | 'received'): void
  nodes(): Record<Hex, NodeTally>
  totals(): { checked: number; statementsSent: number; statementsReceived: number }
}

export function createTally(): Tally {
  const nodes = new Map<Hex, NodeTally>()
  const totals = { checked: 0, statementsSent: 0, statementsReceived: 0 }
  const nodeOf = (transcoder: Hex): NodeTally => {
    const known = nodes.get(transcoder)
    if (known) return known
    const fresh: NodeTally = { receipts: 0, checked: 0, pass: 0, fail: 0, inconclusive: 0, withheld: 0 }
    nodes.set(transcoder, fresh)
    return fresh
  }
  return {
    receipts(transcoder, count) {
      nodeOf(transcoder).receipts += count
    },
    verdict(transcoder, outcome) {
      const node = nodeOf(transcoder)
      node[outcome]++
      node.checked++
      totals.checked++
    },
    statement(direction) {
      totals[direction === 'sent' ? 'statementsSent' : 'statementsReceived']++
    },
    nodes: () => Object.fromEntries(nodes),
    totals: () => ({ ...totals }),
  }
}
