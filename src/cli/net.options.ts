import type { Command } from 'commander'

export interface NetOptions {
  config?: string
  dataDir?: string
  json?: boolean
}

export interface NetCommands {
  peers(options: NetOptions): Promise<void>
  doctor(options: NetOptions): Promise<void>
}

export function declareNet(program: Command, run: NetCommands): void {
  const where = (command: Command): Command =>
    command
      .option('--config <file>', 'configuration of the fisherman that runs')
      .option('--data-dir <folder>', 'or just its data folder')
      .option('--json', 'print one JSON object')
  where(program.command('peers').description('whom a running fisherman is connected to'))
    .addHelpText(
      'after',
      `
SCORE: what a peer earned in gossip; below 0 it misbehaved, below -800 nothing that it says is heard. SPEAKS: "all", or "proofs" where
it follows fraud proofs only or judges by another version. Exit code: 0 there are peers, 1 there are none, 2 nobody answers.`,
    )
    .action((options: NetOptions) => run.peers(options))
  const net = program.command('net').description('look at the network around a running fisherman')
  where(net.command('doctor').description('reachability, router, links, digest and clocks, and what mends what is wrong'))
    .addHelpText(
      'after',
      '\nExit code: 0 nothing failed (warnings may be there), 1 something failed, 2 nobody answers, or our own error.',
    )
    .action((options: NetOptions) => run.doctor(options))
}
