/** Every named point between `sample` and `chain` that one fisherman alone reaches; votes need three (they pass through the same code). */
const STEPS = [
  'intend.open',
  'broadcast.open',
  'mined.open',
  'intend.commit',
  'broadcast.commit',
  'mined.commit',
  'intend.reveal',
  'broadcast.reveal',
  'mined.reveal',
  'sign.sealed',
  'say.sealed',
  'sign.answer',
  'say.answer',
  'verdict.pass',
  'sample.drawn',
]

const STAGES = ['before', 'recorded', 'done']

export const POINTS = STEPS.flatMap((step) => STAGES.map((stage) => `${step}.${stage}`))

/** Each side of a record counts where what is out cannot be taken back. */
const isOfProof = (point: string) => /^(intend|broadcast|mined)\.(commit|reveal)\./.test(point)
/**
 * For the short test: before and after each record on the way of a proof, and after each other record. A case opens only where none is open,
 * so its points come once, in a row.
 */
export const SHORT = POINTS.filter((point) => point.endsWith('.recorded') || (isOfProof(point) && point.endsWith('.before')))

/** Numbers 0..1 from a seed, the same each time: a run that failed can be run again. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // Numerical Recipes' linear congruential generator: good enough to scatter instants.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
