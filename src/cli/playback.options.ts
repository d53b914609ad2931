import type { Command } from 'commander'

export interface PlaybackOptions {
  segments: string
  json?: boolean
  sheet?: string
  allowPrivate?: boolean
}

export function declarePlayback(program: Command, run: (url: string, options: PlaybackOptions) => Promise<void>): void {
  program
    .command('playback')
    .description('look at a public HLS stream: judges renditions of segments drawn at random against their source')
    .argument('<playlist>', 'address of the master playlist, which lists the source and its renditions')
    .option('--segments <n>', 'segments to look at', '5')
    .option('--json', 'print what was seen as one JSON object')
    .option('--sheet <folder>', 'write a contact sheet for each segment; without it no picture is kept')
    .option('--allow-private', 'connect to this machine and to private networks too')
    .addHelpText(
      'after',
      `
There are no receipts behind a playlist: what is found is a statistic of this stream, accuses nobody and is told to nobody.

Exit code: 0 all pass, 1 something failed, 3 doubts only or nothing to judge, 2 wrong usage or our own error.`,
    )
    .action(run)
}
