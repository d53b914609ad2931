/** Evidence score of one orchestrator (CUSUM): decides how often it is sampled and its published score, never a conviction. */
export interface EvidenceScore {
  value: number
  /** Streams and requesters struck today: one strike a stream, two a requester, so that bursty content is one event. */
  struckStreams: ReadonlySet<string>
  strikesByRequester: ReadonlyMap<string, number>
}

/** Log-likelihood steps of "1 % bad" against "0.03 % bad": ln(0.01/0.0003) and ln(0.99/0.9997). */
const BAD = 3.51
const GOOD = -0.00975
/** About four net strikes; at 100 samples a day an honest node with 0.03 % bad content gets here once in ten thousand years. */
export const ALARM = 14
const STRIKES_PER_REQUESTER = 2

export const NO_EVIDENCE: EvidenceScore = { value: 0, struckStreams: new Set(), strikesByRequester: new Map() }

/** One more checked sample. Bad samples of a struck stream count nothing; the floor is 0. */
export function scored(score: EvidenceScore, sample: { bad: boolean; stream: string; requester: string }): EvidenceScore {
  if (!sample.bad) return { ...score, value: Math.max(0, score.value + GOOD) }
  const strikes = score.strikesByRequester.get(sample.requester) ?? 0
  if (score.struckStreams.has(sample.stream) || strikes >= STRIKES_PER_REQUESTER) return score
  return {
    value: score.value + BAD,
    struckStreams: new Set([...score.struckStreams, sample.stream]),
    strikesByRequester: new Map([...score.strikesByRequester, [sample.requester, strikes + 1]]),
  }
}

/** A new day: strikes are forgotten, the score stays. */
export function nextDay(score: EvidenceScore): EvidenceScore {
  return { ...NO_EVIDENCE, value: score.value }
}
