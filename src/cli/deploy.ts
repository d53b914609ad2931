import { isFishermanError, messageOf } from '../base/errors.ts'
import {
  type ChainPreset,
  checkNetwork,
  type DeployRequest,
  deployNetwork,
  type Inspected,
  type Quote,
} from '../operator/deploy.ts'
import { coins, lpt } from './amounts.ts'
import { agrees } from './ask.ts'
import { complain, usage } from './complain.ts'
import type { DeployOptions } from './deploy.options.ts'
import { toJson } from './json.ts'
import { untilSignal } from './until-signal.ts'

/** `fisherman deploy`. */
export async function deployCommand(options: DeployOptions): Promise<number> {
  const signal = untilSignal()
  try {
    return options.check === undefined ? await deploy(options, signal) : await check(options, options.check, signal)
  } catch (error) {
    if (signal.aborted) return 130
    const rules = isFishermanError(error) && error.code === 'preset-invalid' ? (error.details.rules as string[]) : undefined
    if (rules) for (const says of rules) console.error(`fisherman deploy: ${says}`)
    else complain('deploy', error)
    return 2
  }
}

async function deploy(options: DeployOptions, signal: AbortSignal): Promise<number> {
  const { key, passwordFile, out, dryRun = false, yes = false, json = false } = options
  if (key === undefined || passwordFile === undefined)
    throw usage('--key and --password-file are needed: somebody must pay for it')
  const say = (line: string) => (json ? console.error(line) : console.log(line))
  const result = await deployNetwork(
    requestOf(options),
    { rpcUrl: options.rpc, key: { file: key, passwordFile }, out },
    {
      async confirm(quote, preset) {
        for (const line of quoteLines(quote, preset)) say(line)
        return !dryRun && (await agrees('Deploy?', yes, signal))
      },
    },
    { signal },
  )
  if (!result) {
    say('Nothing was sent.')
    return dryRun ? 0 : 2
  }
  const wrong = result.checks.filter(({ ok }) => !ok)
  if (json) console.log(toJson({ ok: wrong.length === 0, deployment: result.deployment, checks: result.checks }))
  else {
    console.log(
      `${out} says where the contracts lie; ${result.checks.length - wrong.length} of ${result.checks.length} checks on the chain hold.`,
    )
    for (const one of wrong) console.log(lineOf(one))
  }
  return wrong.length === 0 ? 0 : 1
}

async function check(options: DeployOptions, file: string, signal: AbortSignal): Promise<number> {
  const checks = await checkNetwork(requestOf(options), { rpcUrl: options.rpc, file }, { signal })
  const ok = checks.every((one) => one.ok)
  if (options.json) console.log(toJson({ ok, checks }))
  else for (const one of checks) console.log(lineOf(one))
  return ok ? 0 : 1
}

function requestOf(options: DeployOptions): DeployRequest {
  const { network, governor, guardian, treasury, oracleThreshold } = options
  if (oracleThreshold !== undefined && !/^[1-9][0-9]{0,2}$/.test(oracleThreshold))
    throw usage(`--oracle-threshold '${oracleThreshold}': must be a whole number`)
  return {
    ...{ network, settings: options.set ?? [], oracleMembers: options.oracleMember ?? [] },
    ...(governor === undefined ? {} : { governor }),
    ...(guardian === undefined ? {} : { guardian }),
    ...(treasury === undefined ? {} : { treasury }),
    ...(oracleThreshold === undefined ? {} : { oracleThreshold: Number(oracleThreshold) }),
  }
}

export function quoteLines(quote: Quote, preset: ChainPreset): string[] {
  const { governor, guardian, treasury, oracle } = quote.roles
  const { registry: r } = preset
  const rows: [string, string][] = [
    ['network', preset.name],
    ['deployer', quote.deployer],
    ['governor', governor],
    ['guardian', guardian],
    ['treasury', treasury],
    ['oracle', `${oracle.threshold} of ${oracle.members.length}: ${oracle.members.join(', ')}`],
    [
      'bonds',
      `fisherman ${lpt(r.minBond)} (counts up to ${lpt(r.weightCap)}), case ${lpt(preset.openBond)}, appeal ${lpt(preset.appealBond)}`,
    ],
    ['takes', `at least ${lpt(preset.minimumTake)}, at most ${lpt(preset.dailyCap)} a day`],
    [
      'times',
      `answer ${preset.answerSec} s, case ${preset.caseSec} s, appeal ${preset.appealSec} s, timelock ${preset.timelockSec} s`,
    ],
    ['verdict', `version ${preset.verdictVersion}`],
    ['leaving', `fisherman ${r.exitSec} s, deposit ${preset.thawSec} s`],
    ...quote.creations.map(({ contract, address }, i): [string, string] => [
      i < quote.done ? 'is there' : 'creates',
      `${contract.padEnd(22)} ${address}`,
    ]),
    [
      'gas',
      `about ${quote.gas}, ${coins(quote.cost)} at today's price; at most ${coins(quote.most)}, the deployer has ${coins(quote.balance)}`,
    ],
  ]
  return rows.map(([name, text]) => `${name.padEnd(9)} ${text}`)
}

function lineOf({ ok, what, says }: Inspected): string {
  return `${ok ? 'ok ' : 'NO '} ${what.padEnd(26)} ${messageOf(says)}`
}
