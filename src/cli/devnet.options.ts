import { type Command, InvalidArgumentError, Option } from 'commander'

export interface OrchestratorOptions {
  behaviour: string
  config: string
}

export interface GatewayOptions {
  config: string
  segments?: number
}

export interface UpOptions {
  folder: string
  behaviours: string
  fishermen: number
  video?: string
}

export interface FundOptions {
  folder: string
  config?: string
}

export interface DevnetCommands {
  up(options: UpOptions): Promise<void>
  fund(address: string | undefined, options: FundOptions): Promise<void>
  orchestrator(options: OrchestratorOptions): Promise<void>
  gateway(options: GatewayOptions): Promise<void>
}

const FOLDER = ['--folder <folder>', 'folder of the network', 'devnet'] as const

/** Names as `devnet/work.ts` has them; a test keeps the two equal, since this file must stay free of heavy imports. */
export const BEHAVIOUR_NAMES = ['honest', 'withhold', 'upscale', 'passthrough', 'replay', 'freeze', 'equivocate']

const CONFIG_HELP = `Configuration, as the demo writes it (see it with: fisherman demo --keep):
  dataDir: ./data
  rpc: [http://127.0.0.1:8545]
  deployment: ./deployment.json
  key: { file: ./key.json, passwordFile: ./password }`

/** `fisherman devnet ...`: the other side of a local network. */
export function declareDevnet(program: Command, run: DevnetCommands): void {
  const devnet = program.command('devnet').description('a local network to learn and test with, and its parts')
  devnet
    .command('up')
    .description('run a local network until Ctrl-C: chain, contracts, orchestrators that cheat, fishermen that vote, a gateway')
    .option(...FOLDER)
    .option('--behaviours <list>', `orchestrators, with commas: ${BEHAVIOUR_NAMES.join(', ')}`, 'honest,passthrough,freeze')
    // A conviction of a wrong picture takes more than two thirds of the weight: without whoever joins, three are just enough.
    .option('--fishermen <n>', 'fishermen that answer and vote', wholeNumber, 3)
    .option('--video <file>', 'real footage instead of the rendered clip')
    .addHelpText(
      'after',
      `
Join it from another terminal: fisherman init --join devnet/network.json, then devnet fund, bond deposit 1000, run. Nothing of it is worth
anything; a network that has ended is not taken up again.

Exit code: 0 it was told to end, 2 it could not start, or a part of it ended (one line says why).`,
    )
    .action((options: UpOptions) => run.up(options))
  devnet
    .command('fund [address]')
    .description('give an account of that network 2,000 LPT and coins for gas; the key of the configuration where none is said')
    .option(...FOLDER)
    .option('--config <file>', 'configuration whose key gets it; else the one at its usual place')
    .action((address: string | undefined, options: FundOptions) => run.fund(address, options))
  devnet
    .command('orchestrator')
    .description('transcode segments, sign receipts and serve their feed; honest, or cheating in one known way')
    .addOption(new Option('--behaviour <name>', 'what it does').choices(BEHAVIOUR_NAMES).default('honest'))
    .requiredOption('--config <file>', 'configuration (YAML or JSON)')
    .addHelpText(
      'after',
      `
${CONFIG_HELP}
  http: { host: 127.0.0.1, port: 8080 }`,
    )
    .action((options: OrchestratorOptions) => run.orchestrator(options))
  devnet
    .command('gateway')
    .description('send segments with signed orders to orchestrators, one every few seconds each, then end')
    .requiredOption('--config <file>', 'configuration (YAML or JSON)')
    .option('--segments <n>', 'segments for each orchestrator', wholeNumber)
    .addHelpText(
      'after',
      `
${CONFIG_HELP}
  video: ./clip.mp4
  orchestrators: [{ transcoder: "0x…", url: http://127.0.0.1:8080 }]`,
    )
    .action((options: GatewayOptions) => run.gateway(options))
}

/** Reads a whole number above zero. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text) || value < 1) throw new InvalidArgumentError('it must be a whole number above 0.')
  return value
}
