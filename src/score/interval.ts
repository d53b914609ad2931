/** A share with what is known of it. */
export interface Interval {
  low: number
  high: number
}

/** Two-sided 95 %. */
const Z = 1.959964

/** Wilson's interval of a share: right for few samples and for shares near 0 and 1, where the plain one is not. All of [0, 1] without samples. */
export function wilson(good: number, total: number): Interval {
  if (total <= 0) return { low: 0, high: 1 }
  const share = good / total
  const z2 = Z * Z
  const middle = share + z2 / (2 * total)
  const reach = Z * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total * total))
  const whole = 1 + z2 / total
  return { low: Math.max(0, (middle - reach) / whole), high: Math.min(1, (middle + reach) / whole) }
}
