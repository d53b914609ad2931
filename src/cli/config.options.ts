import type { Command } from 'commander'
import type { ConfigKey } from '../config/keys.ts'
import { withConfigFlags } from './config-flags.ts'

export interface ConfigOptions {
  config?: string
  json?: boolean
}

export interface ConfigCommands {
  show(options: ConfigOptions): Promise<void>
  reference(): Promise<void>
}

export function declareConfig(program: Command, run: ConfigCommands, keys: readonly ConfigKey[]): void {
  const config = program.command('config').description('what the configuration says, and what it may say')
  withConfigFlags(
    config
      .command('show')
      .description('every value that holds and where it comes from; no secrets')
      .option('--config <file>', 'configuration (YAML or JSON); else the file at its usual place')
      .option('--json', 'print one JSON object'),
    keys,
  )
    .addHelpText(
      'after',
      `
Keys and passwords are only in their own files and never shown; of URLs that may carry a token only the host is. The flags are those
of run. Exit code: 0 the configuration is right, 2 it is not (a line for each mistake).`,
    )
    .action((options: ConfigOptions) => run.show(options))
  config
    .command('reference')
    .description('all keys with types, limits, defaults, flags and variables, as Markdown')
    .action(() => run.reference())
}
