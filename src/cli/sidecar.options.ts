import type { Command } from 'commander'

export interface SidecarOptions {
  upstream: string
  publicUrl: string
  listen: string
  tlsKey?: string
  tlsCert?: string
  transcoder?: string
  dataDir: string
  network: string
  rpc: string[]
  deployment: string
  key: string
  passwordFile: string
  quota: string
  windows: string
  private?: boolean
  fingerprints?: boolean
}

export function declareSidecar(program: Command, run: (options: SidecarOptions) => Promise<void>): void {
  program
    .command('sidecar')
    .description('a proxy in front of an unmodified go-livepeer orchestrator: traffic goes through, signed receipts come out')
    .requiredOption('--upstream <url>', 'the orchestrator: https://127.0.0.1:8936')
    .requiredOption('--public-url <url>', 'where gateways reach this proxy, as in the service URI: https://my.host:8935')
    .option('--listen <host:port>', 'address to listen on', '127.0.0.1:8935')
    .option('--tls-key <file>', 'PEM of the key, where the public URL is https and nobody before us speaks TLS')
    .option('--tls-cert <file>', 'PEM of its certificate; gateways take a self-signed one')
    .option('--transcoder <address>', 'the staked node, where the key is one that it delegated to; by default the key is its own')
    .requiredOption('--data-dir <folder>', 'keeps receipts, media and the guard that signs each order once')
    .option('--network <name>', 'whose windows hold: local, arbitrum-sepolia, arbitrum-one', 'local')
    .requiredOption('--rpc <url...>', 'RPC endpoints of the chain')
    .requiredOption('--deployment <file>', 'where the contracts lie, as fisherman deploy wrote it')
    .requiredOption('--key <file>', 'keystore (Web3 v3) that signs receipts')
    .requiredOption('--password-file <file>', 'password of the keystore')
    .option('--quota <gib>', 'GiB of media kept', '50')
    .option('--windows <n>', 'closed windows kept; fishermen expect 14 rounds, 17,900 windows of a minute', '18000')
    .option('--private', 'streams are private: fishermen delete what they judged and show no pictures')
    .option(
      '--fingerprints',
      'commit to fingerprints of the sources, so that using one output for two of them could be proven; needs ffmpeg',
    )
    .addHelpText(
      'after',
      `
The feed is published under /fisherman/v1 of the same address. Whatever of ours fails costs a receipt, never a segment: without receipts the
orchestrator works as before. Segments in a store of the gateway's own, and orders that are not signed, have no receipt; they are counted.
Every minute a line says what went through. Exit code: 0 stopped by a signal, 2 it could not start.`,
    )
    .action(run)
}
