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
  /** Of the withheld: what members enough could not have either. Only these speak against the node. */
  withheldAgreed: number
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

/** What is kept of a node over restarts: its verdicts, and the evidence against it where there is any. */
export interface NodeSums extends Record<Outcome, number> {
  withheldAgreed: number
  evidence?: {
    value: number
    /** Days since 1970 of its newest sample, by chain time. */
    day: number
    struckStreams: readonly string[]
    strikesByRequester: readonly (readonly [requester: string, strikes: number])[]
  }
}
export type TallySums = Readonly<Record<Hex, NodeSums>>

/** Where sums are kept: what others said of a node, and passes that were pruned, are in no log. */
export interface TallyKeep {
  /** Sums of an earlier run, and the size of the log that all its verdicts are of; undefined where none can be trusted. */
  readonly loaded: { sums: TallySums; size: number } | undefined
  /** Something changed. `sums` gives undefined while they are not those of all verdicts that the log holds. */
  save(sums: () => TallySums | undefined): void
}

/** What this daemon has done, for its summary and for the evidence against nodes; kept over restarts, else counted from the proof log. */
export interface Tally {
  receipts(transcoder: Hex, count: number): void
  /** This verdict is about to be written: until it is counted, the sums are not those of the log. */
  expect(verdict: object): void
  /** `expected` is what was expected of it before, if anything. */
  verdict(counted: Counted, expected?: object): void
  /** One of the log, too old for a just score: what else was said of its node then is not known any more. */
  oldVerdict(counted: Counted): void
  /** Enough members could not have the bytes of a withheld verdict of ours: now it is evidence. `expected` as for a verdict. */
  agreed(counted: Counted, expected?: object): void
  /** The same of the log, too old for a just score. */
  oldAgreed(counted: Counted): void
  /** Verdicts in entries below this number are counted from the start; undefined where nothing was kept. */
  countedBelow(): number | undefined
  /** Now all verdicts of the log are counted. */
  caughtUp(): void
  /** Another member checked and found nothing: evidence for the node, so that an accident does not stay for months. */
  heardPass(counted: Omit<Counted, 'outcome'>): void
  /** What we hold against a node; undefined for one that was never checked. */
  evidence(transcoder: Hex): EvidenceScore | undefined
  statement(direction: 'sent' | 'received'): void
  nodes(): Record<Hex, NodeTally>
  totals(): { checked: number; statementsSent: number; statementsReceived: number }
}

/** `keep` holds the sums over restarts; without it each start counts anew. */
export function createTally(keep?: TallyKeep): Tally {
  const nodes = new Map<Hex, NodeTally>()
  const scores = new Map<Hex, { score: EvidenceScore; day: number }>()
  const totals = { checked: 0, statementsSent: 0, statementsReceived: 0 }
  /** What keeps the sums from being those of the log: a start that has not read it yet, verdicts that are not counted yet. */
  const awaited = new Set<object>([totals])
  const nodeOf = (transcoder: Hex): NodeTally => {
    const known = nodes.get(transcoder)
    if (known) return known
    const none = { receipts: 0, checked: 0, pass: 0, fail: 0, inconclusive: 0, withheld: 0, withheldAgreed: 0 }
    const fresh: NodeTally = { ...none, evidenceScore: 0 }
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
    keep?.save(sums)
  }
  function number({ transcoder, outcome }: Counted): void {
    const node = nodeOf(transcoder)
    node[outcome]++
    node.checked++
    totals.checked++
    keep?.save(sums)
  }
  function sums(): TallySums | undefined {
    if (awaited.size > 0) return undefined
    const known = [...nodes].filter(([address, { checked }]) => checked > 0 || scores.has(address))
    return Object.fromEntries(known.map(([address, node]) => [address, sumsOf(node, scores.get(address))]))
  }
  for (const [address, { evidence, ...counts }] of Object.entries(keep?.loaded?.sums ?? {}) as [Hex, NodeSums][]) {
    const node = Object.assign(nodeOf(address), counts)
    node.checked = node.pass + node.fail + node.inconclusive + node.withheld
    totals.checked += node.checked
    if (!evidence) continue
    const { value, day, struckStreams, strikesByRequester } = evidence
    node.evidenceScore = value
    const strikes = { struckStreams: new Set(struckStreams), strikesByRequester: new Map(strikesByRequester) }
    scores.set(address, { score: { value, ...strikes }, day })
  }

  return {
    receipts(transcoder, count) {
      nodeOf(transcoder).receipts += count
    },
    expect: (verdict) => void awaited.add(verdict),
    verdict(counted, expected) {
      if (expected) awaited.delete(expected)
      number(counted)
      // Doubt is no evidence either way, and missing bytes are none before others miss them too.
      if (counted.outcome === 'pass' || counted.outcome === 'fail') count(counted)
    },
    oldVerdict: number,
    agreed(counted, expected) {
      if (expected) awaited.delete(expected)
      nodeOf(counted.transcoder).withheldAgreed++
      count({ ...counted, outcome: 'withheld' })
    },
    oldAgreed(counted) {
      nodeOf(counted.transcoder).withheldAgreed++
      keep?.save(sums)
    },
    countedBelow: () => keep?.loaded?.size,
    caughtUp() {
      awaited.delete(totals)
      keep?.save(sums)
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

function sumsOf(
  { pass, fail, inconclusive, withheld, withheldAgreed }: NodeTally,
  known: { score: EvidenceScore; day: number } | undefined,
): NodeSums {
  const counts = { pass, fail, inconclusive, withheld, withheldAgreed }
  if (!known) return counts
  const { value, struckStreams, strikesByRequester } = known.score
  return {
    ...counts,
    evidence: { value, day: known.day, struckStreams: [...struckStreams], strikesByRequester: [...strikesByRequester] },
  }
}
