import type { Hex } from '../../proofs/types.ts'
import type { Logger } from '../base/log.ts'
import { createEventFollower, type EventFollower } from './follow.ts'
import { bondingInterface, controllerInterface, type LivepeerAddresses, resolveLivepeer, topicOf } from './livepeer.ts'
import { createMulticall } from './multicall.ts'
import type { Rpc } from './rpc.ts'
import type { Log } from './wire.ts'

/** Follows who moves bonded stake in Livepeer's own contracts. */
export interface StakeWatch {
  bondingManager(): Hex
  scan(to: bigint, signal: AbortSignal): Promise<void>
  rewind(to: bigint, signal: AbortSignal): Promise<bigint>
}

/** Blocks before the start that are looked at: who left yesterday has left. 20 minutes of Arbitrum. */
const LOOK_BACK = 5_000n

/** Resolves Livepeer's contracts by its Controller, and again whenever the Controller says that one has moved. */
export async function createStakeWatch(
  init: { controller: Hex; head: bigint; signal: AbortSignal },
  deps: {
    rpc: Rpc
    log: Logger
    hashAt(block: bigint): Hex | undefined
    finalized(): bigint
    take(logs: readonly Log[]): void
  },
): Promise<StakeWatch> {
  const { controller } = init
  const multicall = createMulticall(deps)
  const moved = topicOf(controllerInterface, 'SetContractInfo')
  const topics = [topicOf(bondingInterface, 'Unbond'), topicOf(bondingInterface, 'TransferBond'), moved]
  let livepeer: LivepeerAddresses = await resolveLivepeer(controller, multicall, init.signal)
  let follower = follow(init.head > LOOK_BACK ? init.head - LOOK_BACK : 0n)

  function follow(from: bigint): EventFollower {
    return createEventFollower(
      { filter: { address: [controller, livepeer.bondingManager], topics }, from },
      {
        rpc: deps.rpc,
        hashAt: deps.hashAt,
        finalized: deps.finalized,
        async take(logs, signal) {
          const change = logs.find((one) => one.address === controller && one.topics[0] === moved)
          if (change) {
            const now = await resolveLivepeer(controller, multicall, signal)
            if (now.bondingManager !== livepeer.bondingManager) {
              deps.log.warn('Livepeer has moved its BondingManager', { from: livepeer.bondingManager, to: now.bondingManager })
              livepeer = now
              follower = follow(change.blockNumber)
            }
            livepeer = now
          }
          deps.take(logs.filter((one) => one.address !== controller))
        },
      },
    )
  }

  return {
    bondingManager: () => livepeer.bondingManager,
    async scan(to, signal) {
      // A move in the middle changes the follower: the new one reads the rest.
      while (follower.scannedTo() < to) await follower.scan(to, signal)
    },
    rewind: (to, signal) => follower.rewind(to, signal),
  }
}
