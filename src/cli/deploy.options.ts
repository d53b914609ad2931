import type { Command } from 'commander'

export interface DeployOptions {
  network: string
  rpc: string
  key?: string
  passwordFile?: string
  out: string
  set?: string[]
  governor?: string
  guardian?: string
  treasury?: string
  oracleMember?: string[]
  oracleThreshold?: string
  check?: string
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

export function declareDeploy(program: Command, run: (options: DeployOptions) => Promise<void>): void {
  program
    .command('deploy')
    .description('put the contracts on a chain, or check that those that are there are right')
    .requiredOption('--network <name>', 'local, arbitrum-sepolia or arbitrum-one')
    .requiredOption('--rpc <url>', 'RPC of that chain')
    .option('--key <file>', 'keystore (Web3 v3) that pays')
    .option('--password-file <file>', 'password of the keystore')
    .option('--out <file>', 'file that says where the contracts lie', 'deployment.json')
    .option('--set <name=value...>', 'parameters other than the preset: openBond=30, registry.exitSec=28d')
    .option('--governor <address>', 'announces changes of parameters')
    .option('--guardian <address>', 'pauses new proofs')
    .option('--treasury <address>', 'receives what is taken')
    .option('--oracle-member <address...>', 'members of the appeal multisig')
    .option('--oracle-threshold <n>', 'members that decide; more than half where not given')
    .option('--check <file>', 'deploy nothing: compare the chain with this deployment file and the preset')
    .option('--dry-run', 'show what would be deployed and what it costs, send nothing')
    .option('--yes', 'do not ask before money is spent')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
A deployment that was broken off goes on when the same command is typed again; FILE.partial keeps how far it is. On a local network the
deployer is governor, guardian, treasury and oracle unless they are named; elsewhere each must be named.

Exit code: 0 done and right, 1 something on the chain is not as the preset says, 2 nothing was done, or our own error.`,
    )
    .action((options: DeployOptions) => run(options))
}
