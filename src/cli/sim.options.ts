import { type Command, InvalidArgumentError, Option } from 'commander'
import { wholeNumber } from './devnet.options.ts'

export interface SimOptions {
  fishermen: number
  hostile?: number
  kinds: string[]
  fakes: number
  orchestrators: number
  streams: number
  probes: boolean
  days: number
  seed: number
  trials: number
  honestYears: number
  honestFails: number
  burstyStreams: number
  checkSeconds: number
  json?: boolean
}

/** Names as `sim/settings.ts` has them; a test keeps the two equal, since this file must stay free of heavy imports. */
export const HOSTILE_NAMES = ['lazy', 'copying', 'framing', 'shielding', 'never-opening']

export function declareSim(program: Command, run: (options: SimOptions) => Promise<void>): void {
  program
    .command('sim')
    .description('simulate months of a public network: how soon cheats are convicted, and honest nodes never')
    .option('--fishermen <n>', 'members of the network', wholeNumber, 30)
    .option('--hostile <n>', 'hostile ones among them; the most below a third where not given', countFromZero)
    .addOption(
      new Option('--kinds <names...>', 'what hostile members are, in turn').choices(HOSTILE_NAMES).default(HOSTILE_NAMES),
    )
    .option('--fakes <n>', 'identities without a bond that accuse and vote all the same', countFromZero, 0)
    .option(
      '--orchestrators <n>',
      'nodes: a tenth of each cheat rate, a tenth with bursty content, the others honest',
      wholeNumber,
      100,
    )
    .option('--streams <n>', 'streams of a node in a day', wholeNumber, 20)
    .option('--no-probes', 'no probes for nodes below five streams a day')
    .option('--days <n>', 'days of the network', wholeNumber, 30)
    .option('--seed <n>', 'the same seed gives the same result', countFromZero, 1)
    .option('--trials <n>', 'convictions of each cheat rate after which no more of them are looked at', wholeNumber, 200)
    .option(
      '--honest-years <n>',
      'node-years of the second part, honest nodes with bursty content; 0 leaves it out',
      countFromZero,
      1000,
    )
    .option('--honest-fails <share>', 'honest segments that fail a voteable verdict, one by one', share, 1e-5)
    .option('--bursty-streams <share>', 'streams whose content makes three in ten honest segments fail', share, 1e-3)
    .option('--check-seconds <s>', 'GPU seconds of a check; a replay with its two encodes takes four times as many', seconds, 1)
    .option('--json', 'print one JSON object instead of the tables')
    .addHelpText(
      'after',
      `
Draws, court, evidence score and trust are the daemon's own; seconds pass as on a public network. A conviction is dated at its last vote; on
the chain it waits until the accused has had its day to answer.

Exit code: 0 what is claimed of the network holds, or this run is too small to say; 1 it does not; 2 wrong usage or our own error.`,
    )
    .action((options: SimOptions) => run(options))
}

function countFromZero(text: string): number {
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('it must be a whole number.')
  return value
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('it must be a number from 0 to 1.')
  return value
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= 1000)) throw new InvalidArgumentError('it must be above 0 and at most 1000.')
  return value
}
