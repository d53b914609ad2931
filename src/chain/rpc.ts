import { isFishermanError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createEndpoint, type Endpoint, problem, RpcRefusal } from './endpoint.ts'

export { problem, RpcRefusal } from './endpoint.ts'

export interface Rpc {
  /** Sends one request; ethers puts requests of the same few milliseconds into one batch. Throws RpcRefusal or FishermanError. */
  send(method: string, params: readonly unknown[], options?: { signal?: AbortSignal }): Promise<unknown>
  /** Text of the last failure, undefined after the next success. */
  trouble(): string | undefined
  /** All endpoints in the order of the configuration: for those who compare their answers. */
  readonly endpoints: readonly Endpoint[]
  /** The endpoint that is asked now. */
  current(): Endpoint
  /** Asks another endpoint from now on: the next one, or this one. For answers that are well-formed and cannot be right. */
  turnTo(endpoint?: Endpoint): void
  close(): void
}

export interface RpcInit {
  rpcUrls: readonly string[]
  chainId: bigint
  /** Milliseconds that one HTTP request may take; a node that needs longer is of no use at one block a second. */
  timeoutMs?: number
}

/** Speaks to the first endpoint that works; each checks its chain id before its first use. */
export function createRpc(init: RpcInit, deps: { log: Logger }): Rpc {
  const timeoutMs = init.timeoutMs ?? 5000
  const endpoints = init.rpcUrls.map((url) => createEndpoint({ url, chainId: init.chainId, timeoutMs }))
  if (endpoints.length === 0) throw problem('rpc-missing', 'no RPC URL is configured; set rpc in the configuration')
  let index = 0
  let trouble: string | undefined
  const current = () => endpoints[index % endpoints.length] as Endpoint

  return {
    endpoints,
    current,
    async send(method, params, options) {
      let last: unknown
      for (let tries = 0; tries < endpoints.length; tries++) {
        options?.signal?.throwIfAborted()
        const endpoint = current()
        try {
          const result = await abortable(endpoint.send(method, params), options?.signal)
          trouble = undefined
          return result
        } catch (error) {
          if (error instanceof RpcRefusal || options?.signal?.aborted) throw error
          last = error
          trouble = messageOf(error)
          // Of many requests that fail together only the first moves on.
          if (endpoint === current()) index = (index + 1) % endpoints.length
          if (endpoints.length > 1) deps.log.warn('RPC failed, trying the next one', { rpc: endpoint.name, error: trouble })
        }
      }
      throw last
    },
    trouble: () => trouble,
    turnTo(endpoint) {
      index = endpoint ? Math.max(0, endpoints.indexOf(endpoint)) : (index + 1) % endpoints.length
    },
    close: () => {
      for (const endpoint of endpoints) endpoint.close()
    },
  }
}

/** The one answer that a node gave and that cannot be right; another endpoint may do better. */
export function isGarbage(error: unknown): boolean {
  return isFishermanError(error) && (error.code === 'rpc-garbage' || error.code === 'rpc-lies')
}

function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
