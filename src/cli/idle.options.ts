import type { Command } from 'commander'
import { type PlaceOptions, withPlaceOptions } from './place.options.ts'

export interface IdleOptions extends PlaceOptions {
  network: string
  rounds: string
  dataDir?: string
  out?: string
  publish?: boolean
  all?: boolean
  json?: boolean
}

export interface IdleVerifyOptions {
  json?: boolean
}

export function declareIdle(
  program: Command,
  run: {
    show(options: IdleOptions): Promise<void>
    verify(place: string, options: IdleVerifyOptions): Promise<void>
  },
): void {
  const idle = withPlaceOptions(
    program
      .command('idle')
      .description('who earns without working: rewards, tickets and stake by chain events, beside what was seen'),
  )
    .option(
      '--network <name>',
      'whose rounds hold, where no configuration says it: local, arbitrum-sepolia, arbitrum-one',
      'arbitrum-one',
    )
    .option('--rounds <n>', 'whole rounds to look back at most', '90')
    .option('--data-dir <folder>', 'of a daemon that runs: what it saw counts as evidence')
    .option('--out <folder>', 'writes the dataset of the last whole round there; signed where a key is named or configured')
    .option('--publish', 'writes it to the folder of that daemon, whose page, API and /fisherman/v1/idle show it')
    .option('--all', 'shows those that work too')
    .addHelpText(
      'after',
      `
Classes, heaviest first: paid-without-work (tickets redeemed, and what was checked failed), self-dealt (its tickets came from itself or from who bonded
to it), idle (took inflation, no ticket, no receipt), unproven (too little was seen), works. They are facts and their names, not accusations.
Exit code: 0 done, 2 it could not be read. More: fisherman help idle`,
    )
    .action((options: IdleOptions) => run.show(options))
  idle
    .command('verify')
    .description('derive every number of a published dataset again, without a key or a chain')
    .argument('<folder or URL>', 'what holds manifest.json')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit code: 0 it is what it says, 1 something differs, 2 it could not be read.')
    .action((place: string, _options: IdleVerifyOptions, command: Command) => run.verify(place, command.optsWithGlobals()))
}
