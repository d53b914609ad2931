import { Command, CommanderError } from 'commander'
import { isFishermanError, messageOf } from '../base/errors.ts'
import { declareBond } from './bond.options.ts'
import { declareCase } from './case.options.ts'
import { declareChain } from './chain.options.ts'
import { type ConfigOptions, declareConfig } from './config.options.ts'
import { undotted } from './config-flags.ts'
import { declareDemo } from './demo.options.ts'
import { declareDeploy } from './deploy.options.ts'
import { declareDevnet } from './devnet.options.ts'
import { declareDoctor } from './doctor.options.ts'
import { declareGuard } from './guard.options.ts'
import { declareHelp } from './help.ts'
import { declareIdle } from './idle.options.ts'
import { declareInit } from './init.options.ts'
import { declareKeys } from './keys.options.ts'
import { declareLog } from './log.options.ts'
import { declareMonitor } from './monitor.options.ts'
import { declareNet } from './net.options.ts'
import { declarePause } from './pause.options.ts'
import { declarePlayback } from './playback.options.ts'
import { declareProbe } from './probe.options.ts'
import { declareReceive } from './receive.options.ts'
import { declareReplay } from './replay.options.ts'
import { declareRun } from './run.options.ts'
import { declareSample } from './sample.options.ts'
import { declareSelfCheck } from './selfcheck.options.ts'
import { declareSidecar } from './sidecar.options.ts'
import { declareSim } from './sim.options.ts'
import { declareStatus } from './status.options.ts'
import { declareVerify } from './verify.options.ts'
import { declareWatch } from './watch.options.ts'

/** Set when the program is built. */
declare const FISHERMAN_VERSION: string

/** Our own errors and bad usage. Verdicts have their own codes: 0 pass, 1 fail, 3 inconclusive. */
const EXIT_ERROR = 2
/** Whoever read our output has gone (`| head`): what a shell says of a program that SIGPIPE ended. */
const EXIT_PIPE = 141

/** Reads the command line, runs one command, and ends the process with its exit code. Each command is loaded only when it is run. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_PIPE)
    throw error
  })
  const program = new Command('fisherman')
  program
    .description('The verification network for Livepeer: re-transcode, compare, log, gossip, prove.')
    .version(FISHERMAN_VERSION)
    .showSuggestionAfterError()
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .helpCommand(false)
  const ends = (command: () => Promise<number>) => async () => {
    // Standard output may be a pipe: exit only when what was written has gone.
    process.exitCode = await command()
  }
  declareVerify(program, (options) => ends(async () => (await import('./verify.ts')).verifyCommand(options))())
  declareDoctor(program, (options) => ends(async () => (await import('./doctor.ts')).doctorCommand(options))())
  // The schema costs some ten milliseconds: only those that take its flags read it.
  const keys = ['run', 'config', 'help'].includes(argv[2] ?? '') ? (await import('../config/keys.ts')).configKeys() : []
  declareRun(program, (options) => ends(async () => (await import('./run.ts')).runCommand(options, FISHERMAN_VERSION))(), keys)
  const config = {
    show: (options: ConfigOptions) => ends(async () => (await import('./config.ts')).configShowCommand(options))(),
    reference: () => ends(async () => (await import('./config.ts')).configReferenceCommand())(),
  }
  declareConfig(program, config, keys)
  declareReplay(program, (bundle, options) => ends(async () => (await import('./replay.ts')).replayCommand(bundle, options))())
  declareLog(program, {
    ls: (options) => ends(async () => (await import('./log.ts')).logListCommand(options))(),
    show: (seq, options) => ends(async () => (await import('./log.ts')).logShowCommand(seq, options))(),
    prove: (seq, options) => ends(async () => (await import('./log.ts')).logProveCommand(seq, options))(),
    verify: (options) => ends(async () => (await import('./log-care.ts')).logVerifyCommand(options))(),
    export: (options) => ends(async () => (await import('./log-care.ts')).logExportCommand(options))(),
    prune: (options) => ends(async () => (await import('./log-care.ts')).logPruneCommand(options))(),
    repair: (options) => ends(async () => (await import('./log-care.ts')).logRepairCommand(options))(),
  })
  declareGuard(program, {
    export: (file, options) => ends(async () => (await import('./guard.ts')).guardExportCommand(file, options))(),
    import: (file, options) => ends(async () => (await import('./guard.ts')).guardImportCommand(file, options))(),
  })
  declareInit(program, (options) => ends(async () => (await import('./init.ts')).initCommand(options))())
  declareKeys(program, {
    create: (options) => ends(async () => (await import('./keys.ts')).keysNewCommand(options))(),
    import: (keystore, options) => ends(async () => (await import('./keys.ts')).keysImportCommand(keystore, options))(),
    list: (options) => ends(async () => (await import('./keys.ts')).keysListCommand(options))(),
    export: (file, options) => ends(async () => (await import('./keys.ts')).keysExportCommand(file, options))(),
  })
  declareWatch(program, (options) => ends(async () => (await import('./watch.ts')).watchCommand(options))())
  declareMonitor(program, (flags) => ends(async () => (await import('./monitor.ts')).monitorCommand(flags))())
  declareStatus(program, (options) => ends(async () => (await import('./status.ts')).statusCommand(options))())
  declareNet(program, {
    peers: (options) => ends(async () => (await import('./net.ts')).peersCommand(options))(),
    doctor: (options) => ends(async () => (await import('./net.ts')).netDoctorCommand(options))(),
  })
  declarePause(program, {
    pause: (options) => ends(async () => (await import('./pause.ts')).pauseCommand(options))(),
    resume: (options) => ends(async () => (await import('./pause.ts')).resumeCommand(options))(),
  })
  declareSidecar(program, (options) => ends(async () => (await import('./sidecar.ts')).sidecarCommand(options))())
  declareSelfCheck(program, (url, options) => ends(async () => (await import('./selfcheck.ts')).selfCheckCommand(url, options))())
  declarePlayback(program, (url, options) => ends(async () => (await import('./playback.ts')).playbackCommand(url, options))())
  declareReceive(program, (options) => ends(async () => (await import('./receive.ts')).receiveCommand(options))())
  declareIdle(program, {
    show: (options) => ends(async () => (await import('./idle.ts')).idleCommand(options))(),
    verify: (place, options) => ends(async () => (await import('./idle.ts')).idleVerifyCommand(place, options))(),
  })
  declareProbe(program, (nodes, options) => ends(async () => (await import('./probe.ts')).probeCommand(nodes, options))())
  declareSample(program, {
    explain: (digest, options) => ends(async () => (await import('./sample.ts')).sampleExplainCommand(digest, options))(),
  })
  declareChain(program, {
    status: (options) => ends(async () => (await import('./chain.ts')).chainStatusCommand(options))(),
    orchestrators: (options) => ends(async () => (await import('./chain.ts')).chainOrchestratorsCommand(options))(),
  })
  declareBond(program, {
    status: (options) => ends(async () => (await import('./bond.ts')).bondStatusCommand(options))(),
    deposit: (amount, options) => ends(async () => (await import('./bond.ts')).bondCommand('deposit', amount, options))(),
    exit: (amount, options) => ends(async () => (await import('./bond.ts')).bondCommand('exit', amount, options))(),
    withdraw: (options) => ends(async () => (await import('./bond.ts')).bondCommand('withdraw', undefined, options))(),
  })
  declareCase(program, {
    ls: (options) => ends(async () => (await import('./case.ts')).caseListCommand(options))(),
    show: (faultId, options) => ends(async () => (await import('./case.ts')).caseShowCommand(faultId, options))(),
    submit: (file, options) => ends(async () => (await import('./case.ts')).caseSubmitCommand(file, options))(),
    answer: (faultId, options) => ends(async () => (await import('./case.ts')).caseStepCommand('answer', faultId, options))(),
    appeal: (faultId, options) => ends(async () => (await import('./case.ts')).caseStepCommand('appeal', faultId, options))(),
    settle: (faultId, options) => ends(async () => (await import('./case.ts')).caseStepCommand('settle', faultId, options))(),
    expire: (faultId, options) => ends(async () => (await import('./case.ts')).caseStepCommand('expire', faultId, options))(),
  })
  declareDeploy(program, (options) => ends(async () => (await import('./deploy.ts')).deployCommand(options))())
  declareDemo(program, (options) => ends(async () => (await import('./demo.ts')).demoCommand(options))())
  declareSim(program, (options) => ends(async () => (await import('./sim.ts')).simCommand(options))())
  declareDevnet(program, {
    up: (options) => ends(async () => (await import('./devnet.ts')).upCommand(options))(),
    fund: (address, options) => ends(async () => (await import('./devnet.ts')).fundCommand(address, options))(),
    orchestrator: (options) => ends(async () => (await import('./devnet.ts')).orchestratorCommand(options))(),
    gateway: (options) => ends(async () => (await import('./devnet.ts')).gatewayCommand(options))(),
  })
  declareHelp(program)
  try {
    await program.parseAsync(undotted(argv))
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_ERROR
    else {
      console.error(`fisherman: ${isFishermanError(error) ? messageOf(error) : unexpected(error)}`)
      process.exitCode = EXIT_ERROR
    }
  }
  // A handle that some library left open must not keep a finished command alive.
  setTimeout(() => process.exit(), 2_000).unref()
}

/** What we did not foresee is a bug: the stack helps whoever reports it. */
function unexpected(error: unknown): string {
  return `unexpected error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
