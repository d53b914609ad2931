import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import { blsKeysOf } from '../attest/bls.ts'
import { createKeystore, createPasswordFile, importKeystore, loadKeystore, type Signer } from '../attest/keys.ts'
import { FishermanError } from '../base/errors.ts'
import { openAccount } from '../chain/account.ts'
import { parseArtifacts } from '../chain/artifacts.ts'
import { deployAll } from '../chain/deploy.ts'
import { serialiseDeployment } from '../chain/deployment.ts'
import { chainPreset, tokens } from '../chain/presets.ts'
import { bondOrchestrator, fund, localWallet, randomMnemonic, registerFisherman } from '../chain/setup.ts'
import type { Deployment } from '../chain/types.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import { projectRoot } from './children.ts'

/** One party of the network: its key on disk and its own folder. */
export interface Party {
  name: string
  signer: Signer
  dataDir: string
  key: { file: string; passwordFile: string }
}

/** Makes a folder and a fresh key with its own password. */
export async function createParty(folder: string, name: string): Promise<Party> {
  const dataDir = join(folder, name)
  await mkdir(dataDir)
  const key = { file: join(folder, `${name}.key.json`), passwordFile: join(folder, `${name}.password`) }
  await createPasswordFile(key.passwordFile)
  await createKeystore({ ...key, light: true })
  return { name, signer: await loadKeystore(key.file, key.passwordFile), dataDir, key }
}

/** A fresh local chain with all contracts on it. */
export interface LocalChain {
  anvil: Anvil
  deployment: Deployment
  /** File that the other processes read it from. */
  deploymentFile: string
  /** Gives tokens and coin for gas. */
  fund(grants: readonly { to: Hex; tokens: bigint; native: bigint }[]): Promise<void>
  /** Keeps the key that can give them, so that another process can; nothing else is sent with it from then on. */
  keepFaucet(key: { file: string; passwordFile: string }): Promise<void>
  stop(): Promise<void>
}

const COIN = 10n ** 18n

export async function startLocalChain(folder: string, signal: AbortSignal): Promise<LocalChain> {
  const artifacts = await readFile(join(projectRoot, 'dist/contracts.json'), 'utf8').catch((cause: unknown) => {
    throw new FishermanError({
      code: 'not-set-up',
      message: 'dist/contracts.json is missing; type: npm run setup',
      blame: 'ours',
      cause,
    })
  })
  const mnemonic = randomMnemonic()
  const anvil = await outliving(signal, (own) => startAnvil({ mnemonic, accounts: 1, blockTimeSec: 1, signal: own }))
  try {
    const deployer = localWallet(mnemonic, 0)
    const preset = chainPreset('local')
    const deployment = await deployAll(
      { rpcUrl: anvil.rpcUrl, preset, artifacts: parseArtifacts(artifacts) },
      { deployer },
      { signal },
    )
    const deploymentFile = join(folder, 'deployment.json')
    await writeFile(deploymentFile, serialiseDeployment(deployment))
    const { rpcUrl, chainId } = anvil
    return {
      anvil,
      deployment,
      deploymentFile,
      async fund(grants) {
        const account = await openAccount({ rpcUrl, chainId }, { signer: deployer })
        await fund(account, deployment, grants, { signal }).finally(() => account.close())
      },
      async keepFaucet(key) {
        await createPasswordFile(key.passwordFile)
        await importKeystore({ ...key, light: true, privateKey: deployer.privateKey })
      },
      stop: () => anvil.stop(),
    }
  } catch (error) {
    await anvil.stop()
    throw error
  }
}

/** The chain ends last, so a stop reaches it by `stop()` alone once it has started: everybody else still talks to it while they end. */
async function outliving<T>(signal: AbortSignal, start: (own: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const own = new AbortController()
  const forward = () => own.abort(signal.reason)
  signal.addEventListener('abort', forward, { once: true })
  try {
    return await start(own.signal)
  } finally {
    signal.removeEventListener('abort', forward)
  }
}

export const DEPOSIT = tokens(1000)
const BOND = tokens(1000)

/** What each kind of party needs: bonds, bonds of cases, and coin for gas. */
export function grantsFor(orchestrators: readonly Party[], fishermen: readonly Party[]) {
  return [
    ...orchestrators.map(({ signer }) => ({ to: signer.address, tokens: DEPOSIT, native: COIN })),
    ...fishermen.map(({ signer }) => grantForFisherman(signer.address)),
  ]
}

export function grantForFisherman(to: Hex): { to: Hex; tokens: bigint; native: bigint } {
  return { to, tokens: BOND + tokens(1000), native: 100n * COIN }
}

/** Orchestrators put up their deposit, and say where they are once that is known. */
export async function bond(chain: LocalChain, { signer }: Party, serviceUri: string, signal: AbortSignal): Promise<void> {
  const { rpcUrl, chainId } = chain.anvil
  const account = await openAccount({ rpcUrl, chainId }, { signer: signer.wallet() })
  await bondOrchestrator(account, chain.deployment, { amount: DEPOSIT, serviceUri }, { signal }).finally(() => account.close())
}

/** A fisherman bonds with the key that its draws are made with. */
export async function register(chain: LocalChain, { signer }: Party, signal: AbortSignal): Promise<void> {
  const { rpcUrl, chainId } = chain.anvil
  const { publicKey: blsPublicKey, proofOfPossession } = await blsKeysOf(signer)
  const account = await openAccount({ rpcUrl, chainId }, { signer: signer.wallet() })
  await registerFisherman(account, chain.deployment, { bond: BOND, blsPublicKey, proofOfPossession }, { signal }).finally(() =>
    account.close(),
  )
}
