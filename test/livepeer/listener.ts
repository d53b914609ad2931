import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createH2, createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { type AddressInfo, createServer as createNet, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What the two halves of a node's one port do: calls of gRPC, and everything else. */
export interface NodeHandlers {
  /** Bytes of the answer; what it throws goes out as go-livepeer's errors do, as UNKNOWN with words. */
  call(method: string, message: Buffer): Promise<Uint8Array>
  http(request: IncomingMessage, response: ServerResponse): Promise<void> | void
}

export interface NodeListener {
  origin: string
  close(): Promise<void>
}

/** gRPC and HTTP/1.1 on one port of this machine: in the open, or with a certificate that is made now, as real nodes do at each start. */
export async function listenAsNode(handlers: NodeHandlers, options: { tls: boolean }): Promise<NodeListener> {
  const plain: RequestListener = (request, response) => {
    Promise.resolve(handlers.http(request, response)).catch(() => response.destroy())
  }
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  }
  const server = options.tls ? await encrypted(handlers, plain) : sniffing(handlers, plain)
  server.on('connection', keep)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http${options.tls ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function encrypted(handlers: NodeHandlers, plain: RequestListener) {
  const server = createSecureServer({ ...(await certificate()), allowHTTP1: true })
  server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    if (request.httpVersionMajor === 2) void answerCall(handlers, request, response)
    else plain(request as unknown as IncomingMessage, response as unknown as ServerResponse & { req: IncomingMessage })
  })
  server.on('sessionError', () => undefined)
  return server
}

/** Without TLS the first bytes say which of the two it is. */
function sniffing(handlers: NodeHandlers, plain: RequestListener) {
  const one = createServer(plain)
  const two = createH2((request, response) => void answerCall(handlers, request, response))
  two.on('sessionError', () => undefined)
  return createNet((socket) => {
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null
      if (!first) return
      socket.unshift(first)
      ;(first.toString('latin1').startsWith('PRI') ? two : one).emit('connection', socket)
    })
  })
}

async function answerCall(handlers: NodeHandlers, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
  try {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    response.writeHead(200, { 'content-type': 'application/grpc' })
    const bytes = await handlers.call(request.url.split('/').at(-1) ?? '', Buffer.concat(parts).subarray(5))
    const head = Buffer.alloc(5)
    head.writeUInt32BE(bytes.length, 1)
    response.addTrailers({ 'grpc-status': '0' })
    response.end(Buffer.concat([head, bytes]))
  } catch (error) {
    if (response.stream?.destroyed) return
    response.addTrailers({ 'grpc-status': '2', 'grpc-message': encodeURIComponent((error as Error).message) })
    response.end()
  }
}

/** A self-signed certificate of its own key, as real nodes make one at each start. */
export async function certificate(): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'fisherman-cert-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const what = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '365']
    await promisify(execFile)('openssl', ['req', ...what, '-subj', '/CN=node', '-keyout', key, '-out', cert])
    return { key: await readFile(key), cert: await readFile(cert) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
