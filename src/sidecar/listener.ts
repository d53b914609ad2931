import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createH2, createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { type AddressInfo, createServer as createNet, type Socket } from 'node:net'
import { FishermanError, messageOf } from '../base/errors.ts'
import { PASSING_BYTES } from './upstream.ts'

export type Request = IncomingMessage | Http2ServerRequest
export type Response = ServerResponse | Http2ServerResponse

export interface ListenerInit {
  host: string
  port: number
  /** PEM of key and certificate; without one it speaks plain HTTP, and HTTP/2 to whoever begins with it. */
  tls?: { key: string; cert: string }
  onRequest(request: Request, response: Response): void
  /** Milliseconds that a client has for its headers; 20,000 by default. */
  headersMs?: number
}

export interface Listener {
  readonly port: number
  close(): Promise<void>
}

/** Bytes of all headers: an order and a payment of many tickets, base64, are some 30 KiB; Go's own limit is 1 MiB. */
const MAX_HEADER_BYTES = 256 * 1024
/** A client that takes longer for its headers holds a connection for nothing. */
const HEADERS_MS = 20_000
/** As go-livepeer's own: a connection that we closed while a gateway sends its next segment would cost that segment. */
const IDLE_MS = 10 * 60_000
/** What an HTTP/2 client says first. */
const PREFACE = Buffer.from('PRI * HTTP/2.0')

/** One port for HTTP/1.1, HTTP/2 and gRPC, as go-livepeer has it. */
export async function listen(init: ListenerInit): Promise<Listener> {
  const { host, port, tls, onRequest } = init
  const headersMs = init.headersMs ?? HEADERS_MS
  const times = { highWaterMark: PASSING_BYTES, headersTimeout: headersMs, requestTimeout: 0, keepAliveTimeout: IDLE_MS }
  const sockets = new Set<Socket>()
  const settings = { settings: { maxHeaderListSize: MAX_HEADER_BYTES } }
  const server = tls
    ? Object.assign(
        createSecureServer({ ...tls, ...settings, ...checks(headersMs), allowHTTP1: true } as object, onRequest as never),
        times,
      )
    : sniffing(onRequest, settings, times)
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // A stranger who hangs up is no event of ours.
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new FishermanError({
          code: 'sidecar-listen',
          message: `cannot listen on ${host}:${port} (${messageOf(cause)}); stop the program that holds it, or choose another with --listen`,
          blame: 'ours',
          cause,
        }),
      ),
    )
    server.listen(port, host, () => resolve())
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Without TLS nobody says which HTTP comes: the first bytes do. */
function sniffing(onRequest: ListenerInit['onRequest'], settings: object, times: { headersTimeout: number }) {
  const one = createHttp({ ...times, ...checks(times.headersTimeout) }, onRequest)
  const two = createH2(settings, onRequest)
  two.on('sessionError', () => undefined)
  one.on('clientError', (_, socket) => socket.destroy())
  const net = createNet({ highWaterMark: PASSING_BYTES }, (socket) => {
    const early = setTimeout(() => socket.destroy(), times.headersTimeout)
    socket.once('readable', () => {
      clearTimeout(early)
      const first = socket.read() as Buffer | null
      if (!first) return void socket.destroy()
      socket.unshift(first)
      const isTwo = PREFACE.subarray(0, first.length).equals(first.subarray(0, PREFACE.length))
      ;(isTwo ? two : one).emit('connection', socket)
    })
    socket.once('close', () => clearTimeout(early))
  })
  // It does not listen itself, and would never look for clients that are slow with their headers.
  net.once('listening', () => one.emit('listening'))
  net.once('close', () => one.close(() => undefined))
  return net
}

function checks(headersMs: number): object {
  return { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: Math.ceil(headersMs / 4) }
}

/** A call of gRPC: HTTP/2, and says so. */
export function isCall(request: Request): request is Http2ServerRequest {
  return 'stream' in request && /^application\/grpc/.test(String(request.headers['content-type']))
}
