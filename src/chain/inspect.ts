import { Interface, TypedDataEncoder } from 'ethers'
import { typedDomain } from '../../proofs/digest.ts'
import type { Hex } from '../../proofs/types.ts'
import { exact } from '../base/amounts.ts'
import { type Artifacts, artifactOf, isCodeOf } from './artifacts.ts'
import { checkChain } from './deploy.ts'
import { type Roles, registryValues, timesOf } from './plan.ts'
import type { ChainPreset } from './presets.ts'
import type { Rpc } from './rpc.ts'
import { RpcRefusal } from './rpc.ts'
import { brokenRules, STATUTE_ROUNDS, VERDICT_OVERLAP_SEC } from './rules.ts'
import type { Deployment, Waiting } from './types.ts'
import { bytes } from './wire.ts'

/** One thing that was looked at on the chain. */
export interface Inspected {
  /** `registry.minBond`, `verifier code`, `rule quorum-money`. */
  what: string
  ok: boolean
  says: string
}

type Role = keyof typeof CONTRACTS
type Value = bigint | string | boolean

const CONTRACTS = {
  anchor: 'ReceiptAnchor',
  verifier: 'FishermanVerifier',
  faultVerifier: 'FaultVerifier',
  registry: 'FishermanRegistry',
  deposit: 'SecurityDeposit',
  depositSlasher: 'SecurityDepositSlasher',
  delegation: 'SignerDelegation',
  oracle: 'MultisigDecoderOracle',
  token: 'TestToken',
  rounds: 'LocalRounds',
  serviceRegistry: 'LocalServiceRegistry',
} as const
/** Livepeer's own where they exist: only that they are there can be said. */
const DOUBLES: readonly Role[] = ['token', 'rounds', 'serviceRegistry']

export interface InspectInit {
  deployment: Deployment
  preset: ChainPreset
  artifacts: Artifacts
  /** Compared where given; else they are only told. */
  roles?: Partial<Roles>
}

/** Whether a deployment is what the preset says: code, wiring and parameters of every contract, and that the inequalities hold as it is. */
export async function inspectDeployment(init: InspectInit, deps: { rpc: Rpc }, options: Waiting): Promise<Inspected[]> {
  const { deployment, preset, artifacts } = init
  checkChain(preset, deployment.chainId)
  const found: Inspected[] = []
  for (const role of Object.keys(CONTRACTS) as Role[]) found.push(await codeOf(role))
  // Values of what is not there would only say the same once more.
  if (found.some(({ ok }) => !ok)) return found

  const values = new Map<string, Value>()
  for (const [role, expected] of Object.entries(expectations(deployment, preset, init.roles)) as [Role, Expected][]) {
    for (const [name, want] of Object.entries(expected)) {
      const is = await ask(role, name, [])
      values.set(`${role}.${name}`, is)
      found.push(compared(`${role}.${name}`, is, want))
    }
  }
  for (const member of init.roles?.oracle?.members ?? [])
    found.push(compared(`oracle member ${member}`, await ask('oracle', 'isMember', [member]), true))
  for (const { name, says } of brokenRules(asFound(preset, values))) found.push({ what: `rule ${name}`, ok: false, says })
  return found

  async function codeOf(role: Role): Promise<Inspected> {
    const what = `${role} code`
    const code = bytes(await deps.rpc.send('eth_getCode', [deployment[role], 'latest'], options), 'contract code')
    if (code === '0x') return { what, ok: false, says: `there is no contract at ${deployment[role]}` }
    const size = `${(code.length - 2) / 2} bytes at ${deployment[role]}`
    if (preset.existing && DOUBLES.includes(role)) return { what, ok: true, says: `${size}, Livepeer's own` }
    const ok = isCodeOf(artifactOf(artifacts, CONTRACTS[role]), code)
    return { what, ok, says: ok ? size : `the code at ${deployment[role]} is not this program's ${CONTRACTS[role]}` }
  }

  async function ask(role: Role, name: string, args: readonly unknown[]): Promise<Value> {
    const face = new Interface(artifactOf(artifacts, CONTRACTS[role]).abi)
    const data = face.encodeFunctionData(name, args)
    try {
      const answer = bytes(await deps.rpc.send('eth_call', [{ to: deployment[role], data }, 'latest'], options), 'call result')
      const [value] = face.decodeFunctionResult(name, answer)
      return typeof value === 'string' ? value.toLowerCase() : (value as Value)
    } catch (error) {
      if (error instanceof RpcRefusal || (error as { code?: unknown }).code === 'BAD_DATA') return 'no answer'
      throw error
    }
  }
}

type Expected = Readonly<Record<string, Value | undefined>>

/** Getters of each contract and what they must say; undefined is only told. */
function expectations(deployment: Deployment, preset: ChainPreset, roles: Partial<Roles> = {}): Partial<Record<Role, Expected>> {
  const { token, rounds, registry, deposit, delegation, depositSlasher, faultVerifier, oracle, anchor, verifier, treasury } =
    deployment
  const domain = TypedDataEncoder.hashDomain(typedDomain({ chainId: deployment.chainId, anchor })) as Hex
  const { openBond, appealBond, dailyCap, minimumTake } = preset
  return {
    anchor: { domainSeparator: domain },
    delegation: { rounds },
    registry: { token, verifier, ...whole(registryValues(preset)) },
    deposit: { token, verifier, slasher: depositSlasher, thawSeconds: BigInt(preset.thawSec) },
    depositSlasher: { deposit, verifier },
    faultVerifier: { anchor, delegation, rounds, registry, statuteSeconds: BigInt(STATUTE_ROUNDS * preset.roundSec) },
    oracle: { threshold: roles.oracle === undefined ? undefined : BigInt(roles.oracle.threshold) },
    ...(preset.existing ? {} : { rounds: { roundSeconds: BigInt(preset.roundSec) } }),
    verifier: {
      ...{ token, registry, deposit, delegation, rounds, depositSlasher, faultVerifier, oracle, treasury },
      ...{ objectiveSlasher: depositSlasher, governor: roles.governor, guardian: roles.guardian },
      ...whole(timesOf(preset)),
      ...{ openBond, appealBond, dailyCap, minimumTake, paused: false },
      ...{ verdictVersion: BigInt(preset.verdictVersion), VERDICT_OVERLAP: BigInt(VERDICT_OVERLAP_SEC) },
    },
  }
}

function whole(values: Readonly<Record<string, number | bigint>>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, BigInt(value)]))
}

/** The preset with what the chain says in its place. */
function asFound(preset: ChainPreset, values: ReadonlyMap<string, Value>): ChainPreset {
  const big = (name: string, known: bigint): bigint => {
    const value = values.get(name)
    return typeof value === 'bigint' ? value : known
  }
  const count = (name: string, known: number) => Number(big(name, BigInt(known)))
  const { registry } = preset
  return {
    ...preset,
    registry: {
      minBond: big('registry.minBond', registry.minBond),
      weightCap: big('registry.weightCap', registry.weightCap),
      activationSec: count('registry.activationSeconds', registry.activationSec),
      exitSec: count('registry.exitSeconds', registry.exitSec),
      silentSec: count('registry.silentSeconds', registry.silentSec),
      maxMembers: count('registry.maxMembers', registry.maxMembers),
    },
    roundSec: Math.floor(count('faultVerifier.statuteSeconds', STATUTE_ROUNDS * preset.roundSec) / STATUTE_ROUNDS),
    thawSec: count('deposit.thawSeconds', preset.thawSec),
    minCommitAgeSec: count('verifier.minCommitAge', preset.minCommitAgeSec),
    maxCommitAgeSec: count('verifier.maxCommitAge', preset.maxCommitAgeSec),
    answerSec: count('verifier.answerSeconds', preset.answerSec),
    caseSec: count('verifier.caseSeconds', preset.caseSec),
    appealSec: count('verifier.appealSeconds', preset.appealSec),
    timelockSec: count('verifier.timelockSeconds', preset.timelockSec),
    openBond: big('verifier.openBond', preset.openBond),
    appealBond: big('verifier.appealBond', preset.appealBond),
    dailyCap: big('verifier.dailyCap', preset.dailyCap),
    minimumTake: big('verifier.minimumTake', preset.minimumTake),
    verdictVersion: count('verifier.verdictVersion', preset.verdictVersion),
  }
}

function compared(what: string, is: Value, want: Value | undefined): Inspected {
  if (want === undefined || is === want) return { what, ok: is !== 'no answer', says: text(what, is) }
  return { what, ok: false, says: `${text(what, is)}, and should be ${text(what, want)}` }
}

function text(what: string, value: Value): string {
  if (typeof value !== 'bigint') return String(value)
  if (/Seconds$|Age$/.test(what)) return `${value} s`
  return /Bond$|Cap$|Take$/.test(what) ? exact(value, 'LPT') : value.toString()
}
