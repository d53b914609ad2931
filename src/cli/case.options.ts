import type { Command } from 'commander'
import { type PlaceOptions, withPlaceOptions, withSpendingOptions } from './place.options.ts'

export interface CaseOptions extends PlaceOptions {
  json?: boolean
}

export interface CaseListOptions extends CaseOptions {
  state?: string
  orchestrator?: string
}

export interface CaseSpendOptions extends CaseOptions {
  dryRun?: boolean
  yes?: boolean
  /** Of appeal only. */
  claim?: string
  /** Of answer only: the file. */
  rebuttal?: string
  publish?: string
}

export interface CaseCommands {
  ls(options: CaseListOptions): Promise<void>
  show(faultId: string | undefined, options: CaseOptions): Promise<void>
  submit(file: string, options: CaseSpendOptions): Promise<void>
  answer(faultId: string, options: CaseSpendOptions): Promise<void>
  appeal(faultId: string, options: CaseSpendOptions): Promise<void>
  settle(faultId: string, options: CaseSpendOptions): Promise<void>
  expire(faultId: string, options: CaseSpendOptions): Promise<void>
}

export function declareCase(program: Command, run: CaseCommands): void {
  const cases = program.command('case').description('cases on the chain: who is accused, convicted, of what, and what follows')
  withPlaceOptions(cases.command('ls').description('all cases, newest first'))
    .option('--state <state>', 'open, answered, convicted, settled, expired, refunded, rejected or drawn')
    .option('--orchestrator <address>', 'cases against this one')
    .action((options: CaseListOptions) => run.ls(options))
  withPlaceOptions(
    cases
      .command('show [faultId]')
      .description('one case with all that happened, when and in which transaction; the newest where none is said'),
  ).action((faultId: string | undefined, options: CaseOptions) => run.show(faultId, options))
  withSpendingOptions(
    cases
      .command('submit <file>')
      .description('bring a proof: an evidence bundle of an O class, a fraud proof, or JSON of its evidence'),
  )
    .addHelpText(
      'after',
      `
The proof is checked here, then tried on the chain, then committed to and revealed. Broken off, the same command goes on where it was.`,
    )
    .action((file: string, options: CaseSpendOptions) => run.submit(file, options))
  withSpendingOptions(
    cases
      .command('answer <faultId>')
      .description('as the accused, put the hash of a rebuttal beside an open case, with the key of the node or a delegate'),
  )
    .option('--rebuttal <file>', 'what is wrong with the accusation, as text; its keccak256 goes on the chain')
    .option('--publish <folder>', "where the node's feed serves it from: the folder rebuttals of the sidecar's data folder")
    .action((faultId: string, options: CaseSpendOptions) => run.answer(faultId, options))
  withSpendingOptions(
    cases.command('appeal <faultId>').description('object to a conviction with a bond; or refund one that the oracle overturned'),
  )
    .option('--claim <text>', 'what is wrong, in a sentence; its keccak256 goes on the chain, tell the sentence to the oracle')
    .action((faultId: string, options: CaseSpendOptions) => run.appeal(faultId, options))
  withSpendingOptions(cases.command('settle <faultId>').description('pay out a conviction that can be appealed no more')).action(
    (faultId: string, options: CaseSpendOptions) => run.settle(faultId, options),
  )
  withSpendingOptions(cases.command('expire <faultId>').description('end a case that nobody decided in time')).action(
    (faultId: string, options: CaseSpendOptions) => run.expire(faultId, options),
  )
  cases.addHelpText(
    'after',
    `
Exit code: 0 done, 2 nothing was done (one line says why), or our own error.`,
  )
}
