import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import type { Bench } from '../pipeline/bench.ts'
import type { Pipeline } from '../pipeline.ts'

/** Why a node with bad samples is a suspect. */
const RAISED = 'its evidence score is raised'

/** Looks at cases, suspects and a disk that was full at each head of the chain. Returns what ends it. */
export function followHeads(bench: Pick<Bench, 'chain' | 'log' | 'tally' | 'logger'>, pipeline: Pick<Pipeline, 'onHead'>) {
  const { chain, log, tally, logger } = bench
  let busy = false
  return chain.onHead(() => {
    // A full disk may have space again by now.
    if (log.trouble() !== undefined)
      log.recover().then(
        (works) => works && logger.info('The proof log can be written again'),
        () => undefined,
      )
    // Who may be under a case soon is watched before it is.
    for (const [transcoder, { evidenceScore }] of Object.entries(tally.nodes()) as [Hex, { evidenceScore: number }][])
      if (evidenceScore > 0) chain.suspect(transcoder, RAISED)
      else chain.unsuspect(transcoder, RAISED)
    // A head that comes while the last one is still worked on is skipped: everything is recomputed from the next.
    if (busy) return
    busy = true
    pipeline
      .onHead()
      .catch((error: unknown) => logger.warn('Cases could not be looked at', { reason: messageOf(error) }))
      .finally(() => {
        busy = false
      })
  })
}
