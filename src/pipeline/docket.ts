import type { Hex } from '../../proofs/types.ts'
import type { Bench } from './bench.ts'
import type { FoundCase } from './case-book.ts'

/**
 * Which faults of a node are brought now. One proven fault convicts it and its stake is capped, so a node that signs thousands of them must not cost us
 * the bundles and proofs of all, nor keep those of other nodes waiting. What waits here lies in the log too, and comes up when one before it has ended.
 */
export interface Docket {
  /** True: bring it now. False: `bring` is called when there is room for it. */
  enter(fault: Listed, bring: () => void): boolean
  /** It came to its end, or to nothing: the next of its node has room. */
  leave(fault: Listed): void
  /** What is in hand for long keeps the others waiting no longer. */
  onHead(): void
}

type Listed = Pick<FoundCase, 'faultId' | 'faultClass' | 'transcoder'>

interface Node {
  inHand: Map<Hex, { fault: Listed; sinceMs: number }>
  behind: Map<Hex, { fault: Listed; bring: () => void }>
}

/** Faults of one node brought at a time. The first of each class comes beside them: it is never kept waiting by others. */
const MOST_OF_NODE = 20
/** Milliseconds that a fault takes one of these places: what the chain accepts for some reason never must not shield the node from all the others. */
const PLACE_MS = 600_000
/** Of all nodes, held here; what is found beyond them waits in the log for a restart. */
const MOST_BEHIND = 10_000

export function createDocket({ clock, logger, metrics }: Pick<Bench, 'clock' | 'logger' | 'metrics'>): Docket {
  const nodes = new Map<Hex, Node>()
  let held = 0

  function hasRoom({ inHand }: Node): boolean {
    const sinceMs = clock.monotonicMs() - PLACE_MS
    return [...inHand.values()].filter((one) => one.sinceMs > sinceMs).length < MOST_OF_NODE
  }

  function take({ inHand }: Node, fault: Listed): void {
    inHand.set(fault.faultId, { fault, sinceMs: clock.monotonicMs() })
  }

  function holdBack({ behind }: Node, fault: Listed, bring: () => void): void {
    metrics.dropped('fault-held-back')
    if (behind.size === 0)
      logger.warn('Many faults of one node, further ones wait until some have ended', { transcoder: fault.transcoder })
    if (held >= MOST_BEHIND) return
    behind.set(fault.faultId, { fault, bring })
    held++
  }

  function callUp(node: Node): void {
    for (const [faultId, { fault, bring }] of node.behind) {
      if (!hasRoom(node)) return
      node.behind.delete(faultId)
      held--
      take(node, fault)
      bring()
    }
  }

  return {
    enter(fault, bring) {
      const { faultClass, faultId, transcoder } = fault
      const node = nodes.get(transcoder) ?? { inHand: new Map(), behind: new Map() }
      nodes.set(transcoder, node)
      // Found again, in the feed after a restart.
      if (node.inHand.has(faultId)) return true
      if (node.behind.has(faultId)) return false
      const isFirst = ![...node.inHand.values()].some((other) => other.fault.faultClass === faultClass)
      // Who waits longer comes first.
      if (isFirst || (node.behind.size === 0 && hasRoom(node))) {
        take(node, fault)
        return true
      }
      holdBack(node, fault, bring)
      return false
    },
    leave({ faultId, transcoder }) {
      const node = nodes.get(transcoder)
      if (!node?.inHand.delete(faultId)) return
      callUp(node)
      if (node.inHand.size === 0 && node.behind.size === 0) nodes.delete(transcoder)
    },
    onHead() {
      for (const node of nodes.values()) if (node.behind.size > 0) callUp(node)
    },
  }
}
