import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { systemClock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { brokenAnswer, spokenRefusal, tooSlow, unreachable } from './errors.ts'
import { type AddressRule, findPlace, type Place } from './reach.ts'

/** go-livepeer's own: a connection, and one call over it. */
export const RPC_TIMEOUTS = { connectMs: 3_000, callMs: 8_000 } as const

const NO_NAME = 'orchestrator.invalid'

export type RpcMethod = 'GetOrchestrator' | 'EndTranscodingSession' | 'Ping'

export interface RpcOptions {
  mayConnect: AddressRule
  /** Bytes of an answer at most. */
  maxBytes: number
  timeouts?: { connectMs: number; callMs: number }
  signal?: AbortSignal | undefined
}

/** One call of `net.Orchestrator` on a connection of its own. */
export async function callNode(uri: string, method: RpcMethod, request: Uint8Array, options: RpcOptions): Promise<Uint8Array> {
  const { connectMs, callMs } = options.timeouts ?? RPC_TIMEOUTS
  const { signal } = options
  const place = await findPlace(uri, options.mayConnect, { timeoutMs: connectMs, signal })
  const where = place.url.origin
  const client = connect(place, options.maxBytes)
  try {
    await ready(client, connectMs, signal).catch((error: unknown) => {
      signal?.throwIfAborted()
      throw unreachable(where, `takes no connection within ${connectMs} ms (${messageOf(error)})`, error)
    })
    return await unary(client, method, request, callMs, signal)
  } catch (error) {
    signal?.throwIfAborted()
    throw isServiceError(error) ? translate(where, error, callMs) : error
  } finally {
    client.close()
  }
}

function connect({ url, ip, port, isTls, serverName }: Place, maxBytes: number): Client {
  // Certificates of nodes are self-signed and new at each start; who answers is known by what it signs, not by TLS.
  const encrypted = () =>
    credentials.createSsl(null, null, null, { rejectUnauthorized: false, checkServerIdentity: () => undefined })
  return new Client(
    ip.includes(':') ? `ipv6:[${ip}]:${port}` : `ipv4:${ip}:${port}`,
    isTls ? encrypted() : credentials.createInsecure(),
    {
      'grpc.default_authority': url.host,
      // An IP is no name for TLS; nodes do not look at it.
      ...(isTls ? { 'grpc.ssl_target_name_override': serverName ?? NO_NAME } : {}),
      'grpc.max_receive_message_length': maxBytes,
      'grpc.enable_retries': 0,
      // Whatever proxy the environment names, it has not looked at the address.
      'grpc.enable_http_proxy': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.service_config_disable_resolution': 1,
    },
  )
}

function ready(client: Client, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    client.waitForReady(systemClock.nowMs() + timeoutMs, (error) => {
      signal?.removeEventListener('abort', onAbort)
      if (error) reject(error)
      else resolve()
    })
  })
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes)

function unary(client: Client, method: RpcMethod, request: Uint8Array, timeoutMs: number, signal: AbortSignal | undefined) {
  return new Promise<Uint8Array>((resolve, reject) => {
    signal?.throwIfAborted()
    const call = client.makeUnaryRequest<Uint8Array, Uint8Array>(
      `/net.Orchestrator/${method}`,
      asBuffer,
      (bytes) => bytes,
      request,
      new Metadata(),
      { deadline: systemClock.nowMs() + timeoutMs },
      (error, answer) => {
        signal?.removeEventListener('abort', onAbort)
        if (error) reject(error)
        else resolve(answer ?? new Uint8Array())
      },
    )
    const onAbort = (): void => call.cancel()
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number' && 'metadata' in error
}

/** go-livepeer answers every error of its own as UNKNOWN with words; the rest is gRPC's. */
function translate(where: string, error: ServiceError, callMs: number): Error {
  if (error.code === status.UNKNOWN) return spokenRefusal(where, error.details)
  if (error.code === status.DEADLINE_EXCEEDED) return tooSlow(where, 'was silent', callMs)
  if (error.code === status.UNAVAILABLE || error.code === status.CANCELLED)
    return unreachable(where, 'broke the connection off', error)
  return brokenAnswer(where, `answered in a way that gRPC does not know (${status[error.code]})`, error)
}
