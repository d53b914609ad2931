import type { Command } from 'commander'
import type { FolderOptions } from './data-dir.ts'

export interface StatusOptions extends FolderOptions {
  url?: boolean
  json?: boolean
}

export function declareStatus(program: Command, run: (options: StatusOptions) => Promise<void>): void {
  program
    .command('status')
    .description('what a running fisherman says of itself: page, ready or why not, checks, faults, money')
    .option('--config <file>', 'configuration of the fisherman that runs; else the one at its usual place')
    .option('--data-dir <folder>', 'or just its data folder')
    .option('--url', 'print only where the page is')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit code: 0 it is ready, 1 it runs and is not ready (one line says why), 2 nobody answers.')
    .action(run)
}
