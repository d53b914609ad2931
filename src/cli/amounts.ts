import { exact } from '../base/amounts.ts'

// Amounts as people read them, exact: what is signed is what is shown.

export const lpt = (wei: bigint): string => exact(wei, 'LPT')

/** Wei of the native coin with four digits that count, rounded up. */
export function coins(wei: bigint): string {
  const digits = wei.toString()
  if (digits.length <= 4) return exact(wei, 'ETH')
  const step = 10n ** BigInt(digits.length - 4)
  return exact(((wei + step - 1n) / step) * step, 'ETH')
}

/** `20 d 3 h`, `4 min 10 s`: two units are enough. */
export function span(sec: number): string {
  const parts: string[] = []
  let left = Math.max(0, Math.ceil(sec))
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(left / length)
    left -= count * length
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
  }
  return parts.slice(0, 2).join(' ') || '0 s'
}

/** Unix seconds as `2026-12-16 14:05 UTC`. */
export function moment(sec: number): string {
  return `${new Date(sec * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
