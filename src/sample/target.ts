import type { DrawParams } from './draw.ts'

/** What we know against a node; the evidence score of the court has both. */
export interface Suspicion {
  /** CUSUM of bad against good samples; above 0 there is evidence. */
  value: number
  /** Streams that had their strike today: further bad samples of them count nothing. */
  struckStreams: ReadonlySet<string>
}

/**
 * How many times the usual samples we look at of one stream of a node: the most there is while there is evidence, but only of streams that
 * can add to it. Each fisherman's own decision from opened answers and its own replays; who has heard less looks less, and every
 * draw up to the most is valid for everybody, so nobody has to agree.
 */
export function timesOf(params: Pick<DrawParams, 'mostTimes'>, suspicion: Suspicion | undefined, stream: string): number {
  if (!suspicion || suspicion.value <= 0 || suspicion.struckStreams.has(stream)) return 1
  return params.mostTimes
}

/** Samples of a node that we look at in a day, where these shares of its work are on struck streams and on others. */
export function samplesPerDay(
  params: Pick<DrawParams, 'mostTimes' | 'samplesPerDay'>,
  suspicion: Suspicion | undefined,
  streams: readonly string[],
): number {
  if (streams.length === 0) return 0
  const times = streams.reduce((sum, stream) => sum + timesOf(params, suspicion, stream), 0)
  return (params.samplesPerDay * times) / streams.length
}
