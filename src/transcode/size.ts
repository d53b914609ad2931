/** Smallest and largest sizes that go-livepeer's encoders take, in pixels (lpms; NVENC's lower limits). */
const CLAMP = {
  h264: { minWidth: 146, minHeight: 50, max: 4096 },
  hevc: { minWidth: 132, minHeight: 40, max: 8192 },
} as const

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))
const even = (value: number): number => 2 * Math.floor(value / 2)
const follow = (known: number, ratio: number): number => 2 * Math.round((known * ratio) / 2)

/**
 * Size that a Livepeer node really makes of a source for a profile: the source's aspect is kept and its larger side becomes
 * the profile's larger side, unless the smaller one would fall under what encoders take.
 * @param codec `Profile.codec`: 1 is H.265, anything else is treated as H.264
 */
export function outputSize(
  source: { width: number; height: number },
  profile: { width: number; height: number; codec?: number },
): { width: number; height: number } {
  const limits = profile.codec === 1 ? CLAMP.hevc : CLAMP.h264
  const width = clamp(profile.width, limits.minWidth, limits.max)
  const height = clamp(profile.height, limits.minHeight, limits.max)
  const side = Math.max(width, height)
  const { width: iw, height: ih } = source
  if (iw === ih) return { width: even(side), height: even(side) }
  if (iw > ih) {
    if ((side * ih) / iw >= limits.minHeight) return { width: even(side), height: follow(even(side), ih / iw) }
    return { width: follow(limits.minHeight, iw / ih), height: limits.minHeight }
  }
  if ((side * iw) / ih >= limits.minWidth) return { width: follow(even(side), iw / ih), height: even(side) }
  return { width: limits.minWidth, height: follow(limits.minWidth, ih / iw) }
}
