import type { Command } from 'commander'

export interface ProbeOptions {
  sources?: string
  segments: string
  segmentSeconds: string
  height: string
  rungs?: string
  capacity: string
  region?: string
  sheets?: string
  allowPrivate?: boolean
  key?: string
  passwordFile?: string
  spending?: string
  maxPrice: string
  maxTicketValue: string
  maxFaceValue: string
  maxPerDay: string
  rpc?: string[]
  deployment?: string
  json?: boolean
}

export function declareProbe(program: Command, run: (nodes: string[], options: ProbeOptions) => Promise<void>): void {
  program
    .command('probe')
    .description('buy transcodes of nodes as any gateway does, measure them and judge the pictures; tells nobody')
    .argument('<node...>', 'service URIs: https://node.example:8935')
    .option('--sources <folder>', 'videos of your own to cut streams from; without it pictures are generated')
    .option('--segments <n>', 'segments of the stream that each node gets', '5')
    .option('--segment-seconds <n>', 'length of a segment', '2')
    .option('--height <lines>', 'lines of a source at most', '720')
    .option('--rungs <names>', 'renditions to order, as P240p30fps16x9,360p0; by default drawn for each node')
    .option('--capacity <n>', 'then send so many streams at the same moment; 0 for none', '0')
    .option('--region <label>', 'where this machine is, for the report')
    .option('--sheets <folder>', 'keeps a contact sheet of each rendition that failed')
    .option('--allow-private', 'also connect to addresses that are not public: a node on this machine or in this network')
    .option('--key <file>', 'keystore (Web3 v3) of a gateway with a deposit; without one only nodes that want nothing are used')
    .option('--password-file <file>', 'password of the keystore')
    .option('--spending <file>', 'what this key spent, a line each; kept beside the key by default')
    .option('--max-price <wei>', 'wei for a pixel at most', '2000')
    .option('--max-ticket-value <wei>', 'expected value of one ticket at most', '3000000000000')
    .option('--max-face-value <wei>', 'face value of one ticket at most: what it costs if it wins', '10000000000000000')
    .option('--max-per-day <wei>', 'expected value of all tickets of a day (UTC) at most', '1000000000000000')
    .option('--rpc <url...>', 'RPC endpoints, to look up deposit and reserve before a ticket is signed')
    .option('--deployment <file>', 'where the contracts lie, with --rpc')
    .option('--json', 'print one JSON object a node; amounts are wei in decimal strings')
    .addHelpText(
      'after',
      `
A stream is a random piece of one of your videos in a random frame, size, rate and ladder, at the pace of a camera: no node has seen it, none can
tell it from traffic. Each rendition is judged as a sample is; a fail is proven by two controls before it is called one. A refusal, a node that
is slow, and whatever went wrong here is no fail. Nothing is signed but orders and tickets, and nobody is told.
Exit code: 0 all is well, 1 a rendition failed, 2 our own error, 3 doubts, or a node that gave nothing. More: fisherman help probe`,
    )
    .action(run)
}
