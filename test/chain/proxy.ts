import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Call {
  method: string
  params: unknown[]
}

/** What the proxy does to one call: `pass` hands it on; anything else is the answer. */
export type Trick = (call: Call, pass: (changed?: Partial<Call>) => Promise<unknown>) => unknown | Promise<unknown>

export interface RpcProxy {
  url: string
  /** What it does from now on; nothing when undefined. */
  trick: Trick | undefined
  /** Whole answers instead: a web page, or none. */
  body: string | 'never' | undefined
  calls: string[]
  /** HTTP exchanges. */
  requests: number
  close(): void
}

/** A JSON-RPC error as an answer. */
export class Refused {
  constructor(
    readonly message: string,
    readonly code = -32000,
  ) {}
}

/** A proxy before a real node that lies when it is told to. */
export async function startProxy(target: string): Promise<RpcProxy> {
  const proxy: RpcProxy = { url: '', trick: undefined, body: undefined, calls: [], requests: 0, close: () => {} }
  let id = 0
  async function ask(call: Call): Promise<unknown> {
    const response = await fetch(target, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++id, ...call }),
    })
    const answer = (await response.json()) as { result?: unknown; error?: { message: string; code: number; data?: unknown } }
    return answer.error
      ? Object.assign(new Refused(answer.error.message, answer.error.code), { data: answer.error.data })
      : answer.result
  }
  async function one(call: Call & { id: number }): Promise<unknown> {
    proxy.calls.push(call.method)
    const pass = (changed: Partial<Call> = {}) => ask({ method: call.method, params: call.params, ...changed })
    const result = proxy.trick ? await proxy.trick({ method: call.method, params: call.params }, pass) : await pass()
    return { jsonrpc: '2.0', id: call.id, ...(result instanceof Refused ? { error: { ...result } } : { result }) }
  }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', async () => {
      proxy.requests += 1
      if (proxy.body === 'never') return
      if (proxy.body !== undefined) return response.end(proxy.body)
      const value = JSON.parse(body)
      response.end(JSON.stringify(Array.isArray(value) ? await Promise.all(value.map(one)) : await one(value)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  proxy.close = () => {
    server.closeAllConnections()
    server.close()
  }
  return proxy
}
