import { type Clock, sleep, withEither } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Deployment } from '../../chain/types.ts'
import { watch } from '../watch/library.ts'
import type { Observation } from './types.ts'

/** What gossip brings of false proofs, and whether there is anybody who brings it. */
export interface GossipEar {
  /** Those that came since the last call, at most the newest hundred. */
  falseProofs(): Observation['falseProofs']
  /** Undefined where nobody is followed. */
  seen(): Observation['gossip']
  /** Resolves when the signal has fired and nothing runs any more. */
  ended: Promise<void>
}

/** False proofs remembered between two rounds. */
const KEPT = 100
/** Milliseconds without any peer that are no trouble yet: links come and go. */
const PATIENCE_MS = 60_000
/** Milliseconds until a watch that failed is begun anew. */
const AGAIN_MS = 30_000

export function followGossip(
  { deployment: { chainId, anchor }, peers }: { deployment: Deployment; peers: readonly string[] },
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): GossipEar {
  const lies: { id: string; reason: string }[] = []
  let connected = 0
  let aloneSinceMs = clock.monotonicMs()
  let failure: string | undefined

  function linked(count: number): void {
    if (count === 0 && connected > 0) aloneSinceMs = clock.monotonicMs()
    connected = count
    if (count > 0) failure = undefined
  }

  async function listen(own: AbortSignal): Promise<void> {
    const proofs = watch({
      ...{ chainId, anchor, peers, signal: own },
      onEvent(event) {
        if (event.type === 'peers') linked(event.connected)
        if (event.type === 'false') lies.push({ id: event.id, reason: event.reason })
        if (lies.length > KEPT) lies.shift()
      },
    })
    // What is proven shows on the chain; here only what is false is of interest.
    for await (const _ of proofs);
  }

  async function follow(): Promise<void> {
    while (peers.length > 0 && !signal.aborted) {
      try {
        await withEither([signal], listen)
      } catch (error) {
        failure = messageOf(error)
      }
      linked(0)
      await sleep(AGAIN_MS, signal).catch(() => undefined)
    }
  }

  function trouble(): string | undefined {
    if (connected > 0) return undefined
    if (failure !== undefined) return failure
    return clock.monotonicMs() - aloneSinceMs < PATIENCE_MS ? undefined : `none of ${peers.length} peers is connected`
  }

  return {
    falseProofs: () => lies.splice(0),
    seen: () => (peers.length === 0 ? undefined : { trouble: trouble() }),
    ended: follow(),
  }
}
