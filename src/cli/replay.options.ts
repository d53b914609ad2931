import type { Command } from 'commander'

export interface ReplayOptions {
  json?: boolean
}

/** Declares the command without loading any of its machinery. */
export function declareReplay(program: Command, run: (bundle: string, options: ReplayOptions) => Promise<void>): void {
  program
    .command('replay <bundle>')
    .description('check an evidence bundle from nothing but the file: hashes, signatures, paths, and the verdict itself')
    .option('--json', 'print the result as one JSON object')
    .addHelpText(
      'after',
      `
A bundle is a .fishbundle file: a fisherman keeps one for each fault in the folder bundles of its data folder and serves it
at /fisherman/v1/bundles/<evidenceHash>, to others once its case is public. No key, chain or network is needed to replay it; ffmpeg is.

Exit code: 0 reproduced, 1 not reproduced (a line says NO), 2 a broken file, wrong usage or our own error.`,
    )
    .action(run)
}
