import { FetchRequest, type FetchResponse, isError, JsonRpcProvider, Network } from 'ethers'
import { FishermanError, isFishermanError, maskCredentials } from '../base/errors.ts'
import { readUpTo } from '../base/http-get.ts'

// One RPC endpoint: an HTTP exchange with limits, and the many error shapes of ethers brought to two.

/** A node's own answer that it refuses a call: not a fault of the connection, so no other node is asked. */
export class RpcRefusal extends Error {
  constructor(
    message: string,
    readonly data: string | undefined,
  ) {
    super(message)
    this.name = 'RpcRefusal'
  }
}

/** Bytes of one answer: a full block of logs is far smaller, a hostile endpoint may send without end. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Lists, objects and fields of one answer: events at their shortest, as many as the bytes allow, have 600,000. What is nothing but brackets takes
 * sixty times its length once it is read.
 */
const MAX_ANSWER_PARTS = 1_000_000
const [OPEN_LIST, OPEN_OBJECT, COLON] = [0x5b, 0x7b, 0x3a]

/** One RPC URL; `name` is what people see of it. */
export interface Endpoint {
  readonly name: string
  /**
   * Sends one request after the endpoint's chain id was found right. Throws RpcRefusal when the node refuses the call, FishermanError when
   * there is trouble with the node.
   */
  send(method: string, params: readonly unknown[]): Promise<unknown>
  close(): void
}

export function createEndpoint(init: { url: string; chainId: bigint; timeoutMs: number }): Endpoint {
  const { name, provider } = providerOf(init.url, init.chainId, init.timeoutMs)
  /** Checked once before the first use; asked again after a failure. */
  let verified: Promise<void> | undefined

  async function verify(): Promise<void> {
    const id = await request(name, provider, 'eth_chainId', [])
    if (typeof id !== 'string' || !/^0x[0-9a-fA-F]{1,16}$/.test(id))
      throw problem('rpc-garbage', `RPC ${name} does not answer eth_chainId with a number; is it an Ethereum JSON-RPC URL?`)
    if (BigInt(id) !== init.chainId)
      throw problem(
        'rpc-wrong-chain',
        `RPC ${name} serves chain ${BigInt(id)}, but the deployment is on chain ${init.chainId}; set another RPC URL or network`,
      )
  }

  return {
    name,
    async send(method, params) {
      verified ??= verify().catch((error: unknown) => {
        verified = undefined
        throw error
      })
      await verified
      return request(name, provider, method, params)
    },
    close: () => provider.destroy(),
  }
}

function providerOf(url: string, chainId: bigint, timeoutMs: number): { name: string; provider: JsonRpcProvider } {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw problem(
      'rpc-url-invalid',
      `"${maskCredentials(url)}" is no URL; write the RPC as http://host:port or https://host/path`,
    )
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    throw problem('rpc-url-invalid', `RPC ${maskCredentials(url)} must be http or https; websockets are not used`)
  // The path of an RPC URL is often a token: people see host and port only.
  const name = parsed.host
  const request = new FetchRequest(url)
  request.timeout = timeoutMs
  request.getUrlFunc = (filled) => fetchJson(filled, name, timeoutMs)
  const network = Network.from(chainId)
  const provider = new JsonRpcProvider(request, network, {
    staticNetwork: network,
    cacheTimeout: -1,
    batchMaxCount: 50,
    batchStallTime: 2,
  })
  return { name, provider }
}

/** One HTTP exchange with limits; anything that is not JSON becomes one clear line. */
async function fetchJson(request: FetchRequest, name: string, timeoutMs: number): Promise<FetchResponse> {
  const headers = Object.fromEntries(Object.entries(request.headers))
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers,
      body: request.body ? Buffer.from(request.body) : null,
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    })
    const { body, isWhole } = await readUpTo(response, MAX_ANSWER_BYTES)
    if (!isWhole) throw problem('rpc-too-long', `RPC ${name} sent more than ${MAX_ANSWER_BYTES} bytes in one answer`)
    if (partsOf(body) > MAX_ANSWER_PARTS)
      throw problem(
        'rpc-too-long',
        `RPC ${name} sent an answer of more than ${MAX_ANSWER_PARTS} parts; no answer to us has so many`,
      )
    const text = new TextDecoder().decode(body)
    if (!response.ok && !/^\s*[[{]/.test(text))
      throw problem('rpc-http', `RPC ${name} answered HTTP ${response.status}; check the URL, its key and its limits`)
    if (!isAnswer(text))
      throw problem('rpc-garbage', `RPC ${name} answered something that is not JSON-RPC; is the URL a web page or a proxy?`)
    return { statusCode: 200, statusMessage: 'OK', headers: {}, body } as unknown as FetchResponse
  } catch (error) {
    if (isFishermanError(error)) throw error
    if (error instanceof Error && error.name === 'TimeoutError')
      throw problem('rpc-timeout', `RPC ${name} did not answer within ${timeoutMs} ms; is the node up and in sync?`, error)
    throw problem('rpc-unreachable', `RPC ${name} cannot be reached; check the URL and that the node runs`, error)
  }
}

function partsOf(json: Uint8Array): number {
  let parts = 0
  for (const byte of json) if (byte === OPEN_LIST || byte === OPEN_OBJECT || byte === COLON) parts++
  return parts
}

function isAnswer(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    const items: unknown[] = Array.isArray(value) ? value : [value]
    return items.every((item) => typeof item === 'object' && item !== null && ('result' in item || 'error' in item))
  } catch {
    return false
  }
}

/** One request over ethers, with its many error shapes brought to two: refusal by the node, or trouble with it. */
async function request(name: string, provider: JsonRpcProvider, method: string, params: readonly unknown[]): Promise<unknown> {
  try {
    return await provider.send(method, [...params])
  } catch (error) {
    if (isFishermanError(error)) throw error
    if (isError(error, 'UNSUPPORTED_OPERATION')) throw problem('rpc-closed', 'the connection to the chain was closed', error)
    const inner = innerError(error)
    if (inner) throw new RpcRefusal(inner.message, inner.data)
    throw problem('rpc-garbage', `RPC ${name} gave an answer to ${method} that is not JSON-RPC`, error)
  }
}

/** The node's own error object, wherever ethers has put it. */
function innerError(error: unknown): { message: string; data: string | undefined } | undefined {
  if (isError(error, 'CALL_EXCEPTION')) {
    const message = (error.info?.error as { message?: unknown } | undefined)?.message
    return { message: typeof message === 'string' ? message : error.shortMessage, data: error.data ?? undefined }
  }
  const carrier = error as { error?: unknown; info?: { error?: unknown } } | undefined
  const own = (carrier?.info?.error ?? carrier?.error) as { message?: unknown; data?: unknown } | undefined
  if (typeof own !== 'object' || own === null || typeof own.message !== 'string') return undefined
  return { message: own.message.slice(0, 500), data: typeof own.data === 'string' ? own.data : undefined }
}

export function problem(code: string, message: string, cause?: unknown): FishermanError {
  return new FishermanError({ code, message, blame: 'ours', ...(cause === undefined ? {} : { cause }) })
}
