import type { Command } from 'commander'

export interface ReceiveOptions {
  listen: string
  tokenFile: string
  quota: string
  nice: string
}

export function declareReceive(program: Command, run: (options: ReceiveOptions) => Promise<void>): void {
  program
    .command('receive')
    .description('take segments and renditions that gateways donate over HTTP, and judge them')
    .option('--listen <host:port>', 'where donors send to; put TLS in front of anything but this machine', '127.0.0.1:7937')
    .requiredOption('--token-file <file>', 'a name and a token of at least 32 characters on each line, chmod 600')
    .option('--quota <MiB>', 'media that may lie on disk until it is judged', '1024')
    .option('--nice <n>', 'niceness of ffmpeg, 0 to 19', '10')
    .addHelpText(
      'after',
      `
A donor sends, event first:
  curl -H "Authorization: Bearer TOKEN" -F 'event=<event.json' -F source=@s.ts -F rendition-0=@r0.ts http://127.0.0.1:7937/donations/v1/segments
and asks at /donations/v1/results/ID. Media is deleted when it is judged; what is kept are hashes and numbers. Prints one JSON line for each
segment. src/playback/README.md describes the event.`,
    )
    .action(run)
}
