import type { Command } from 'commander'
import { type PlaceOptions, withPlaceOptions, withSpendingOptions } from './place.options.ts'

export interface BondOptions extends PlaceOptions {
  json?: boolean
  orchestrator?: boolean
  dryRun?: boolean
  yes?: boolean
}

export interface BondStatusOptions extends PlaceOptions {
  json?: boolean
  address?: string
}

export interface BondCommands {
  status(options: BondStatusOptions): Promise<void>
  deposit(amount: string, options: BondOptions): Promise<void>
  exit(amount: string | undefined, options: BondOptions): Promise<void>
  withdraw(options: BondOptions): Promise<void>
}

const ORCHESTRATOR = ['--orchestrator', 'the security deposit of an orchestrator instead of the bond of a fisherman'] as const

export function declareBond(program: Command, run: BondCommands): void {
  const bond = program.command('bond').description("a fisherman's bond, and an orchestrator's security deposit")
  withPlaceOptions(bond.command('status').description('bond, deposit, funds, and what can be withdrawn when'))
    .option('--address <address>', 'of whom; of the key where not given')
    .action((options: BondStatusOptions) => run.status(options))
  withSpendingOptions(bond.command('deposit <amount>').description('bond this many LPT, as a fisherman with its key for draws'))
    .option(...ORCHESTRATOR)
    .action((amount: string, options: BondOptions) => run.deposit(amount, options))
  withSpendingOptions(bond.command('exit [amount]').description('ask for it back: the wait begins'))
    .option(...ORCHESTRATOR)
    .action((amount: string | undefined, options: BondOptions) => run.exit(amount, options))
  withSpendingOptions(bond.command('withdraw').description('take out what has waited long enough'))
    .option(...ORCHESTRATOR)
    .action((options: BondOptions) => run.withdraw(options))
  bond.addHelpText(
    'after',
    `
Amounts are LPT with up to 18 decimals. Exit code: 0 done, 2 nothing was done (one line says why), or our own error.`,
  )
}
