import type { Command } from 'commander'

export interface PlaceOptions {
  config?: string
  rpc?: string[]
  deployment?: string
  key?: string
  passwordFile?: string
}

/** Where a command works: a configuration, or its parts. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration (YAML or JSON), as for run')
    .option('--rpc <url...>', 'RPC endpoints, instead of those of the configuration')
    .option('--deployment <file>', 'where the contracts lie, as fisherman deploy wrote it')
    .option('--key <file>', 'keystore (Web3 v3)')
    .option('--password-file <file>', 'password of the keystore')
    .option('--json', 'print one JSON object; amounts are wei in decimal strings')
}

/** For commands that spend. */
export function withSpendingOptions(command: Command): Command {
  return withPlaceOptions(command)
    .option('--dry-run', 'show what would be done, send nothing')
    .option('--yes', 'do not ask before money is spent')
}
