import { HDNodeWallet, MaxUint256, Mnemonic, randomBytes, Wallet } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import type { Account, Call } from './account.ts'
import {
  delegationInterface,
  depositInterface,
  lower,
  registryInterface,
  serviceRegistryInterface,
  tokenInterface,
} from './contracts.ts'
import type { Deployment, Waiting } from './types.ts'

// What operators do once: get tokens, bond, deposit, say where they are. Amounts in wei of the token.

/** Mints test tokens and sends native coin for gas; only the deployer of a local network can. */
export async function fund(
  deployer: Account,
  deployment: Deployment,
  grants: readonly { to: Hex; tokens: bigint; native?: bigint }[],
  options: Waiting,
): Promise<void> {
  const calls = grants.flatMap(({ to, tokens, native }): Call[] => [
    { what: 'mint', to: deployment.token, data: encode(tokenInterface, 'mint', [to, tokens]), gasLimit: 120_000n },
    ...(native ? [{ what: 'fund', to, data: '0x' as Hex, value: native, gasLimit: 21_000n }] : []),
  ])
  await deployer.execute(calls, options)
}

/** An orchestrator puts up its security deposit and publishes where its feed is. */
export async function bondOrchestrator(
  account: Account,
  deployment: Deployment,
  init: { amount: bigint; serviceUri?: string; signer?: Hex; signerFromRound?: bigint },
  options: Waiting,
): Promise<void> {
  const calls: Call[] = [
    approve(deployment, deployment.deposit, init.amount),
    { what: 'deposit', to: deployment.deposit, data: encode(depositInterface, 'deposit', [init.amount]), gasLimit: 200_000n },
  ]
  if (init.serviceUri !== undefined) calls.push(serviceUriCall(deployment, init.serviceUri))
  if (init.signer !== undefined)
    calls.push({
      what: 'delegate',
      to: deployment.delegation,
      data: encode(delegationInterface, 'delegate', [init.signer, init.signerFromRound ?? 1n]),
      gasLimit: 120_000n,
    })
  await account.execute(calls, options)
}

export async function setServiceUri(account: Account, deployment: Deployment, uri: string, options: Waiting): Promise<void> {
  await account.execute([serviceUriCall(deployment, uri)], options)
}

/** A fisherman bonds; the verifier may then take the bond of each `open` from the same account. */
export async function registerFisherman(
  account: Account,
  deployment: Deployment,
  init: { bond: bigint; blsPublicKey: Hex; proofOfPossession: Hex },
  options: Waiting,
): Promise<void> {
  const register = encode(registryInterface, 'register', [init.bond, init.blsPublicKey, init.proofOfPossession])
  await account.execute(
    [
      approve(deployment, deployment.registry, init.bond),
      approve(deployment, deployment.verifier, MaxUint256),
      { what: 'register', to: deployment.registry, data: register, gasLimit: 600_000n },
    ],
    options,
  )
}

/** A fresh mnemonic: a local chain's genesis accounts come from it, so that no well-known key is ever used. */
export function randomMnemonic(): string {
  return Mnemonic.fromEntropy(randomBytes(16)).phrase
}

/** Key number `index` of a mnemonic, on the path that anvil funds. */
export function localWallet(mnemonic: string, index: number): Wallet {
  const node = HDNodeWallet.fromPhrase(mnemonic, '', `m/44'/60'/0'/0/${index}`)
  return new Wallet(node.privateKey)
}

/** Lower-case address of a wallet. */
export function addressOf(wallet: Wallet): Hex {
  return lower(wallet.address)
}

function approve(deployment: Deployment, spender: Hex, amount: bigint): Call {
  return { what: 'approve', to: deployment.token, data: encode(tokenInterface, 'approve', [spender, amount]), gasLimit: 80_000n }
}

function serviceUriCall(deployment: Deployment, uri: string): Call {
  return {
    what: 'set service URI',
    to: deployment.serviceRegistry,
    data: encode(serviceRegistryInterface, 'setServiceURI', [uri]),
    // 20,000 gas for each 32 bytes of the text.
    gasLimit: 100_000n + BigInt(Math.ceil(uri.length / 32)) * 25_000n,
  }
}

function encode(contract: typeof tokenInterface, name: string, values: readonly unknown[]): Hex {
  return contract.encodeFunctionData(name, values) as Hex
}
