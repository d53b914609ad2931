import { isFishermanError } from './errors.ts'

// What a failure lets us say of a node (rule 1 of the design). Undefined: it is of our own machine, and says nothing of anybody.

/** Bytes of a published receipt were not to be had. Silence counts only while others answer: it may be our own network. */
export function outcomeOfFetch(error: unknown, isOnline: boolean): 'withheld' | undefined {
  if (!isFishermanError(error) || error.blame === 'ours') return undefined
  return error.blame === 'theirs' || isOnline ? 'withheld' : undefined
}

/** The bytes were there and no verdict came: media that ran into a limit, or whatever else nobody can place, is doubt. */
export function outcomeOfJudge(error: unknown): 'inconclusive' | undefined {
  return isFishermanError(error) && error.blame !== 'ours' ? 'inconclusive' : undefined
}
