import type { Command } from 'commander'

export interface WatchFlags {
  network?: string
  deployment?: string
  chainId?: string
  anchor?: string
  peer?: string[]
  fetch?: boolean
  bundles?: string[]
  replay?: boolean
  since?: string
  once?: boolean
  /** A path, or false for --no-state. */
  state?: string | boolean
  json?: boolean
}

export function declareWatch(program: Command, run: (options: WatchFlags) => Promise<void>): void {
  program
    .command('watch')
    .description('follow the fraud proofs of the network and check each alone; needs no key, GPU or chain')
    .option(
      '--peer <multiaddr...>',
      'fishermen to follow: /ip4/192.0.2.1/tcp/7935, with or without /p2p/<id>; by default those known of --network',
    )
    .option('--deployment <file>', 'file that says where the contracts lie, as for run')
    .option('--chain-id <n>', 'instead of a file: the chain …')
    .option('--anchor <address>', '… and the anchor contract')
    .option('--network <name>', 'instead of both: a network whose contracts are known (arbitrum-one, arbitrum-sepolia)')
    .option('--bundles <url...>', 'fishermen that serve case bundles over HTTP')
    .option('--fetch', 'fetch the bundle of each proof from there and check its hashes, signatures and paths')
    .option('--replay', 'judge its pictures again too; needs ffmpeg')
    .option('--since <when>', 'show again from there: an age (7d), a day, a moment, the cursor of a proof, or all')
    .option('--once', 'end when everything that the peers have is shown')
    .option('--state <file>', 'remembers what was shown; one a network by default')
    .option('--no-state', 'remember nothing: every start shows everything')
    .option('--json', 'one JSON object a line, with the bytes of each proof')
    .addHelpText(
      'after',
      `
"verified" says that the accused node itself signed what proves its fault: nobody else is needed to believe it. "unconfirmed"
says that all signatures hold, but that only the chain can tell whether those who signed are whom the proof takes them for;
anybody can make such a proof, so do not act on it without a look at the chain. What does not hold is told as FALSE on
standard error (with --json as an object of type "false") and never shown as a proof.

Exit code: 0 ended, 1 false proofs or contradicting bundles were seen, 2 nothing could be followed, wrong usage or our own error.`,
    )
    .action((options: WatchFlags) => run(options))
}
