import type { Finding } from '../doctor/types.ts'

/** One line; what mends it stands at the end. */
export function findingLine({ name, state, says, mend }: Finding): string {
  return `${state.padEnd(8)} ${name.padEnd(13)} ${says}${mend ? `; to mend it: ${mend}` : ''}`
}
