import type { Hex } from '../../proofs/types.ts'
import type { Logger } from '../base/log.ts'
import type { Chain } from '../chain/types.ts'
import type { Metrics } from '../observe/metrics.ts'
import { plainJson } from '../prooflog/entry.ts'
import type { HeadAnchor } from './heads.ts'

export interface HeadAnchorDeps {
  /** Our own address; undefined without a key. */
  address: Hex | undefined
  /** Whether we pay for transactions. */
  sends: boolean
  isMember(address: Hex): boolean
  chain: Pick<Chain, 'anchoredHead' | 'anchorHead'>
  metrics: Pick<Metrics, 'transaction'>
  logger: Logger
  signal: AbortSignal
}

/** Our log's head on the chain. Only a member has a place for it, and only who pays for transactions anyway pays for this one. */
export function createHeadAnchor(deps: HeadAnchorDeps): HeadAnchor {
  const { address, chain, logger } = deps
  return {
    last: async () => address && (await chain.anchoredHead(address)),
    async put(head) {
      if (!deps.sends || !address || !deps.isMember(address)) return
      const result = await chain.anchorHead(head, { signal: deps.signal })
      deps.metrics.transaction('anchor', result.status)
      const level = result.status === 'refused' ? 'warn' : 'info'
      logger[level]('Anchored the head of our log', plainJson({ ...head, ...result }) as Record<string, unknown>)
    },
  }
}
