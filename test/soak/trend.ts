/** A line through noisy points, and between which slopes the true one lies with 95 %. */
export interface Trend {
  slope: number
  low: number
  high: number
  points: number
}

/** Two-sided 95 % of the normal distribution. */
const Z = 1.96

/**
 * The median of all slopes between two points (Theil and Sen): a third of the points may be wild and it hardly moves. Its limits are those
 * slopes that Kendall's test would not reject. Undefined below four points.
 */
export function trendOf(points: readonly (readonly [x: number, y: number])[]): Trend | undefined {
  const n = points.length
  if (n < 4) return undefined
  const slopes: number[] = []
  for (const [i, [x, y]] of points.entries())
    for (const [u, v] of points.slice(i + 1)) if (u !== x) slopes.push((v - y) / (u - x))
  slopes.sort((a, b) => a - b)
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)
  const at = (index: number) => slopes[Math.min(slopes.length - 1, Math.max(0, index))] as number
  const half = slopes.length / 2
  return {
    slope: (at(Math.floor((slopes.length - 1) / 2)) + at(Math.floor(half))) / 2,
    low: at(Math.floor(half - spread / 2)),
    high: at(Math.ceil(half + spread / 2)),
    points: n,
  }
}

/** The lowest point of each span of `width`: what is held for a moment falls out. */
export function lowestOf(points: readonly (readonly [x: number, y: number])[], width: number): [x: number, y: number][] {
  const spans = new Map<number, [number, number]>()
  for (const [x, y] of points) {
    const span = Math.floor(x / width)
    const known = spans.get(span)
    if (!known || y < known[1]) spans.set(span, [x, y])
  }
  return [...spans.values()]
}
