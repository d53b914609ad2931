import type { Command } from 'commander'

export interface GuardOptions {
  dataDir: string
}

export interface GuardCommands {
  export(file: string, options: GuardOptions): Promise<void>
  import(file: string, options: GuardOptions): Promise<void>
}

const FOLDER = ['--data-dir <folder>', 'data folder of the fisherman; it must not be running'] as const

export function declareGuard(program: Command, run: GuardCommands): void {
  const guard = program.command('guard').description('move a key to another machine, with everything that it has said')
  guard
    .command('export <file>')
    .description('write what this key has signed to a file, and stop signing with it here')
    .requiredOption(...FOLDER)
    .action((file: string, options: GuardOptions) => run.export(file, options))
  guard
    .command('import <file>')
    .description('take over what a key has signed elsewhere, so that it never says anything else about the same')
    .requiredOption(...FOLDER)
    .action((file: string, options: GuardOptions) => run.import(file, options))
}
