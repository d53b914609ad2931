import type { BackendName, HardwareName, Want } from './types.ts'

/** What a backend did since the start; for metrics. */
export interface HardwareCount {
  backend: HardwareName
  want: Want
  jobs: number
  failures: number
  benched: boolean
}

/** Remembers how backends fare. One that fails too often in a row is passed over until the next trial. */
export class Bench {
  readonly #counts = new Map<string, HardwareCount & { inARow: number }>()
  readonly #maxInARow: number

  constructor(maxInARow: number) {
    this.#maxInARow = maxInARow
  }

  #count(backend: HardwareName, want: Want): HardwareCount & { inARow: number } {
    const key = `${backend}/${want}`
    const count = this.#counts.get(key) ?? { backend, want, jobs: 0, failures: 0, benched: false, inARow: 0 }
    this.#counts.set(key, count)
    return count
  }

  succeeded(backend: HardwareName, want: Want): void {
    const count = this.#count(backend, want)
    count.jobs++
    count.inARow = 0
  }

  /** Returns whether this failure was one too many. */
  failed(backend: HardwareName, want: Want): boolean {
    const count = this.#count(backend, want)
    count.jobs++
    count.failures++
    count.inARow++
    const now = !count.benched && count.inARow >= this.#maxInARow
    if (now) count.benched = true
    return now
  }

  /** `name/want` of all that are passed over. */
  benched(): ReadonlySet<`${BackendName}/${Want}`> {
    return new Set([...this.#counts.values()].flatMap((c) => (c.benched ? [`${c.backend}/${c.want}` as const] : [])))
  }

  counts(): HardwareCount[] {
    return [...this.#counts.values()].map(({ inARow: _, ...count }) => count)
  }
}
