import type { Command } from 'commander'
import type { ChainOptions } from './chain.options.ts'

export interface IdleOptions extends ChainOptions {
  rounds: string
  out?: string
}

export interface IdleVerifyOptions {
  json?: boolean
}

export interface IdleCommands {
  look(options: IdleOptions): Promise<void>
  verify(where: string, options: IdleVerifyOptions): Promise<void>
}

export function declareIdle(program: Command, run: IdleCommands): void {
  const idle = program
    .command('idle')
    .description('who earns without working: rewards, tickets and stake of each orchestrator beside the work that was seen')
    .option('--rounds <n>', 'whole rounds to look back', '90')
    .option('--config <file>', 'configuration (YAML or JSON), as for run')
    .option('--rpc <url...>', 'RPC endpoints instead of those of the configuration')
    .option('--data-dir <folder>', 'folder of the fisherman whose evidence counts')
    .option('--out <folder>', 'write all of it as a dataset that strangers can check, signed where a key is configured')
    .option('--json', 'print one JSON object; amounts are wei in decimal strings')
    .addHelpText(
      'after',
      `
Classes are facts of the chain beside what this fisherman saw, no accusation; nothing of it goes on a chain. LPT and tickets are of the rounds looked
at, evidence is of the whole log of the fisherman that runs. Exit code: 0 done, 2 our own error.`,
    )
    .action((options: IdleOptions) => run.look(options))
  idle
    .command('verify')
    .description('derive every number of a dataset again and name all that differs; needs neither key nor chain')
    .argument('<dataset>', 'folder that --out wrote, or the address of one')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit code: 0 it is what it says, 1 something differs, 2 it cannot be read, or our own error.')
    // An option that both know goes to the first of them.
    .action((where: string, _: unknown, command: Command) => run.verify(where, command.optsWithGlobals<IdleVerifyOptions>()))
}
