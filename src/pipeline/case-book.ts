import type { FaultClass, Hex } from '../../proofs/types.ts'
import type { CaseView } from '../chain/types.ts'
import { ENDED, standingsOf } from '../prooflog/cases.ts'
import { plainJson } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'

/** Writes each step of a case into the log once, also across restarts: evidence is kept until the last of them. */
export interface CaseBook {
  /** A fault that the node's own signatures prove, before anybody knows of it. */
  found(fault: FoundCase): Promise<void>
  /** Somebody else was first, or the chain took it back from us. */
  lost(view: CaseView): Promise<void>
  /** Faults found in earlier runs, with their evidence, whose case has not ended. */
  unfinished(): Promise<FoundCase[]>
  /** What the chain says of a case. */
  note(view: CaseView): Promise<void>
}

/** A fault with all that is needed to prove it, also after a restart. */
export interface FoundCase {
  faultId: Hex
  faultClass: FaultClass
  transcoder: Hex
  evidenceHash: Hex
  evidence: Hex
}

/** States of the chain after which nothing is left to do, and ours of the same kind. */
const OVER = [...ENDED, 'lost']

/** What could not be written is not known: it must be written when there is space again. */
function unlearn(states: Map<string, string>, faultId: string, before: string | undefined): (error: unknown) => never {
  return (error) => {
    if (before === undefined) states.delete(faultId)
    else states.set(faultId, before)
    throw error
  }
}

export function createCaseBook({ log }: Pick<Bench, 'log'>): CaseBook {
  let known: Promise<Map<string, string>> | undefined

  async function load(): Promise<Map<string, string>> {
    const standings = standingsOf(await log.find({ kind: 'case' })).values()
    return new Map([...standings].map(({ faultId, state }) => [faultId, state]))
  }

  const lost = new Set<string>()

  return {
    async lost({ faultId, faultClass, transcoder, finder }) {
      if (lost.has(faultId)) return
      lost.add(faultId)
      for (const { payload } of await log.find({ kind: 'case', faultId }))
        if ((payload as { state: string }).state === 'lost') return
      await log.append('case', plainJson({ faultId, faultClass, transcoder, state: 'lost', finder }))
    },
    async unfinished() {
      const open = new Map<string, FoundCase>()
      for (const { payload } of await log.find({ kind: 'case' })) {
        const { state, ...fault } = payload as unknown as FoundCase & { state: string }
        // Entries of older versions hold no evidence: there the feed is read again.
        if (state === 'found' && fault.evidence !== undefined) open.set(fault.faultId, fault)
        if (OVER.includes(state)) open.delete(fault.faultId)
      }
      return [...open.values()]
    },
    async found(fault) {
      known ??= load()
      const states = await known
      if (states.has(fault.faultId)) return
      states.set(fault.faultId, 'found')
      await log.append('case', { ...fault, state: 'found' }).catch(unlearn(states, fault.faultId, undefined))
    },
    async note({ faultId, faultClass, transcoder, state, evidenceHash, opener, finder, amount, rebuttalHash, tx }) {
      known ??= load()
      const states = await known
      if (states.get(faultId) === state) return
      const before = states.get(faultId)
      states.set(faultId, state)
      await log
        .append(
          'case',
          plainJson({ faultId, faultClass, transcoder, state, evidenceHash, opener, finder, amount, rebuttalHash, tx }),
        )
        .catch(unlearn(states, faultId, before))
    },
  }
}
