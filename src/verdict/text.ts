import type { Reason } from './types.ts'

/** One measure as a line of text. */
export function reasonLine(reason: Reason): string {
  const number = (value: number): string => String(Number(value.toPrecision(3)))
  const at = reason.frame === undefined ? '' : ` (frame ${reason.frame})`
  return `${reason.code}: ${number(reason.value)}, limit ${number(reason.limit)}${at}: ${reason.sees}`
}

/** An outcome as people read it, with its fault class: `FAIL (D2)`. */
export function outcomeName(outcome: string, faultClass?: string): string {
  return `${outcome.toUpperCase()}${faultClass ? ` (${faultClass})` : ''}`
}
