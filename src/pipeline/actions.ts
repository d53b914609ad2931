import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import type { ActionResult } from '../chain/types.ts'
import { plainJson } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'

/** Runs one chain action for a fault at a time, writes down what came of it, and never throws. What came to nothing waits before it is tried again. */
export interface Act {
  (faultId: Hex, action: string, work: () => Promise<ActionResult>): Promise<ActionResult | undefined>
  /** The next try of this fault waits no longer. */
  again(faultId: Hex): void
}

/** Milliseconds after the first try that came to nothing; each further one waits twice as long, up to the longest. */
const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 300_000

/** Seconds of a span at which it is our turn with something that any of us may do: for each another moment, so that mostly one pays for it. */
export function turnWithin(spanSeconds: number, about: Hex, me: Hex): number {
  return Number((BigInt(about) + BigInt(me)) % BigInt(spanSeconds))
}

export function createAct(bench: Bench): Act {
  const acting = new Set<Hex>()
  const failed = new Map<Hex, { times: number; againMs: number }>()
  const onChain = bench.mode === 'active' || bench.mode === 'dry-run'

  function learn(faultId: Hex, result: ActionResult | undefined): void {
    const times = failed.get(faultId)?.times ?? 0
    const now = bench.clock.monotonicMs()
    if (!result || result.status === 'refused')
      failed.set(faultId, { times: times + 1, againMs: now + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** times) })
    // Nothing changed on the chain: seen once in a while is enough.
    else if (result.status === 'simulated') failed.set(faultId, { times, againMs: now + LONGEST_WAIT_MS })
    else failed.delete(faultId)
  }

  async function act(faultId: Hex, action: string, work: () => Promise<ActionResult>): Promise<ActionResult | undefined> {
    if (!onChain || !bench.identity || acting.has(faultId)) return undefined
    if (bench.clock.monotonicMs() < (failed.get(faultId)?.againMs ?? 0)) return undefined
    acting.add(faultId)
    let result: ActionResult | undefined
    try {
      result = await work()
      bench.metrics.transaction(action, result.status)
      const told = plainJson(result)
      if (result.status === 'mined') await bench.log.append('tx-seen', { faultId, action, result: told })
      const level = result.status === 'refused' ? 'warn' : 'info'
      bench.logger[level]('Chain action', { action, faultId, ...(told as Record<string, unknown>) })
      return result
    } catch (error) {
      if (!bench.signal.aborted) bench.logger.warn('Chain action failed', { action, faultId, reason: messageOf(error) })
      return undefined
    } finally {
      acting.delete(faultId)
      learn(faultId, result)
    }
  }

  return Object.assign(act, { again: (faultId: Hex) => void failed.delete(faultId) })
}
