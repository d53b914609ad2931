import { FishermanError, messageOf } from '../base/errors.ts'

/** What was typed cannot be done: a mistake of who typed it. */
export function usage(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}

/** Says in one line why a command ended without a result. */
export function complain(command: string, error: unknown): void {
  console.error(`fisherman ${command}: ${messageOf(error).split('\n')[0]}`)
}
