import type { Hex } from '../../proofs/types.ts'
import { lower } from './contracts.ts'
import { createEventFollower, type ScanProgress } from './follow.ts'
import { bondingInterface, brokerInterface, livepeerRoundsInterface, topicOf } from './livepeer.ts'
import type { Rpc } from './rpc.ts'
import { openSpanFile } from './span-file.ts'
import type { Log } from './wire.ts'

export interface WindowCounts {
  rewards: Map<Hex, number>
  tickets: Map<Hex, number>
  rounds: number
}

/** Counts what happened in the window; a second look reads only new blocks. */
export async function countWindow(
  at: { bondingManager: Hex; roundsManager: Hex; ticketBroker: Hex; fromBlock: bigint; toBlock: bigint },
  init: { chainId: bigint; spanFile?: string },
  deps: { rpc: Rpc; hashAt(block: bigint): Hex | undefined; onProgress?(progress: ScanProgress): void },
  signal: AbortSignal,
): Promise<WindowCounts> {
  const topics = {
    reward: topicOf(bondingInterface, 'Reward'),
    ticket: topicOf(brokerInterface, 'WinningTicketRedeemed'),
    round: topicOf(livepeerRoundsInterface, 'NewRound'),
  }
  const counts: WindowCounts = { rewards: new Map(), tickets: new Map(), rounds: 0 }
  const follower = createEventFollower(
    {
      filter: { address: [...new Set([at.bondingManager, at.roundsManager, at.ticketBroker])], topics: Object.values(topics) },
      from: at.fromBlock,
    },
    {
      ...deps,
      ...(init.spanFile === undefined
        ? {}
        : {
            store: openSpanFile(init.spanFile, [init.chainId, at.bondingManager, at.roundsManager, at.ticketBroker].join()),
          }),
      // Whatever is so young that it may be taken back is read again by its hash the next time.
      finalized: () => at.toBlock,
      async take(logs: readonly Log[]) {
        for (const log of logs) {
          if (log.blockNumber < at.fromBlock) continue
          const [topic, first, second] = log.topics
          if (topic === topics.round) counts.rounds += 1
          // Indexed addresses: the reward's first argument, the ticket's second (the recipient).
          if (topic === topics.reward && first) count(counts.rewards, first)
          if (topic === topics.ticket && second) count(counts.tickets, second)
        }
      },
    },
  )
  await follower.resume(signal)
  await follower.scan(at.toBlock, signal)
  await follower.flush()
  return counts
}

function count(into: Map<Hex, number>, topic: Hex): void {
  const address = lower(`0x${topic.slice(26)}`)
  into.set(address, (into.get(address) ?? 0) + 1)
}
