import { usage } from './complain.ts'

/** Milliseconds of the ages that `--since` takes. */
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A day, a moment, or an age before now; Unix milliseconds. */
export function sinceMs(text: string, nowMs: number): number {
  const [, count, unit] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? []
  if (count && unit) return nowMs - Number(count) * (UNITS[unit] ?? 0)
  const at = /^[0-9]{4}-/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw usage(`--since '${text}': write a day (2026-11-24), a moment (2026-11-24T10:00Z) or an age (90m, 12h, 7d)`)
  return at
}
