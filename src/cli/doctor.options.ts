import type { Command } from 'commander'

export interface DoctorOptions {
  config?: string
  json?: boolean
  refresh?: boolean
}

export function declareDoctor(program: Command, run: (options: DoctorOptions) => Promise<void>): void {
  program
    .command('doctor')
    .description(
      'look at this machine (programs, sandbox, hardware, verdicts), and at what the configuration names: keys, disk, log, ports, RPC, contracts, funds, feeds, peers',
    )
    .option('--config <file>', 'configuration (YAML or JSON), as for run; by default the one at its usual place, if it is there')
    .option('--json', 'print one JSON object')
    .option('--refresh', 'try the hardware again instead of reading what was found last time')
    .addHelpText(
      'after',
      '\nNothing is changed: the disk is tried with a file that is removed again. While a fisherman runs, it is asked about its network.\nExit code: 0 nothing failed (warnings may be there), 1 something failed, 2 our own error.',
    )
    .action((options: DoctorOptions) => run(options))
}
