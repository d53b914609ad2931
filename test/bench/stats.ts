/** Natural logarithm of the gamma function for x > 0 (Lanczos, g = 7, nine terms: about 15 digits). */
function logGamma(x: number): number {
  const c = [
    ...[0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059],
    ...[12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7],
  ]
  const y = x - 1
  let sum = c[0] ?? 0
  for (let i = 1; i < c.length; i++) sum += (c[i] ?? 0) / (y + i)
  const t = y + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Probability of at most k successes in n trials. */
function atMost(k: number, n: number, p: number): number {
  if (p <= 0) return 1
  if (p >= 1) return k >= n ? 1 : 0
  let sum = 0
  for (let i = 0; i <= k; i++) {
    const ways = logGamma(n + 1) - logGamma(i + 1) - logGamma(n - i + 1)
    sum += Math.exp(ways + i * Math.log(p) + (n - i) * Math.log(1 - p))
  }
  return Math.min(1, sum)
}

function solve(f: (p: number) => boolean): number {
  let low = 0
  let high = 1
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (f(middle)) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Exact two-sided 95 % bounds (Clopper and Pearson) of a share of which k of n were seen. */
export function bounds(k: number, n: number): { low: number; high: number } {
  if (n === 0) return { low: 0, high: 1 }
  const low = k === 0 ? 0 : solve((p) => 1 - atMost(k - 1, n, p) < 0.025)
  const high = k === n ? 1 : solve((p) => atMost(k, n, p) > 0.025)
  return { low, high }
}

/** Columns as wide as they must be; all but the first two that hold numbers are flush right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, c) => Math.max(name.length, ...rows.map((row) => (row[c] ?? '').length)))
  const numeric = head.map((_, c) => rows.every((row) => /^[\d.%-]*( %)?$/.test(row[c] ?? '')))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => (numeric[c] ? cell.padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), widths.map((w) => '-'.repeat(w)).join('  '), ...rows.map(line)].join('\n')
}
