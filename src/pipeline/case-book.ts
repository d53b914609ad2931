import type { Hex } from '../../proofs/types.ts'
import type { CaseView } from '../chain/types.ts'
import { plainJson } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'

/** Writes each step of a case into the log once, also across restarts: evidence is kept until the last of them. */
export interface CaseBook {
  /** A fault that the node's own signatures prove, before anybody knows of it. */
  found(fault: { faultId: Hex; faultClass: string; transcoder: Hex; evidenceHash: Hex }): Promise<void>
  /** What the chain says of a case. */
  note(view: CaseView): Promise<void>
}

/** States that are ours alone: the chain never says them. */
const OURS = ['found', 'reported']

export function createCaseBook({ log }: Pick<Bench, 'log'>): CaseBook {
  let known: Promise<Map<string, string>> | undefined

  async function load(): Promise<Map<string, string>> {
    const states = new Map<string, string>()
    for (const { payload } of await log.find({ kind: 'case' })) {
      const { faultId, state } = payload as { faultId: string; state: string }
      if (!OURS.includes(state) || !states.has(faultId)) states.set(faultId, state)
    }
    return states
  }

  return {
    async found(fault) {
      known ??= load()
      const states = await known
      if (states.has(fault.faultId)) return
      states.set(fault.faultId, 'found')
      await log.append('case', { ...fault, state: 'found' })
    },
    async note({ faultId, faultClass, transcoder, state, evidenceHash, opener, finder, amount, tx }) {
      known ??= load()
      const states = await known
      if (states.get(faultId) === state) return
      states.set(faultId, state)
      await log.append('case', plainJson({ faultId, faultClass, transcoder, state, evidenceHash, opener, finder, amount, tx }))
    },
  }
}
