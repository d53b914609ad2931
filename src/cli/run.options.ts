import { type Command, Option } from 'commander'

export interface RunOptions {
  config: string
  mode?: string
  dataDir?: string
  logLevel?: string
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
    .addOption(new Option('--log-level <level>', 'how much it says').choices(['debug', 'info', 'warn', 'error']))
    .addHelpText(
      'after',
      `
Flags go before FISHERMAN_* variables, these before the file. Modes: observe needs no key and signs nothing; attest signs
answers and votes; dry-run also builds and simulates transactions; active sends them.`,
    )
    .action(run)
}
