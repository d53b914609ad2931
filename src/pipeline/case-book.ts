import type { CaseView } from '../chain/types.ts'
import { plainJson } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'

/** Writes each step of a case into the log once, also across restarts: evidence is kept until the last of them. */
export function createCaseBook({ log }: Pick<Bench, 'log'>): { note(view: CaseView): Promise<void> } {
  let known: Map<string, string> | undefined
  return {
    async note({ faultId, faultClass, transcoder, state, evidenceHash, opener, finder, amount, tx }) {
      if (!known) {
        const written = await log.find({ kind: 'case' })
        known = new Map(
          written.map(({ payload }) => payload as { faultId: string; state: string }).map((e) => [e.faultId, e.state]),
        )
      }
      if (known.get(faultId) === state) return
      known.set(faultId, state)
      await log.append('case', plainJson({ faultId, faultClass, transcoder, state, evidenceHash, opener, finder, amount, tx }))
    },
  }
}
