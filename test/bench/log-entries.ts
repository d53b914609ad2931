/** A verdict's measures take about this many numbers. */
const MEASURES = 60

export interface BenchVerdict {
  readonly [key: string]: string | { readonly [key: string]: { readonly [key: string]: number } }
  outcome: string
  transcoder: string
}

/** Payload of the i-th verdict of a benchmark: as large as a real one, one of 200 a fail, 100 orchestrators in turn. */
export function verdictOf(i: number): BenchVerdict {
  const measures = Object.fromEntries(Array.from({ length: MEASURES }, (_, k) => [`measure-${k}`, Math.sin(i * 61 + k)]))
  return {
    outcome: i % 200 === 0 ? 'fail' : 'pass',
    transcoder: `0x${(i % 100).toString(16).padStart(40, 'a')}`,
    verdict: { measures },
  }
}
