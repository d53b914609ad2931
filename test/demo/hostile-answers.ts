import type { Hex, Outcome } from '../../proofs/types.ts'
import { OUTCOMES } from '../../proofs/types.ts'
import { createAnswerStage as createHonest } from '../../src/pipeline/answers.ts'

export * from '../../src/pipeline/answers.ts'

/** What somebody else opened about a sample; who copies waits for it. */
export interface Heard {
  outcome: Outcome
  fingerprint: Hex
}

export const heard = new Map<Hex, Heard>()

/** Notes what others open before it does what everybody does. */
export function createAnswerStage(...args: Parameters<typeof createHonest>): ReturnType<typeof createHonest> {
  const honest = createHonest(...args)
  return {
    ...honest,
    receive(statement) {
      if (statement.kind === 'answer') {
        const { sampleId, outcome, fingerprint } = statement.body as { sampleId: Hex; outcome: number; fingerprint: Hex }
        const name = OUTCOMES[outcome]
        if (name && !heard.has(sampleId)) heard.set(sampleId, { outcome: name, fingerprint })
      }
      honest.receive(statement)
    },
  }
}
