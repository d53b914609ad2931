import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import { type ChainFacts, next, type Phase } from '../chain/engine.ts'
import { buildProof } from '../chain/proof.ts'
import { STATUTE_ROUNDS } from '../chain/rules.ts'
import type { CaseView } from '../chain/types.ts'
import type { Act } from './actions.ts'
import type { Bench } from './bench.ts'
import type { CaseBook, FoundCase } from './case-book.ts'

/** Faults that nodes' own signatures prove, each driven to its end: what is to be done is computed anew from the chain on every head. */
export interface Prosecutions {
  add(fault: FoundCase): void
  /** This node's stake is on its way out: what waits to be tried again waits no longer. */
  hurry(transcoder: Hex): void
  onHead(): void
}

export interface ProsecutionsDeps {
  act: Act
  book: Pick<CaseBook, 'lost'>
  /** Evidence for the report after the conviction. */
  keep(faultId: Hex, evidence: Hex, evidenceHash: Hex): void
  /** It is in hand no longer, or never came to be. */
  over(fault: FoundCase): void
}

interface Prosecution extends FoundCase {
  round: bigint | undefined
}

/** Faults in hand at one time; what is found beyond them waits in the log for a restart. */
const MOST = 10_000

export function createProsecutions(bench: Bench, deps: ProsecutionsDeps): Prosecutions {
  const { chain, logger } = bench
  const inHand = new Map<Hex, Prosecution>()

  async function look(one: Prosecution, view: CaseView | undefined): Promise<void> {
    const { faultClass, faultId, evidence, round } = one
    const step = next({ faultClass, view, proof: true, round }, await chainFacts(bench, one.transcoder))
    if ('done' in step) return await ended(one, step.phase, view)
    // How old a commitment is, is looked after while it is brought; what comes after is the same for all classes.
    if ('do' in step && (step.do === 'commit' || step.do === 'reveal'))
      await deps.act(faultId, 'reveal', () => chain.commitReveal({ faultClass, faultId, evidence }, { signal: bench.signal }))
  }

  async function ended(one: Prosecution, phase: Phase, view: CaseView | undefined): Promise<void> {
    if (phase === 'lost' && view) await deps.book.lost(view)
    // Until its block is final it may come back, and then there is something to do again.
    if (view && chain.levelOf(view.blockNumber) !== 'finalized') return
    inHand.delete(one.faultId)
    chain.unsuspect(one.transcoder, one.faultId)
    deps.over(one)
    if (phase === 'expired') logger.warn('A fault is too old to be proven', { faultId: one.faultId, transcoder: one.transcoder })
  }

  function lookSafely(one: Prosecution, view: CaseView | undefined): void {
    look(one, view).catch((error: unknown) => {
      if (!bench.signal.aborted) logger.warn('A fault could not be looked at', { faultId: one.faultId, reason: messageOf(error) })
    })
  }

  function onHead(): void {
    if (!bench.identity) return
    const views = new Map(chain.cases().map((view) => [view.faultId, view]))
    for (const one of inHand.values()) lookSafely(one, views.get(one.faultId))
  }

  return {
    add(fault) {
      if (inHand.has(fault.faultId)) return
      const proof = buildProof(bench.domain, fault.faultClass, fault.evidence)
      if (!proof.ok) {
        logger.error('Evidence of a fault proves nothing', { faultId: fault.faultId, reason: proof.reason })
        deps.over(fault)
        return
      }
      if (inHand.size >= MOST) {
        logger.warn('Too many faults at a time, one waits for a restart', { faultId: fault.faultId })
        deps.over(fault)
        return
      }
      const one = { ...fault, round: proof.round }
      inHand.set(fault.faultId, one)
      deps.keep(fault.faultId, fault.evidence, fault.evidenceHash)
      chain.suspect(fault.transcoder, fault.faultId)
      // At this one alone: a thousand faults of one window would be looked at a million times.
      if (bench.identity)
        lookSafely(
          one,
          chain.cases().find(({ faultId }) => faultId === fault.faultId),
        )
    },
    hurry(transcoder) {
      for (const one of inHand.values()) if (one.transcoder === transcoder) deps.act.again(one.faultId)
    },
    onHead,
  }
}

/** What the engine must know of the chain about a case of this node. Commitments are looked after where they are made. */
export async function chainFacts({ chain, address }: Pick<Bench, 'chain' | 'address'>, transcoder: Hex): Promise<ChainFacts> {
  return {
    ...{ me: address, nowSec: chain.nowSec(), round: await chain.round(), statuteRounds: BigInt(STATUTE_ROUNDS) },
    ...{ minCommitAgeSec: 0, maxCommitAgeSec: 0 },
    leaving: chain.alarms().some((alarm) => alarm.transcoder === transcoder),
  }
}
