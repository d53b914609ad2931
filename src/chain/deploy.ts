import { getCreateAddress, Interface, type InterfaceAbi } from 'ethers'
import { z } from 'zod'
import type { Hex } from '../../proofs/types.ts'
import { FishermanError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { type Call, chainIdOf, openAccount } from './account.ts'
import { lower } from './contracts.ts'
import { type ChainPreset, checkPreset, STATUTE_ROUNDS } from './presets.ts'
import { problem } from './rpc.ts'
import type { Deployment, TransactionSigner, Waiting } from './types.ts'

/** dist/contracts.json, as scripts/contracts.mjs writes it. */
export interface Artifacts {
  contracts: Readonly<Record<string, { abi: InterfaceAbi; bytecode: Hex }>>
}

const schema = z.object({
  contracts: z.record(
    z.string(),
    z.object({ abi: z.array(z.record(z.string(), z.unknown())), bytecode: z.string().regex(/^0x([0-9a-f]{2})*$/) }),
  ),
})

/** Checks the text of dist/contracts.json. Throws `artifacts-invalid`. */
export function parseArtifacts(text: string): Artifacts {
  try {
    return schema.parse(JSON.parse(text)) as unknown as Artifacts
  } catch (cause) {
    throw new FishermanError({
      code: 'artifacts-invalid',
      message: 'dist/contracts.json is not what the compiler writes; run npm run contracts',
      blame: 'ours',
      cause,
    })
  }
}

export interface DeployInit {
  rpcUrl: string
  preset: ChainPreset
  artifacts: Artifacts
  /** Who may announce changes, pause, and receives what is taken; the deployer where not given (right for local networks only). */
  governor?: Hex
  guardian?: Hex
  treasury?: Hex
  /** Members of the appeal multisig and how many of them overturn; the deployer alone where not given. */
  oracle?: { members: readonly Hex[]; threshold: number }
}

/** Order of creation; addresses of later contracts are known from the nonce, so that all wiring is immutable. */
const ORDER = [
  ...['TestToken', 'LocalRounds', 'LocalServiceRegistry', 'SignerDelegation', 'ReceiptAnchor', 'FishermanRegistry'],
  ...['SecurityDeposit', 'SecurityDepositSlasher', 'FaultVerifier', 'MultisigDecoderOracle', 'FishermanVerifier'],
] as const
type Name = (typeof ORDER)[number]

/** Deploys everything that the preset does not name as existing, and returns where it lies. */
export async function deployAll(
  init: DeployInit,
  deps: { deployer: TransactionSigner; log?: Logger },
  options: Waiting,
): Promise<Deployment> {
  const { preset } = init
  checkPreset(preset)
  const chainId = await chainIdOf(init.rpcUrl, options)
  const account = await openAccount(
    { rpcUrl: init.rpcUrl, chainId },
    { signer: deps.deployer, ...(deps.log === undefined ? {} : { log: deps.log }) },
  )
  try {
    const names = ORDER.filter(
      (name) => !(preset.existing && ['TestToken', 'LocalRounds', 'LocalServiceRegistry'].includes(name)),
    )
    const firstNonce = await account.nextNonce(options)
    const at = (name: Name): Hex => {
      const i = names.indexOf(name)
      if (i < 0) throw problem('deploy-internal', `${name} is not deployed by preset ${preset.name}`)
      return lower(getCreateAddress({ from: account.address, nonce: firstNonce + i }))
    }
    const token = preset.existing?.token ?? at('TestToken')
    const rounds = preset.existing?.rounds ?? at('LocalRounds')
    const treasury = init.treasury ?? account.address
    const roles = { governor: init.governor ?? account.address, guardian: init.guardian ?? account.address, treasury }
    const oracle = init.oracle ?? { members: [account.address], threshold: 1 }
    const values: Record<Name, readonly unknown[]> = {
      TestToken: [],
      LocalRounds: [preset.roundSec],
      LocalServiceRegistry: [],
      SignerDelegation: [rounds],
      ReceiptAnchor: [],
      FishermanRegistry: [token, at('FishermanVerifier'), registryValues(preset)],
      SecurityDeposit: [token, at('FishermanVerifier'), at('SecurityDepositSlasher'), preset.thawSec],
      SecurityDepositSlasher: [at('SecurityDeposit'), at('FishermanVerifier')],
      FaultVerifier: [
        at('ReceiptAnchor'),
        at('SignerDelegation'),
        rounds,
        at('FishermanRegistry'),
        STATUTE_ROUNDS * preset.roundSec,
      ],
      MultisigDecoderOracle: [oracle.members, oracle.threshold],
      FishermanVerifier: [
        {
          token,
          registry: at('FishermanRegistry'),
          deposit: at('SecurityDeposit'),
          delegation: at('SignerDelegation'),
          rounds,
          depositSlasher: at('SecurityDepositSlasher'),
          faultVerifier: at('FaultVerifier'),
          objectiveSlasher: at('SecurityDepositSlasher'),
          oracle: at('MultisigDecoderOracle'),
        },
        timesOf(preset),
        roles,
        { openBond: preset.openBond, appealBond: preset.appealBond, dailyCap: preset.dailyCap, minimumTake: preset.minimumTake },
      ],
    }
    const receipts = await account.execute(
      names.map((name) => creation(init.artifacts, name, values[name])),
      options,
    )
    // Nonces are mined in order, so the first receipt is the oldest.
    const deployBlock = receipts[0]?.blockNumber ?? 0n
    return {
      chainId,
      deployBlock,
      anchor: at('ReceiptAnchor'),
      verifier: at('FishermanVerifier'),
      faultVerifier: at('FaultVerifier'),
      registry: at('FishermanRegistry'),
      deposit: at('SecurityDeposit'),
      delegation: at('SignerDelegation'),
      rounds,
      serviceRegistry: preset.existing?.serviceRegistry ?? at('LocalServiceRegistry'),
      token,
      treasury,
      oracle: at('MultisigDecoderOracle'),
      depositSlasher: at('SecurityDepositSlasher'),
    }
  } finally {
    account.close()
  }
}

function registryValues({ registry }: ChainPreset) {
  return {
    minBond: registry.minBond,
    weightCap: registry.weightCap,
    activationSeconds: registry.activationSec,
    exitSeconds: registry.exitSec,
    silentSeconds: registry.silentSec,
    maxMembers: registry.maxMembers,
  }
}

function timesOf(preset: ChainPreset) {
  return {
    minCommitAge: preset.minCommitAgeSec,
    maxCommitAge: preset.maxCommitAgeSec,
    answerSeconds: preset.answerSec,
    caseSeconds: preset.caseSec,
    appealSeconds: preset.appealSec,
    timelockSeconds: preset.timelockSec,
  }
}

function creation(artifacts: Artifacts, name: Name, values: readonly unknown[]): Call {
  const artifact = artifacts.contracts[name]
  if (!artifact) throw problem('artifacts-invalid', `dist/contracts.json has no ${name}; run npm run contracts`)
  const data = `${artifact.bytecode}${new Interface(artifact.abi).encodeDeploy(values).slice(2)}` as Hex
  // 200 gas a byte of code, 16 of calldata, 2 of init code, and what constructors store.
  return { what: `deploy ${name}`, to: null, data, gasLimit: 1_000_000n + BigInt(data.length / 2) * 220n }
}
