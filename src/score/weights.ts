/** What a score is made of. Price is an axis that nothing measures yet: whoever weighs it changes nothing. */
export const AXES = ['success', 'speed', 'quality', 'capacity', 'price'] as const
export type Axis = (typeof AXES)[number]

/** How much each axis counts; only their ratio matters. */
export type Weights = Readonly<Partial<Record<Axis, number>>>

/**
 * Weights for usual wishes. Success is in each: the speed of a wrong picture is worth nothing. A live stream is late for ever where an
 * archive is only done later, and an archive keeps for years what a live stream shows once.
 */
export const PRESETS = {
  'low-latency': { success: 0.4, speed: 0.6 },
  archive: { success: 0.4, quality: 0.6 },
  balanced: { success: 0.4, speed: 0.3, quality: 0.2, capacity: 0.1 },
} as const satisfies Record<string, Weights>

/**
 * Weighted geometric mean of the axes that are known, so that nothing else makes up for an axis at 0. Axes that nobody measured are left
 * out: they neither help nor harm. Undefined where no axis that counts is known.
 */
export function weighed(axes: Readonly<Partial<Record<Axis, number>>>, weights: Weights): number | undefined {
  let total = 0
  let sum = 0
  for (const axis of AXES) {
    const [value, weight] = [axes[axis], weights[axis] ?? 0]
    if (value === undefined || weight <= 0) continue
    if (value <= 0) return 0
    total += weight
    sum += weight * Math.log(Math.min(1, value))
  }
  return total === 0 ? undefined : Math.exp(sum / total)
}
