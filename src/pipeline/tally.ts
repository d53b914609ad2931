import type { Hex, Outcome } from '../../proofs/types.ts'
import { type EvidenceScore, NO_EVIDENCE, nextDay, scored } from '../court/score.ts'

export interface NodeTally {
  /** Receipts seen in its feed. */
  receipts: number
  /** Own verdicts: the sum of the four outcomes. */
  checked: number
  pass: number
  fail: number
  inconclusive: number
  withheld: number
  /** CUSUM of bad against good samples; 14 is the alarm. */
  evidenceScore: number
}

/** A verdict as the tally counts it; strikes are counted by stream and requester and by the day. */
export interface Counted {
  transcoder: Hex
  outcome: Outcome
  streamId: Hex
  requester: Hex
  /** Unix seconds of chain time when the segment was finished. */
  completedAt: number
}

const DAY_SECONDS = 86_400

/** What this daemon has done, for its summary; rebuilt from the proof log at a start. */
export interface Tally {
  receipts(transcoder: Hex, count: number): void
  verdict(counted: Counted): void
  /** Another member checked and found nothing: evidence for the node, so that an accident does not stay for months. */
  heardPass(counted: Omit<Counted, 'outcome'>): void
  /** What we hold against a node; undefined for one that was never checked. */
  evidence(transcoder: Hex): EvidenceScore | undefined
  statement(direction: 'sent' | 'received'): void
  nodes(): Record<Hex, NodeTally>
  totals(): { checked: number; statementsSent: number; statementsReceived: number }
}

export function createTally(): Tally {
  const nodes = new Map<Hex, NodeTally>()
  const scores = new Map<Hex, { score: EvidenceScore; day: number }>()
  const totals = { checked: 0, statementsSent: 0, statementsReceived: 0 }
  const nodeOf = (transcoder: Hex): NodeTally => {
    const known = nodes.get(transcoder)
    if (known) return known
    const fresh: NodeTally = { receipts: 0, checked: 0, pass: 0, fail: 0, inconclusive: 0, withheld: 0, evidenceScore: 0 }
    nodes.set(transcoder, fresh)
    return fresh
  }
  function count({ transcoder, outcome, streamId, requester, completedAt }: Counted): void {
    const known = scores.get(transcoder)
    // Answers come in any order; an old one is counted with the strikes of today.
    const day = Math.max(known?.day ?? 0, Math.floor(completedAt / DAY_SECONDS))
    const before = !known ? NO_EVIDENCE : known.day === day ? known.score : nextDay(known.score)
    const score = scored(before, { bad: outcome !== 'pass', stream: streamId, requester })
    scores.set(transcoder, { score, day })
    nodeOf(transcoder).evidenceScore = score.value
  }

  return {
    receipts(transcoder, count) {
      nodeOf(transcoder).receipts += count
    },
    verdict({ transcoder, outcome, streamId, requester, completedAt }) {
      const node = nodeOf(transcoder)
      node[outcome]++
      node.checked++
      totals.checked++
      // Doubt is no evidence either way.
      if (outcome === 'inconclusive') return
      count({ transcoder, outcome, streamId, requester, completedAt })
    },
    heardPass: (counted) => count({ ...counted, outcome: 'pass' }),
    evidence: (transcoder) => scores.get(transcoder)?.score,
    statement(direction) {
      totals[direction === 'sent' ? 'statementsSent' : 'statementsReceived']++
    },
    nodes: () => Object.fromEntries(nodes),
    totals: () => ({ ...totals }),
  }
}
