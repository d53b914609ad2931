import { type Command, InvalidArgumentError, Option } from 'commander'

export interface OrchestratorOptions {
  behaviour: string
  config: string
}

export interface GatewayOptions {
  config: string
  segments?: number
}

/** Names as `devnet/work.ts` has them; a test keeps the two equal, since this file must stay free of heavy imports. */
export const BEHAVIOUR_NAMES = ['honest', 'withhold', 'upscale', 'passthrough', 'replay', 'freeze', 'equivocate']

const CONFIG_HELP = `Configuration, as the demo writes it (see it with: fisherman demo --keep):
  dataDir: ./data
  rpc: [http://127.0.0.1:8545]
  deployment: ./deployment.json
  key: { file: ./key.json, passwordFile: ./password }`

/** `fisherman devnet ...`: the other side of a local network. */
export function declareDevnet(
  program: Command,
  run: { orchestrator(options: OrchestratorOptions): Promise<void>; gateway(options: GatewayOptions): Promise<void> },
): void {
  const devnet = program.command('devnet').description('processes of a local test network, as the demo starts them')
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
