import { moment, span } from './amounts.ts'
import { agrees } from './ask.ts'

/** What every command that moves money takes. */
export interface SpendOptions {
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

/** How a command talks about money before and while it moves it: with --json everything but the result goes to stderr. */
export function spending({ dryRun = false, yes = false, json = false }: SpendOptions, signal: AbortSignal) {
  const say = (line: string) => (json ? console.error(line) : console.log(line))
  return {
    say,
    hooks: {
      async confirm(plan: { says: string }): Promise<boolean> {
        say(`This ${plan.says}.`)
        return !dryRun && (await agrees('Do it?', yes, signal))
      },
      onSent: (what: string, tx: string) => say(`${what.padEnd(9)} ${tx}`),
      waits: (atSec: number, nowSec: number) => `in ${span(atSec - nowSec)}, on ${moment(atSec)}`,
    },
  }
}
