import type { Command } from 'commander'

export interface DoctorOptions {
  json?: boolean
  refresh?: boolean
}

export function declareDoctor(program: Command, run: (options: DoctorOptions) => Promise<void>): void {
  program
    .command('doctor')
    .description('look at this machine: programs, sandbox, hardware, and whether verdicts come out right')
    .option('--json', 'print one JSON object')
    .option('--refresh', 'try the hardware again instead of reading what was found last time')
    .addHelpText('after', '\nExit code: 0 nothing failed (warnings may be there), 1 something failed, 2 our own error.')
    .action((options: DoctorOptions) => run(options))
}
