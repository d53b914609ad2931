import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { compareEndpoints } from './agreement.ts'
import type { ConfirmationWatch } from './confirmations.ts'
import type { Rpc } from './rpc.ts'
import type { SendResult } from './sender.ts'

/** Whether what our endpoints tell may be acted on, asked now and then and before each transaction. */
export interface Gate {
  /** Looks for what is final by now and compares the endpoints, when it is time. */
  refresh(head: bigint, signal: AbortSignal): Promise<void>
  /** One line while endpoints disagree. */
  conflict(): string | undefined
  /** Compares now; a refusal while endpoints disagree. */
  refusal(signal: AbortSignal): Promise<Extract<SendResult, { status: 'refused' }> | undefined>
}

/** Seconds: an endpoint whose newest block is older than this is left for one whose is not. */
const OLD_SEC = 60

export function createGate(
  init: { compareMs: number },
  deps: { rpc: Rpc; clock: Clock; log: Logger; confirmations: ConfirmationWatch },
): Gate {
  const { rpc, clock, log } = deps
  let conflict: string | undefined
  let nextMs = Number.NEGATIVE_INFINITY
  let told = ''

  async function compare(signal: AbortSignal): Promise<void> {
    // One endpoint has nobody to disagree with.
    if (rpc.endpoints.length < 2) return
    const result = await compareEndpoints(rpc.endpoints, { clock }, signal)
    conflict = result.conflict
    const lines = result.endpoints.flatMap((one) => (one.says === undefined ? [] : [one.says])).join('; ')
    // Seconds change with each look; that is no news.
    const kinds = result.endpoints.map(({ name, state }) => `${name}=${state}`).join()
    if (lines && kinds !== told) log.warn('Not all RPC endpoints are well', { endpoints: lines })
    told = kinds
    const state = (i: number) => result.endpoints[i]
    const now = state(rpc.endpoints.indexOf(rpc.current()))
    const fresh = rpc.endpoints.find((_, i) => state(i)?.state === 'ok' && (state(i)?.ageSec ?? OLD_SEC) < OLD_SEC)
    if (now?.state === 'lagging' && (now.ageSec ?? 0) > OLD_SEC && fresh) {
      log.warn('Asking another RPC: this one is behind', { rpc: now.name, instead: fresh.name })
      rpc.turnTo(fresh)
    }
  }

  return {
    conflict: () => conflict,
    async refresh(head, signal) {
      const due = clock.monotonicMs() >= nextMs
      // Depth moves with every block, tags rarely: both are asked at the pace of the comparison.
      if (!due) return deps.confirmations.follow(head)
      nextMs = clock.monotonicMs() + init.compareMs
      await deps.confirmations.refresh(head, signal)
      await compare(signal).catch((error: unknown) => {
        signal.throwIfAborted()
        log.warn('RPC endpoints cannot be compared', { error: messageOf(error) })
      })
    },
    async refusal(signal) {
      await compare(signal)
      return conflict === undefined
        ? undefined
        : { status: 'refused', refusal: { error: 'RpcConflict', reason: conflict, args: {} } }
    },
  }
}
