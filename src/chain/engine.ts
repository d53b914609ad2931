import type { Dismissal, FaultClass, Hex } from '../../proofs/types.ts'
import type { Action, CaseView } from './types.ts'

// Pure: what is to be done about a fault, from what the chain says of it and what is on disk. It is asked anew on every head, so nothing
// is remembered between two answers: a restart at any point and blocks that are taken back need no case of their own.

/**
 * found: we have a proof or a fail, and the chain knows nothing. committed: our commitment, or a bonded case, stands. revealed: the proof or
 * the votes are on their way. seized: stake is taken and held. disputed: the accused answered, or somebody appeals. The rest is the end:
 * settled; lost, to somebody else's reveal or because it was overturned; expired, the proof or the case is too old.
 */
export type Phase = 'found' | 'committed' | 'revealed' | 'seized' | 'disputed' | 'settled' | 'lost' | 'expired'

export interface CaseFacts {
  faultClass: FaultClass
  /** As the chain's events tell it; undefined where they tell nothing. */
  view?: CaseView | undefined
  /** Evidence in hand that convicts: the node's own signatures, or enough votes. */
  proof: boolean
  /** D classes: enough votes in hand that found no fault (`reject`) or got no bytes (`draw`). */
  dismissal?: Dismissal | undefined
  /** D classes: our own replay is worth a case. */
  mayOpen?: boolean
  /** Round from which the statute runs; undefined where the evidence names none. */
  round?: bigint | undefined
  /** Chain time of our commitment; undefined where none stands. */
  committedAtSec?: number | undefined
  /** Work of ours that is signed and not mined yet. */
  underWay?: ReadonlySet<Action>
  /** D classes: chain time from which it is our turn to bring the votes. */
  turnAtSec?: number | undefined
  /** D classes: chain time from which we end a case of somebody else that nobody decided; undefined where we leave it to its opener. */
  endTurnAtSec?: number | undefined
  /** Somebody appealed; nothing is paid out before this time. */
  appealUntilSec?: number | undefined
}

export interface ChainFacts {
  /** Our own address; undefined without a key. */
  me: Hex | undefined
  nowSec: number
  round: bigint
  statuteRounds: bigint
  minCommitAgeSec: number
  maxCommitAgeSec: number
  /** The suspect's stake or deposit is on its way out: nothing that can be done now waits. */
  leaving: boolean
}

export type Step =
  | { phase: Phase; do: Exclude<Action, 'answer' | 'appeal' | 'anchor' | 'silent'> }
  /** Nothing to do before this time, or before something else changes where there is none. */
  | { phase: Phase; waitUntilSec: number | undefined }
  | { phase: Phase; done: true }

/** Seconds before a commitment's end at which a reveal is no longer started. */
export const COMMIT_MARGIN_SEC = 60

/** States of a case that change no more, and what they are to us. */
const ENDS: Readonly<Record<string, Phase>> = {
  settled: 'settled',
  expired: 'expired',
  drawn: 'expired',
  refunded: 'lost',
  rejected: 'lost',
}

/** What is to be done about one fault now. */
export function next(facts: CaseFacts, chain: ChainFacts): Step {
  const { view } = facts
  if (!view) return facts.faultClass.startsWith('O') ? nextObjective(facts, chain) : nextAccusation(facts, chain)
  const end = ENDS[view.state]
  if (end) return { phase: end === 'settled' && isOthersCatch(view, chain) ? 'lost' : end, done: true }
  return view.state === 'convicted' ? nextSeized(facts, view, chain) : nextOpen(facts, view, chain)
}

function nextObjective(facts: CaseFacts, chain: ChainFacts): Step {
  const { proof, committedAtSec, underWay } = facts
  if (underWay?.has('reveal')) return wait('revealed')
  if (isTooOld(facts, chain)) return { phase: 'expired', done: true }
  const isCommitted = committedAtSec !== undefined && chain.nowSec <= lastReveal(committedAtSec, chain)
  const phase = isCommitted ? 'committed' : 'found'
  if (!chain.me || !proof) return wait(phase)
  if (!isCommitted) return underWay?.has('commit') ? wait(phase) : { phase, do: 'commit' }
  const revealable = committedAtSec + chain.minCommitAgeSec
  return chain.nowSec < revealable ? wait(phase, revealable) : { phase, do: 'reveal' }
}

function nextAccusation(facts: CaseFacts, chain: ChainFacts): Step {
  if (isTooOld(facts, chain)) return { phase: 'expired', done: true }
  if (!chain.me || !facts.mayOpen || facts.underWay?.has('open')) return wait('found')
  return { phase: 'found', do: 'open' }
}

function nextOpen(facts: CaseFacts, view: CaseView, chain: ChainFacts): Step {
  const { proof, dismissal, underWay, turnAtSec } = facts
  const isUnderWay = underWay?.has('convict') || underWay?.has('reject') || underWay?.has('draw')
  const phase = isUnderWay ? 'revealed' : view.state === 'answered' ? 'disputed' : 'committed'
  const { answerUntilSec = 0, expiresAtSec = Number.POSITIVE_INFINITY } = view
  const isMine = view.opener === chain.me && chain.me !== undefined
  if (chain.nowSec > expiresAtSec) {
    // Whoever opened it gets its bond back; where it is gone the accused's deposit must not stay frozen.
    const from = isMine ? expiresAtSec : chain.me === undefined ? undefined : facts.endTurnAtSec
    if (from === undefined || underWay?.has('expire')) return wait(phase)
    return chain.nowSec > from ? { phase, do: 'expire' } : wait(phase, from + 1)
  }
  const end = isMine && Number.isFinite(expiresAtSec) ? expiresAtSec + 1 : undefined
  if (!chain.me || !(proof || dismissal) || isUnderWay) return wait(phase, end)
  // No fault is said as soon as it is known: that can only help the accused, who need not answer then.
  if (dismissal === 'reject') {
    const turn = turnAtSec ?? Number.NEGATIVE_INFINITY
    return chain.nowSec > turn ? { phase, do: 'reject' } : wait(phase, turn + 1)
  }
  // Members bring the votes one after the other, so that gas is paid once; a suspect that leaves gets no such grace.
  const from = chain.leaving ? answerUntilSec : Math.max(answerUntilSec, turnAtSec ?? answerUntilSec)
  return chain.nowSec > from ? { phase, do: proof ? 'convict' : 'draw' } : wait(phase, from + 1)
}

function nextSeized(facts: CaseFacts, view: CaseView, chain: ChainFacts): Step {
  if (isOthersCatch(view, chain)) return { phase: 'lost', done: true }
  const { appealUntilSec, underWay } = facts
  if (appealUntilSec !== undefined && chain.nowSec <= appealUntilSec) return wait('disputed', appealUntilSec + 1)
  const { releaseAtSec } = view
  // Who found it has a tenth to gain from the end.
  if (view.finder !== chain.me || chain.me === undefined || releaseAtSec === undefined) return wait('seized')
  if (chain.nowSec <= releaseAtSec) return wait('seized', releaseAtSec + 1)
  return underWay?.has('settle') ? wait('seized') : { phase: 'seized', do: 'settle' }
}

/** An O class goes to the first valid reveal; votes of a D class are everybody's work. */
function isOthersCatch({ faultClass, finder }: CaseView, { me }: ChainFacts): boolean {
  return faultClass.startsWith('O') && finder !== undefined && finder !== me
}

function isTooOld({ round }: CaseFacts, { round: now, statuteRounds }: ChainFacts): boolean {
  return round !== undefined && round + statuteRounds < now
}

function lastReveal(committedAtSec: number, { maxCommitAgeSec }: ChainFacts): number {
  return committedAtSec + maxCommitAgeSec - COMMIT_MARGIN_SEC
}

function wait(phase: Phase, waitUntilSec?: number): Step {
  return { phase, waitUntilSec }
}
