import { type Command, Option } from 'commander'
import { OUTCOMES } from '../../proofs/types.ts'
import type { FolderOptions } from './data-dir.ts'

export interface LogOptions extends FolderOptions {
  json?: boolean
}

export interface LogListOptions extends LogOptions {
  orchestrator?: string
  outcome?: string
  case?: string
  kind?: string
  since?: string
  limit: string
}

export interface LogVerifyOptions extends LogOptions {
  from: string
}

export interface LogExportOptions extends LogOptions {
  from: string
  format: string
}

export interface LogPruneOptions extends LogOptions {
  keepDays: string
}

export interface LogCommands {
  ls(options: LogListOptions): Promise<void>
  show(seq: string, options: LogOptions): Promise<void>
  prove(seq: string, options: LogOptions): Promise<void>
  verify(options: LogVerifyOptions): Promise<void>
  export(options: LogExportOptions): Promise<void>
  prune(options: LogPruneOptions): Promise<void>
  repair(options: LogOptions): Promise<void>
}

const CONFIG = [
  '--config <file>',
  'configuration of the fisherman, which must not be running; else the one at its usual place',
] as const
const FOLDER = ['--data-dir <folder>', 'or just its data folder'] as const
const JSON_FLAG = ['--json', 'print JSON, one object a line'] as const

export function declareLog(program: Command, run: LogCommands): void {
  const log = program.command('log').description('look into the proof log, verify and export it, prune it, repair it')
  log
    .command('ls')
    .description('list entries, oldest first')
    .option(...CONFIG)
    .option(...FOLDER)
    .option('--orchestrator <address>', 'only what is about this orchestrator')
    .addOption(new Option('--outcome <outcome>', 'only verdicts with it').choices(OUTCOMES))
    .option('--case <faultId>', 'only what is about this case')
    .option('--kind <kind>', 'only entries of this kind: sample, verdict, statement-sent, case, …')
    .option('--since <time>', 'only entries since: 2026-11-24, 2026-11-24T10:00Z, or an age: 90m, 12h, 7d')
    .option('--limit <n>', 'at most so many, the newest ones', '50')
    .option(...JSON_FLAG)
    .action((options: LogListOptions) => run.ls(options))
  const aboutOne = (name: 'show' | 'prove', description: string): void =>
    void log
      .command(`${name} <number>`)
      .description(description)
      .option(...CONFIG)
      .option(...FOLDER)
      .option(...JSON_FLAG)
      .action((seq: string, options: LogOptions) => run[name](seq, options))
  aboutOne('show', 'print one entry')
  aboutOne('prove', 'print what shows a stranger that an entry is in the log: its hash, the path, the root (RFC 6962)')
  log
    .command('verify')
    .description('walk the whole log: numbers, hashes, tree')
    .option(...CONFIG)
    .option(...FOLDER)
    .option('--from <number>', 'begin here; only from 0 the tree is built anew', '0')
    .option(...JSON_FLAG)
    .addHelpText('after', '\nExit code: 0 the log holds, 1 it is damaged, 2 wrong usage or our own error.')
    .action((options: LogVerifyOptions) => run.verify(options))
  log
    .command('export')
    .description('write the whole log to standard output')
    .option(...CONFIG)
    .option(...FOLDER)
    .addOption(
      new Option('--format <format>', 'ndjson: every entry as it is hashed; csv: one line of facts each')
        .choices(['ndjson', 'csv'])
        .default('ndjson'),
    )
    .option('--from <number>', 'begin here', '0')
    .action((options: LogExportOptions) => run.export(options))
  log
    .command('prune')
    .description('drop draws, passes and bundles of finished cases; proofs, votes, cases and transactions always stay')
    .option(...CONFIG)
    .option(...FOLDER)
    .requiredOption('--keep-days <days>', 'keep everything that is younger; 30 is a good choice, cases last up to 15')
    .option(...JSON_FLAG)
    .action((options: LogPruneOptions) => run.prune(options))
  log
    .command('repair')
    .description('copy a damaged log, keep what holds from the first entry on, say where it ends')
    .option(...CONFIG)
    .option(...FOLDER)
    .option(...JSON_FLAG)
    .addHelpText(
      'after',
      '\nExit code: 0 nothing is missing, 1 entries are lost (the first gap is printed), 2 wrong usage or our own error.',
    )
    .action((options: LogOptions) => run.repair(options))
}
