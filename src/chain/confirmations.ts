import { maxOf, minOf } from '../base/bigints.ts'
import type { Rpc } from './rpc.ts'
import { RpcRefusal } from './rpc.ts'
import type { ConfirmationLevel, Confirmations } from './types.ts'
import { parseHeader } from './wire.ts'

/** Blocks on top of one that is safe, or final, on a chain without block tags: what Ethereum's own tags mean in blocks. */
const DEPTH = { safe: 32n, finalized: 64n } as const

export interface ConfirmationWatch {
  current(): Confirmations
  /** Level of a block of our chain; undefined above the head. */
  levelOf(blockNumber: bigint): ConfirmationLevel | undefined
  /** Asks for the tags at this head. */
  refresh(head: bigint, signal: AbortSignal): Promise<void>
  /** A new head without a question: only what is in our chain moves. */
  follow(head: bigint): void
  /** The chain went back to this block. True when that takes back what was called final. */
  rewind(to: bigint): boolean
}

/** Follows how far blocks are safe and final: by the tags `safe` and `finalized`, or by depth where a node does not know them. */
export function createConfirmations(deps: { rpc: Rpc }): ConfirmationWatch {
  let now: Confirmations = { soft: -1n, safe: -1n, finalized: -1n, by: 'depth' }

  /** Height of a tag; undefined where the node has no such tag, or no such block yet. */
  async function heightOf(tag: 'safe' | 'finalized', signal: AbortSignal): Promise<bigint | undefined> {
    try {
      return parseHeader(await deps.rpc.send('eth_getBlockByNumber', [tag, false], { signal }))?.number
    } catch (error) {
      if (error instanceof RpcRefusal) return undefined
      throw error
    }
  }

  return {
    current: () => ({ ...now }),
    levelOf(block) {
      if (block > now.soft) return undefined
      if (block > now.safe) return 'soft'
      return block > now.finalized ? 'safe' : 'finalized'
    },
    async refresh(head, signal) {
      const [safeTag, finalTag] = await Promise.all([heightOf('safe', signal), heightOf('finalized', signal)])
      const by = safeTag === undefined || finalTag === undefined ? 'depth' : 'tags'
      const depth = (blocks: bigint) => (head > blocks ? head - blocks : 0n)
      // A node that calls more final than safe, or than there is, is believed only as far as its other answers go.
      const safe = minOf(head, by === 'tags' ? (safeTag ?? 0n) : depth(DEPTH.safe))
      const finalized = minOf(safe, by === 'tags' ? (finalTag ?? 0n) : depth(DEPTH.finalized))
      // What was final stays final: a lagging node behind a load balancer takes nothing back.
      const kept = minOf(head, now.finalized)
      now = { soft: head, safe: maxOf(maxOf(safe, kept), minOf(head, now.safe)), finalized: maxOf(finalized, kept), by }
    },
    follow(head) {
      now = { ...now, soft: maxOf(head, now.soft) }
    },
    rewind(to) {
      const broken = to < now.finalized
      now = { ...now, soft: minOf(now.soft, to), safe: minOf(now.safe, to), finalized: minOf(now.finalized, to) }
      return broken
    },
  }
}
