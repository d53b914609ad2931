import { type Command, Option } from 'commander'

export interface KeysOptions {
  config?: string
  folder?: string
  file?: string
  passwordFile?: string
  purpose?: 'answers' | 'money'
  unsafeRaw?: boolean
  from?: string
  json?: boolean
}

export interface KeysCommands {
  create(options: KeysOptions): Promise<void>
  import(keystore: string | undefined, options: KeysOptions): Promise<void>
  list(options: KeysOptions): Promise<void>
  export(file: string, options: KeysOptions): Promise<void>
}

export function declareKeys(program: Command, run: KeysCommands): void {
  const keys = program.command('keys').description('keystores: the key that signs answers, and one for money')
  const declare = (name: string, description: string) =>
    keys
      .command(name)
      .description(description)
      .option('--config <file>', 'configuration whose data folder and keys are meant')
      .option('--folder <folder>', 'folder of keys; else keys/ in the data folder')
      .option('--json', 'print one JSON object')
      .addOption(
        new Option(
          '--purpose <purpose>',
          'answers signs what the fisherman says and its bond; money pays for what anybody may send',
        )
          .choices(['answers', 'money'])
          .default('answers'),
      )
  const making = (command: Command, passwordFile: string) =>
    command
      .option('--file <file>', 'the keystore to write; else PURPOSE.json in the folder')
      .option('--password-file <file>', passwordFile)
  making(declare('new', 'make a key'), 'take this password; else a strong one is made beside the keystore').action(
    (options: KeysOptions) => run.create(options),
  )
  making(
    declare('import', 'take over a key of another machine: a keystore, or a raw private key'),
    'the password of the given keystore, else the file beside it; with a raw key as for new',
  )
    .argument('[keystore]', 'keystore (Web3 v3, chmod 600), as export or a wallet wrote it')
    .option('--unsafe-raw', 'your word that a raw key (64 hex digits) is to be read, from --from or standard input')
    .option('--from <file>', 'file with the raw key, chmod 600; else standard input')
    .action((keystore: string | undefined, options: KeysOptions) => run.import(keystore, options))
  declare('list', 'address, purpose and file of each key; nothing is opened').action((options: KeysOptions) => run.list(options))
  declare('export <file>', 'write a copy of a keystore, still encrypted, and check that its password opens it')
    .option('--file <file>', 'the keystore to copy; else the one that the configuration names, or PURPOSE.json in the folder')
    .option('--password-file <file>', 'its password; else the file beside the keystore')
    .option('--unsafe-raw', 'write the raw private key instead, to a file with mode 600')
    .action((file: string, options: KeysOptions) => run.export(file, options))
  keys.addHelpText(
    'after',
    `
Keystores are Web3 v3 (scrypt), as wallets read and write them; keystore and password have mode 600 and are never overwritten. An imported
keystore is opened once, and kept under a new password of its own. A key or password is never an argument, where every user of the machine
could read it. The contracts know a member by the account that sends: bond,
heads of the log and new cases are sent by the answers key itself, so it needs some coins. What anybody may send (case submit, appeal,
settle, expire) is sent with sender of the configuration where there is one. Exit code: 0 done, 1 list found a key that cannot be used,
2 nothing was done.`,
  )
}
