import { createHash } from 'node:crypto'
import type { Hex } from '../../proofs/types.ts'

/** Was this message signed with this draw key? */
export type CheckDraw = (message: Hex, signature: Hex, key: Hex) => boolean

/**
 * Signatures remembered: half an hour of 100 nodes at 100 samples a day and four who look at each. Whoever asks does so while a sample is sealed and
 * opened, a minute or two; one that is asked for later costs one pairing more.
 */
const REMEMBERED = 1_024

/** One pairing for each member and window, however many samples it was drawn for. */
export function createDrawChecks(check: CheckDraw, remembered = REMEMBERED): CheckDraw {
  const checked = new Map<string, boolean>()
  return (message, signature, key) => {
    // All of the hash: a signature that has another's name would count as it. As bytes, which take less than digits.
    const name = createHash('sha256').update(`${message}/${signature}/${key}`).digest('binary')
    const valid = checked.get(name) ?? check(message, signature, key)
    checked.set(name, valid)
    if (checked.size > remembered) checked.delete(checked.keys().next().value as string)
    return valid
  }
}
