import { decodeStatement, type Statement } from '../../../proofs/codec.ts'
import { faultClassName } from '../../../proofs/types.ts'
import { createRateLimiter } from '../../base/rate.ts'
import type { Refused } from '../../gossip/refusal.ts'
import { createBoundedMap } from '../../gossip/seen.ts'
import { idOf } from '../../gossip/validate.ts'
import type { FalseProof, WatchCounts, WatchEvent } from './types.ts'

/** False proofs cost their maker nothing: twenty are told at once, then one each three seconds, and the rest is counted. */
const QUOTA = { burst: 20, everyMs: 3_000 }
const MAX_REMEMBERED = 4_096

export interface Doubts {
  hear(refused: Refused): void
  /** Reason of the last false one. */
  last(): string | undefined
}

/** What came on the topic and is no proof: told once, as what it is. */
export function createDoubts(deps: { counts: WatchCounts; clock: { nowMs(): number }; tell(event: WatchEvent): void }): Doubts {
  const { counts } = deps
  const limiter = createRateLimiter(QUOTA, deps.clock)
  const seen = createBoundedMap<true>(MAX_REMEMBERED)
  let last: string | undefined
  return {
    last: () => last,
    hear({ action, code, bytes, reason }) {
      if (action !== 'reject' && code !== 'unknown-class') return
      const id = idOf(bytes)
      if (seen.get(id)) return
      seen.set(id, true)
      if (code === 'unknown-class') {
        counts.unknownClass++
        if (counts.unknownClass === 1)
          deps.tell({
            type: 'notice',
            message: 'there are proofs of a fault class that this version does not know: a newer one may',
          })
        return
      }
      counts.false++
      last = reason
      if (!limiter.take('all')) counts.falseUntold++
      else deps.tell({ type: 'false', id, reason, ...claimsOf(bytes) })
    },
  }
}

function claimsOf(bytes: Uint8Array): Pick<FalseProof, 'claims'> {
  try {
    const { body } = decodeStatement('fraud-proof', bytes) as Statement<'fraud-proof'>
    const { transcoder, reporter } = body
    return { claims: { faultClass: faultClassName(body.faultClass) ?? String(body.faultClass), transcoder, reporter } }
  } catch {
    return {}
  }
}
