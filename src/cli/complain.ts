import { FishermanError, isFishermanError, messageOf } from '../base/errors.ts'

/** What was typed cannot be done: a mistake of who typed it. */
export function usage(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}

/** Says why a command ended without a result: in one line, and a line for each mistake of a configuration. */
export function complain(command: string, error: unknown): void {
  const text = messageOf(error)
  const whole = isFishermanError(error) && error.code === 'bad-config'
  console.error(`fisherman ${command}: ${whole ? text : text.split('\n')[0]}`)
}
