import type { Command } from 'commander'

export interface ChainOptions {
  config?: string
  dataDir?: string
  rpc?: string[]
  json?: boolean
}

export interface ChainTableOptions extends ChainOptions {
  rounds: string
}

export interface ChainCommands {
  status(options: ChainOptions): Promise<void>
  orchestrators(options: ChainTableOptions): Promise<void>
}

export function declareChain(program: Command, run: ChainCommands): void {
  const chain = program.command('chain').description('look at the chain: endpoints, contracts, our account, all orchestrators')
  const declare = (name: string, description: string): Command =>
    chain
      .command(name)
      .description(description)
      .option('--config <file>', 'configuration (YAML or JSON), as for run')
      .option('--rpc <url...>', 'RPC endpoints instead of those of the configuration')
      .option('--data-dir <folder>', 'folder of the fisherman')
      .option('--json', 'print one JSON object; amounts are wei in decimal strings')
  declare('status', 'whether the endpoints agree, what is final, which contracts are there, what our account has')
    .addHelpText(
      'after',
      `
Exit code: 0 all is well, 1 something needs attention (paused, no funds, an old head), 2 nothing can work so, or our own error.`,
    )
    .action((options: ChainOptions) => run.status(options))
  declare('orchestrators', 'all orchestrators: stake, what a conviction can reach, rewards, tickets')
    .option('--rounds <n>', 'rounds in which reward calls and tickets are counted', '30')
    .addHelpText(
      'after',
      `
DEPOSIT is without what thaws: that is on its way out. SLASHABLE is what a conviction can reach: the own bond and the security
deposit, thawing included, never what others delegated. "rewarded, no tickets" is no proof of anything: tickets are a lottery, and whether the service URI answers is not looked at here.`,
    )
    .action((options: ChainTableOptions) => run.orchestrators(options))
}
