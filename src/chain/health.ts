import { formatEther } from 'ethers'
import type { Hex } from '../../proofs/types.ts'
import type { Clock } from '../base/clock.ts'
import { verifierInterface } from './contracts.ts'
import type { Reads } from './reads.ts'
import type { Rpc } from './rpc.ts'
import type { Deployment } from './types.ts'
import { parseHeader, quantity } from './wire.ts'

/** Can our account do its work at all? Looked at now and then, so that trouble is told before a proof is lost to it. */
export interface Health {
  refresh(signal: AbortSignal): Promise<void>
  /** One line that says what to do; undefined when all is well. */
  problem(): string | undefined
  /** Wei of the native coin at the last look. */
  balance(): bigint | undefined
}

/** Milliseconds between two looks. */
const EVERY_MS = 10_000
/** Gas of the dearest proof, a conviction with many votes, and a commitment. */
const PROOF_GAS = 500_000n

export function createHealth(
  init: { address: Hex; deployment: Deployment },
  deps: { rpc: Rpc; reads: Reads; clock: Clock },
): Health {
  const { address, deployment } = init
  const { rpc, reads, clock } = deps
  let problem: string | undefined
  let balanceWei: bigint | undefined
  let nextMs = Number.NEGATIVE_INFINITY

  async function look(signal: AbortSignal): Promise<string | undefined> {
    const [members, balance, header, [paused]] = await Promise.all([
      reads.members(),
      rpc.send('eth_getBalance', [address, 'latest'], { signal }),
      rpc.send('eth_getBlockByNumber', ['latest', false], { signal }),
      reads.call(deployment.verifier, verifierInterface, 'paused', []),
    ])
    const has = quantity(balance, 'balance')
    balanceWei = has
    const own = members.find((member) => member.address === address)
    if (!own)
      return `${address} is no registered fisherman on chain ${deployment.chainId}; is it the right key file? If so, bond it in the registry ${deployment.registry}`
    if (own.exiting)
      return `${address} is leaving the registry, so its proofs count no more; register it again or stop this daemon`
    const needed = PROOF_GAS * (parseHeader(header)?.baseFeePerGas ?? 0n)
    if (has === 0n || has < needed)
      return `${address} holds ${formatEther(has)} of the native coin, less than one proof costs (${formatEther(needed)}); send some to it`
    if (paused === true)
      return `the guardian has paused the verifier ${deployment.verifier}: no new proof is taken; wait, what was found is brought later`
    return undefined
  }

  return {
    problem: () => problem,
    balance: () => balanceWei,
    async refresh(signal) {
      if (clock.monotonicMs() < nextMs) return
      nextMs = clock.monotonicMs() + EVERY_MS
      problem = await look(signal)
    },
  }
}
