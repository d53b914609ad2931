import type { Hex } from '../../proofs/types.ts'
import { depositInterface, registryInterface, roundsInterface, tokenInterface, verifierInterface } from '../chain/contracts.ts'
import type { View, ViewResult } from '../chain/multicall.ts'
import type { Deployment } from '../chain/types.ts'

/** What holds for everybody. Times in seconds, amounts in wei of the token; undefined where the contract does not tell. */
export interface NetworkValues {
  paused?: boolean
  round?: bigint
  members?: number
  totalWeight?: bigint
  parameters: Readonly<Record<string, bigint>>
}

const OF_VERIFIER = [
  ...['openBond', 'dailyCap', 'minimumTake', 'minCommitAge', 'maxCommitAge', 'answerSeconds', 'caseSeconds', 'appealSeconds'],
  ...['timelockSeconds', 'verdictVersion'],
]
const OF_REGISTRY = ['minBond', 'weightCap', 'activationSeconds', 'exitSeconds', 'silentSeconds', 'maxMembers']
const OF_DEPOSIT = ['thawSeconds']
const PARAMETERS = [...OF_VERIFIER, ...OF_REGISTRY, ...OF_DEPOSIT]

export function networkViews(deployment: Deployment): View[] {
  const of = (to: Hex, contract: View['contract'], names: readonly string[]): View[] =>
    names.map((name) => ({ to, contract, name, values: [] }))
  return [
    ...of(deployment.verifier, verifierInterface, ['paused']),
    ...of(deployment.rounds, roundsInterface, ['currentRound']),
    ...of(deployment.registry, registryInterface, ['members', 'totalWeight']),
    ...of(deployment.verifier, verifierInterface, OF_VERIFIER),
    ...of(deployment.registry, registryInterface, OF_REGISTRY),
    ...of(deployment.deposit, depositInterface, OF_DEPOSIT),
  ]
}

export function valuesOf(results: readonly ViewResult[]): NetworkValues {
  const [paused, round, members, totalWeight, ...rest] = results.map((result) => result?.[0])
  const parameters = PARAMETERS.flatMap((name, i): [string, bigint][] => {
    const value = rest[i]
    return typeof value === 'bigint' ? [[name, value]] : []
  })
  return {
    ...(typeof paused === 'boolean' ? { paused } : {}),
    ...(typeof round === 'bigint' ? { round } : {}),
    ...(Array.isArray(members) ? { members: members.length } : {}),
    ...(typeof totalWeight === 'bigint' ? { totalWeight } : {}),
    parameters: Object.fromEntries(parameters),
  }
}

/** Free tokens, registration, and weight that counts now. */
export function accountViews(deployment: Deployment, address: Hex): View[] {
  return [
    { to: deployment.token, contract: tokenInterface, name: 'balanceOf', values: [address] },
    { to: deployment.registry, contract: registryInterface, name: 'accounts', values: [address] },
    { to: deployment.registry, contract: registryInterface, name: 'activeWeightOf', values: [address] },
  ]
}
