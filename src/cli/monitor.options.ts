import type { Command } from 'commander'

export interface MonitorFlags {
  config?: string
  rpc?: string[]
  deployment?: string
  daemon?: string[]
  tokenFile?: string[]
  account?: string[]
  peer?: string[]
  webhook?: string
  webhookFile?: string
  state?: string | false
  every: string
  idle: string
  minBalance: string
  once?: boolean
  json?: boolean
}

export function declareMonitor(program: Command, run: (flags: MonitorFlags) => Promise<void>): void {
  program
    .command('monitor')
    .description('watch over cases, daemons and contracts from outside, without a key, and alert')
    .option('--config <file>', 'configuration as for run: RPC endpoints and deployment are taken from it')
    .option('--rpc <url...>', 'RPC endpoints; two or more, not those of the daemon, so that both are not blind at once')
    .option('--deployment <file>', 'where the contracts lie, as fisherman deploy wrote it')
    .option('--daemon <url...>', 'daemons to look at: http://127.0.0.1:7936')
    .option(
      '--token-file <file...>',
      'token of http.tokenFile of those daemons (chmod 600): one for all, or one for each in their order',
    )
    .option('--account <address...>', 'accounts whose coins for gas are watched')
    .option('--peer <multiaddr...>', 'fishermen whose gossip is followed for false proofs')
    .option('--webhook <url>', 'where alerts are posted as JSON; Slack, Mattermost and Discord take it as it is')
    .option('--webhook-file <file>', 'the same URL out of a file: on the command line others may read it')
    .option('--state <file>', 'remembers what was told, so that a restart repeats nothing')
    .option('--no-state', 'remember nothing')
    .option('--every <seconds>', 'time between two rounds', '15')
    .option('--idle <hours>', 'how long a step of a case may wait before that is an alert', '6')
    .option('--min-balance <coins>', 'coins for gas below which an account is an alert', '0.005')
    .option('--once', 'one round: print the forecast of every open case and what is the matter, then end')
    .option('--json', 'print one JSON object a line')
    .addHelpText(
      'after',
      `
Alerts: a case that nobody ends or settles, a new case, conviction or appeal, stake or keys that a suspect moves, changed parameters, a
pause, a chain or gossip that cannot be followed, an old chain, a daemon that is down, not ready, judges nothing or does not let us ask, too
little for gas, false proofs. Each is told when it begins, once a day while it lasts, and when it is over; what cannot be seen is neither.

Run it on another machine than the daemon: it is to see what that one cannot say any more. From there the daemon tells how much it judges
only to who has the token: set http.tokenFile there, and name a copy of that file with --token-file. It is sent as it is: over https, or
a network that you trust. http://any:TOKEN@host does the same, but others may read a command line.
Exit code: 0 nothing is the matter (--once), or ended by a signal; 1 something is; 2 it could not begin.`,
    )
    .action(run)
}
