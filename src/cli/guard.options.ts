import type { Command } from 'commander'
import type { FolderOptions } from './data-dir.ts'

export type GuardOptions = FolderOptions

export interface GuardCommands {
  export(file: string, options: GuardOptions): Promise<void>
  import(file: string, options: GuardOptions): Promise<void>
}

const CONFIG = [
  '--config <file>',
  'configuration of the fisherman, which must not be running; else the one at its usual place',
] as const
const FOLDER = ['--data-dir <folder>', 'or just its data folder'] as const

export function declareGuard(program: Command, run: GuardCommands): void {
  const guard = program.command('guard').description('move a key to another machine, with everything that it has said')
  guard
    .command('export <file>')
    .description('write what this key has signed to a file, and stop signing with it here')
    .option(...CONFIG)
    .option(...FOLDER)
    .action((file: string, options: GuardOptions) => run.export(file, options))
  guard
    .command('import <file>')
    .description('take over what a key has signed elsewhere, so that it never says anything else about the same')
    .option(...CONFIG)
    .option(...FOLDER)
    .action((file: string, options: GuardOptions) => run.import(file, options))
}
