import { createServer } from 'node:http'
import { createServer as createH2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createServer as createNet } from 'node:net'

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
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  const one = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
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
  })
  const two = createH2()
  two.on('stream', (stream) => {
    stream.resume()
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    const head = Buffer.alloc(5)
    head.writeUInt32BE(node.info.length, 1)
    stream.end(Buffer.concat([head, node.info]))
  })
  const sockets = new Set<import('node:net').Socket>()
  const server = createNet((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null
      if (!first) return
      socket.unshift(first)
      ;(first.toString('latin1').startsWith('PRI') ? two : one).emit('connection', socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  node.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return node
}
