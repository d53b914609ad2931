import type { Command } from 'commander'
import type { ConfigKey } from '../config/keys.ts'
import { withConfigFlags } from './config-flags.ts'

export interface RunOptions {
  config?: string
  firstStart?: boolean
}

export function declareRun(program: Command, run: (options: RunOptions) => Promise<void>, keys: readonly ConfigKey[]): void {
  withConfigFlags(
    program
      .command('run')
      .description('run the daemon: read feeds, check samples, log, gossip, open cases and vote')
      .option('--config <file>', 'configuration (YAML or JSON); else ~/.config/fisherman/fisherman.yaml')
      .option(
        '--first-start',
        'your word that this key signs nowhere else: begin to sign without a peer that knows its last log head',
      ),
    keys,
  )
    .addHelpText(
      'after',
      `
Flags go before FISHERMAN_* variables, these before the file; fisherman config show prints what holds and why. Modes: observe needs
no key and signs nothing; attest signs answers and votes; dry-run also builds and simulates transactions; active sends them.

SIGHUP reads the file again: feeds, budget, log level, limits and bootstrap change at once, one line says what waits for a restart, and a
file with a mistake changes nothing. At a terminal SIGHUP means that the terminal has gone, and stops it.

Lines go to standard error: systemd's journal and Docker take and limit them. Without either, name a log.file: it never exceeds log.maxBytes,
log.keep old ones stay beside it, and SIGHUP opens it anew, for logrotate and the like. A full disk loses lines, counts them and stops nothing.

A key signs in one place. Other fishermen keep the last head of its log and return it at each start; until one of them with a
bond does, the daemon only watches. Give --first-start the very first time, or after a folder was lost or repaired; never while
another daemon runs with the same key.`,
    )
    .action(run)
}
