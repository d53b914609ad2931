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

/** Callers at once: what group commit is for. */
export const WRITERS = 1_000

/** Calls a second with many callers at once. */
export async function together(count: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  let next = 0
  const writer = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await call(i)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  return (count / (performance.now() - start)) * 1000
}
