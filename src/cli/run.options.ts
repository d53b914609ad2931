import { type Command, Option } from 'commander'

export interface RunOptions {
  config: string
  mode?: string
  dataDir?: string
  logLevel?: string
  firstStart?: boolean
}

export function declareRun(program: Command, run: (options: RunOptions) => Promise<void>): void {
  program
    .command('run')
    .description('run the daemon: read feeds, check samples, log, gossip, open cases and vote')
    .requiredOption('--config <file>', 'configuration (YAML or JSON)')
    .addOption(
      new Option('--mode <mode>', 'what it may do; each mode all that the one before does').choices([
        'observe',
        'attest',
        'dry-run',
        'active',
      ]),
    )
    .option('--data-dir <folder>', 'folder of log, guard, cache and bundles')
    .option(
      '--first-start',
      'your word that this key signs nowhere else: begin to sign without a peer that knows its last log head',
    )
    .addOption(new Option('--log-level <level>', 'how much it says').choices(['debug', 'info', 'warn', 'error']))
    .addHelpText(
      'after',
      `
Flags go before FISHERMAN_* variables, these before the file. Modes: observe needs no key and signs nothing; attest signs
answers and votes; dry-run also builds and simulates transactions; active sends them.

A key signs in one place. Other fishermen keep the last head of its log and return it at each start; until one of them with a
bond does, the daemon only watches. Give --first-start the very first time, or after a folder was lost or repaired; never while
another daemon runs with the same key.`,
    )
    .action(run)
}
