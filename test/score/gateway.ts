/**
 * What an unmodified gateway does with the two answers, written from its documented behaviour: it reads the scores as a map of maps of numbers
 * and drops an answer that is none, keeps what it read, and takes who is missing for 0; where nobody passes its minimum it drops the filter.
 */
export function createGateway(region: string) {
  const scores = new Map<string, number>()
  return {
    scores,
    /** False where the answer was dropped. */
    readStats(body: string): boolean {
      const parsed: unknown = JSON.parse(body)
      if (!isMapOf(parsed, (one) => isMapOf(one, (inner) => isMapOf(inner, (value) => typeof value === 'number')))) return false
      const map = parsed as Record<string, Record<string, Record<string, number>>>
      if (!Object.keys(map).every((address) => /^(0x)?[0-9a-fA-F]{40}$/.test(address))) return false
      for (const [address, regions] of Object.entries(map)) {
        const score = regions[region]?.score
        if (score !== undefined) scores.set(address, score)
      }
      return true
    },
    filter(candidates: readonly string[], minimum: number): readonly string[] {
      if (minimum <= 0 || scores.size === 0) return candidates
      const passed = candidates.filter((address) => (scores.get(address) ?? 0) >= minimum)
      return passed.length === 0 ? candidates : passed
    },
    /** Trusted and untrusted pools of a list: nodes with another score than 1 or 0 are in neither. */
    readList(body: string): { trusted: string[]; untrusted: string[] } | undefined {
      const parsed: unknown = JSON.parse(body)
      if (!Array.isArray(parsed)) return undefined
      const list = parsed as { address: string; score?: number }[]
      return {
        trusted: list.filter(({ score = 0 }) => score >= 1).map(({ address }) => address),
        untrusted: list.filter(({ score = 0 }) => score === 0).map(({ address }) => address),
      }
    },
  }
}

function isMapOf(value: unknown, isValue: (value: unknown) => boolean): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isValue)
}
