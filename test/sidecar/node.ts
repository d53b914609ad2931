import { listenAsNode } from '../livepeer/listener.ts'

/** What an orchestrator would answer, as far as a proxy in front of it can tell: bytes at addresses, one result, one info. */
export interface FakeNode {
  origin: string
  /** Bytes by path. */
  files: Map<string, Buffer>
  /** Body of the next answers to `POST /segment`. */
  result: Buffer
  /** Message of the answers to calls of gRPC. */
  info: Buffer
  /** Segments as they came. */
  segments: { headers: NodeJS.Dict<string | string[]>; body: Buffer }[]
  fetched: string[]
  close(): Promise<void>
}

export async function fakeNode(): Promise<FakeNode> {
  const node: FakeNode = {
    ...{ origin: '', files: new Map(), result: Buffer.alloc(0), info: Buffer.alloc(0), segments: [], fetched: [] },
    close: async () => await listener.close(),
  }
  const listener = await listenAsNode(
    {
      call: async () => node.info,
      async http(request, response) {
        if (request.method === 'POST') {
          const parts: Buffer[] = []
          for await (const part of request) parts.push(part as Buffer)
          node.segments.push({ headers: request.headers, body: Buffer.concat(parts) })
          response.writeHead(200)
          // As go-livepeer: the status goes out before the work.
          response.flushHeaders()
          response.end(node.result)
          return
        }
        node.fetched.push(request.url ?? '')
        const file = node.files.get(request.url ?? '')
        if (!file) return void response.writeHead(404).end('404 page not found')
        response.writeHead(200, { 'content-type': 'video/mp2t', 'content-length': file.length }).end(file)
      },
    },
    { tls: false },
  )
  node.origin = listener.origin
  return node
}
