import { getCreateAddress } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import { type Artifacts, creationCode } from './artifacts.ts'
import { lower } from './contracts.ts'
import type { ChainPreset } from './presets.ts'
import { problem } from './rpc.ts'
import { STATUTE_ROUNDS } from './rules.ts'
import type { Deployment } from './types.ts'

// Pure: what is created, in which order, with which values. Addresses follow from the deployer's nonces, so that all wiring is immutable.

/** Who may do what; see proofs/contracts/README.md. */
export interface Roles {
  /** Announces changes of parameters. */
  governor: Hex
  /** Pauses new proofs. */
  guardian: Hex
  /** Receives what is taken. */
  treasury: Hex
  /** The appeal multisig, and how many of them overturn. */
  oracle: { members: readonly Hex[]; threshold: number }
}

/** Order of creation. */
const ORDER = [
  ...['TestToken', 'LocalRounds', 'LocalServiceRegistry', 'SignerDelegation', 'ReceiptAnchor', 'FishermanRegistry'],
  ...['SecurityDeposit', 'SecurityDepositSlasher', 'FaultVerifier', 'MultisigDecoderOracle', 'FishermanVerifier'],
] as const
/** Stand-ins for what exists where Livepeer does. */
const DOUBLES: readonly string[] = ['TestToken', 'LocalRounds', 'LocalServiceRegistry']

export interface Creation {
  contract: (typeof ORDER)[number]
  address: Hex
  values: readonly unknown[]
  data: Hex
}

export interface Plan {
  creations: Creation[]
  /** Where all will lie; the block is only known once it is there. */
  places: Omit<Deployment, 'deployBlock'>
}

export interface PlanInit {
  preset: ChainPreset
  artifacts: Artifacts
  roles: Roles
  chainId: bigint
  deployer: Hex
  /** Nonce of the first creation. */
  firstNonce: number
}

export function planDeployment({ preset, artifacts, roles, chainId, deployer, firstNonce }: PlanInit): Plan {
  const names = ORDER.filter((name) => !(preset.existing && DOUBLES.includes(name)))
  const at = (name: (typeof ORDER)[number]): Hex => {
    const i = names.indexOf(name)
    if (i < 0) throw problem('deploy-internal', `${name} is not deployed by preset ${preset.name}`)
    return lower(getCreateAddress({ from: deployer, nonce: firstNonce + i }))
  }
  const places: Plan['places'] = {
    chainId,
    anchor: at('ReceiptAnchor'),
    verifier: at('FishermanVerifier'),
    faultVerifier: at('FaultVerifier'),
    registry: at('FishermanRegistry'),
    deposit: at('SecurityDeposit'),
    delegation: at('SignerDelegation'),
    rounds: preset.existing?.rounds ?? at('LocalRounds'),
    serviceRegistry: preset.existing?.serviceRegistry ?? at('LocalServiceRegistry'),
    token: preset.existing?.token ?? at('TestToken'),
    treasury: roles.treasury,
    oracle: at('MultisigDecoderOracle'),
    depositSlasher: at('SecurityDepositSlasher'),
  }
  const values = valuesOf(preset, roles, places)
  const creations = names.map((contract) => ({
    ...{ contract, address: at(contract), values: values[contract] },
    data: creationCode(artifacts, contract, values[contract]),
  }))
  return { creations, places }
}

function valuesOf(preset: ChainPreset, roles: Roles, places: Plan['places']): Record<(typeof ORDER)[number], readonly unknown[]> {
  const { token, rounds, registry, deposit, delegation, depositSlasher, faultVerifier, oracle, anchor, verifier } = places
  const { governor, guardian, treasury } = roles
  const { openBond, appealBond, dailyCap, minimumTake } = preset
  // Until Livepeer registers a verifier, O classes take from the security deposit too.
  const objectiveSlasher = depositSlasher
  return {
    TestToken: [],
    LocalRounds: [preset.roundSec],
    LocalServiceRegistry: [],
    SignerDelegation: [rounds],
    ReceiptAnchor: [],
    FishermanRegistry: [token, verifier, registryValues(preset)],
    SecurityDeposit: [token, verifier, depositSlasher, preset.thawSec],
    SecurityDepositSlasher: [deposit, verifier],
    FaultVerifier: [anchor, delegation, rounds, registry, STATUTE_ROUNDS * preset.roundSec],
    MultisigDecoderOracle: [roles.oracle.members, roles.oracle.threshold],
    FishermanVerifier: [
      { token, registry, deposit, delegation, rounds, depositSlasher, faultVerifier, objectiveSlasher, oracle },
      timesOf(preset),
      { governor, guardian, treasury },
      { openBond, appealBond, dailyCap, minimumTake },
      preset.verdictVersion,
    ],
  }
}

export function registryValues({ registry }: ChainPreset) {
  return {
    minBond: registry.minBond,
    weightCap: registry.weightCap,
    activationSeconds: registry.activationSec,
    exitSeconds: registry.exitSec,
    silentSeconds: registry.silentSec,
    maxMembers: registry.maxMembers,
  }
}

export function timesOf(preset: ChainPreset) {
  return {
    minCommitAge: preset.minCommitAgeSec,
    maxCommitAge: preset.maxCommitAgeSec,
    answerSeconds: preset.answerSec,
    caseSeconds: preset.caseSec,
    appealSeconds: preset.appealSec,
    timelockSeconds: preset.timelockSec,
  }
}
