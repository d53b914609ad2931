import type { Command } from 'commander'

export interface InitOptions {
  config?: string
  yes?: boolean
  join?: string
  network?: string
  mode?: string
  rpc?: string
  deployment?: string
  feeds?: string
  bootstrap?: string
  httpPort?: string
  dataDir?: string
}

export function declareInit(program: Command, run: (options: InitOptions) => Promise<void>): void {
  program
    .command('init')
    .description('ask five questions and write a first configuration, with its data folder and key')
    .option('--config <file>', 'the file to write; else ~/.config/fisherman/fisherman.yaml')
    .option('--yes', 'ask nothing: take the flags, and defaults for the rest')
    .option('--join <file>', 'take network, RPC, contracts, orchestrators and peers from a network file, as devnet up writes one')
    .option('--network <network>', 'local, arbitrum-sepolia or arbitrum-one')
    .option('--mode <mode>', 'observe, attest, dry-run or active; all but observe get a key')
    .option('--rpc <urls>', 'RPC endpoints of the chain, with commas')
    .option('--deployment <file>', 'where the contracts lie')
    .option('--feeds <list>', 'orchestrators to check: 0xADDRESS=URL, with commas; or none')
    .option('--bootstrap <list>', 'multiaddrs of peers to dial first, with commas')
    .option('--http-port <port>', 'of the page and the API')
    .option('--data-dir <folder>', 'where everything is kept; else ~/.local/share/fisherman')
    .addHelpText(
      'after',
      `
Nothing is overwritten; a key that is there already is kept. Exit code: 0 written, 2 nothing was (one line says why).`,
    )
    .action(run)
}
