import type { Hex } from '../../proofs/types.ts'
import { messageOf } from '../base/errors.ts'
import type { ActionResult } from '../chain/types.ts'
import { plainJson } from '../prooflog/entry.ts'
import type { Bench } from './bench.ts'

/** Runs one chain action for a fault at a time, writes down what came of it, and never throws. */
export type Act = (faultId: Hex, action: string, work: () => Promise<ActionResult>) => Promise<ActionResult | undefined>

export function createAct(bench: Bench): Act {
  const acting = new Set<Hex>()
  const onChain = bench.mode === 'active' || bench.mode === 'dry-run'
  return async (faultId, action, work) => {
    if (!onChain || !bench.identity || acting.has(faultId)) return undefined
    acting.add(faultId)
    try {
      const result = await work()
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
    }
  }
}
