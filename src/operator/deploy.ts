import type { Hex } from '../../proofs/types.ts'
import { loadKeystore } from '../attest/keys.ts'
import { FishermanError } from '../base/errors.ts'
import { SILENT } from '../base/log.ts'
import { type DeployDeps, deployUnless, type Quote } from '../chain/deploy.ts'
import { serialiseDeployment } from '../chain/deployment.ts'
import { type Inspected, inspectDeployment } from '../chain/inspect.ts'
import type { Roles } from '../chain/plan.ts'
import { type ChainPreset, chainPreset, checkPreset } from '../chain/presets.ts'
import { createRpc } from '../chain/rpc.ts'
import { addressOfText, withSettings } from '../chain/settings.ts'
import type { Deployment, TransactionSigner, Waiting } from '../chain/types.ts'
import { exists, journalAt, readArtifacts, readDeployment, writeWhole } from './files.ts'

export type { Quote } from '../chain/deploy.ts'
export type { Inspected } from '../chain/inspect.ts'
export type { ChainPreset } from '../chain/presets.ts'

/** Milliseconds until all contracts of a public network are mined. */
const TIMEOUT_MS = 600_000

/** What is deployed, as a person types it. */
export interface DeployRequest {
  network: string
  settings: readonly string[]
  governor?: string
  guardian?: string
  treasury?: string
  oracleMembers: readonly string[]
  oracleThreshold?: number
}

/** The preset with its changes, checked, and the roles that were named. */
export function readRequest(request: DeployRequest): { preset: ChainPreset; roles: Partial<Roles> } {
  const preset = withSettings(chainPreset(request.network), request.settings)
  checkPreset(preset)
  return { preset, roles: rolesOf(request) }
}

function rolesOf(request: DeployRequest): Partial<Roles> {
  const roles: Partial<Roles> = {}
  if (request.governor !== undefined) roles.governor = addressOfText('--governor', request.governor)
  if (request.guardian !== undefined) roles.guardian = addressOfText('--guardian', request.guardian)
  if (request.treasury !== undefined) roles.treasury = addressOfText('--treasury', request.treasury)
  const members = request.oracleMembers.map((text) => addressOfText('--oracle-member', text))
  if (members.length > 0) roles.oracle = { members, threshold: thresholdOf(members, request.oracleThreshold) }
  else if (request.oracleThreshold !== undefined) throw bad('--oracle-threshold needs members; name each with --oracle-member')
  return roles
}

/** More than half must decide, so that the two answers of the oracle cannot both hold. */
function thresholdOf(members: readonly Hex[], given: number | undefined): number {
  const [count, least] = [members.length, Math.floor(members.length / 2) + 1]
  if (new Set(members).size < count) throw bad('--oracle-member names the same address twice')
  const threshold = given ?? least
  if (threshold < least || threshold > count)
    throw bad(`--oracle-threshold ${threshold}: of ${count} members ${least} to ${count} can decide`)
  return threshold
}

/** Roles must be named where money is at stake: the deployer's key is not meant to keep them. */
function checkRoles({ name }: ChainPreset, roles: Partial<Roles>): void {
  if (name === 'local') return
  const flags: [keyof Roles, string][] = [
    ['governor', '--governor'],
    ['guardian', '--guardian'],
    ['treasury', '--treasury'],
    ['oracle', '--oracle-member'],
  ]
  const missing = flags.filter(([role]) => roles[role] === undefined).map(([, flag]) => flag)
  if (missing.length > 0) throw bad(`${name} needs ${missing.join(', ')}: only on a local network the deployer may be everything`)
}

export interface DeployPlace {
  rpcUrl: string
  key: { file: string; passwordFile: string }
  /** File that says where the contracts lie, once they do. */
  out: string
}

export interface Deployed {
  deployment: Deployment
  checks: Inspected[]
}

/** Deploys, or goes on with what was begun, writes the file, and looks whether all is as it should be; undefined where `confirm` says no. */
export async function deployNetwork(
  request: DeployRequest,
  place: DeployPlace,
  deps: { confirm(quote: Quote, preset: ChainPreset): Promise<boolean> },
  options: Waiting,
): Promise<Deployed | undefined> {
  const { preset, roles } = readRequest(request)
  checkRoles(preset, roles)
  if (await exists(place.out))
    throw bad(`${place.out} exists already; look at it with --check ${place.out}, or choose another file with --out`)
  const artifacts = await readArtifacts()
  const signer = await loadKeystore(place.key.file, place.key.passwordFile)
  const journal = journalAt(`${place.out}.partial`)
  const deployer: DeployDeps['deployer'] = signer.wallet() as unknown as TransactionSigner
  const deployment = await deployUnless(
    { rpcUrl: place.rpcUrl, preset, artifacts, roles, timeoutMs: TIMEOUT_MS },
    { deployer, journal, confirm: (quote) => deps.confirm(quote, preset) },
    options,
  )
  if (!deployment) return undefined
  await writeWhole(place.out, serialiseDeployment(deployment))
  await journal.end()
  const own = signer.address
  const all: Roles = { ...{ governor: own, guardian: own, treasury: own, oracle: { members: [own], threshold: 1 } }, ...roles }
  const rpc = createRpc({ rpcUrls: [place.rpcUrl], chainId: deployment.chainId }, { log: SILENT })
  try {
    return { deployment, checks: await inspectDeployment({ deployment, preset, artifacts, roles: all }, { rpc }, options) }
  } finally {
    rpc.close()
  }
}

/** Looks at a deployment that is there. */
export async function checkNetwork(
  request: DeployRequest,
  place: { rpcUrl: string; file: string },
  options: Waiting,
): Promise<Inspected[]> {
  const preset = withSettings(chainPreset(request.network), request.settings)
  const deployment = await readDeployment(place.file)
  const artifacts = await readArtifacts()
  const rpc = createRpc({ rpcUrls: [place.rpcUrl], chainId: deployment.chainId }, { log: SILENT })
  try {
    return await inspectDeployment({ deployment, preset, artifacts, roles: rolesOf(request) }, { rpc }, options)
  } finally {
    rpc.close()
  }
}

function bad(message: string): FishermanError {
  return new FishermanError({ code: 'bad-usage', message, blame: 'ours' })
}
