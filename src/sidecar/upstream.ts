import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

/** The unmodified node behind us. Its certificate is its own and new at each start: as gateways do, nobody looks at it. */
export interface Upstream {
  /** Begins a request; the body is written by the caller. */
  request(method: string, path: string, headers: OutgoingHttpHeaders): ReturnType<typeof httpRequest>
  /** Begins a call of gRPC. */
  call(headers: OutgoingHttpHeaders): ClientHttp2Stream
  close(): void
}

/**
 * Bytes of one body that may be between our two sockets. With Node's 16 KiB each piece of 64 KiB that a socket brings stops its reader until the other
 * socket has taken it; with more, a segment goes through in a few turns of the loop.
 */
export const PASSING_BYTES = 256 << 10

/** Go's server keeps idle connections for ten minutes; ours go first, since a request on one that is just being closed is lost. */
const AGENT = { keepAlive: true, noDelay: true, timeout: 60_000, highWaterMark: PASSING_BYTES }

export function createUpstream(base: URL): Upstream {
  const isTls = base.protocol === 'https:'
  const agent = isTls ? new HttpsAgent({ ...AGENT, rejectUnauthorized: false }) : new HttpAgent(AGENT)
  let session: ClientHttp2Session | undefined
  return {
    request(method, path, headers) {
      const options = {
        method,
        path,
        headers,
        agent,
        host: base.hostname,
        port: base.port,
        ...(isTls ? { rejectUnauthorized: false } : {}),
      }
      return isTls ? httpsRequest(options) : httpRequest(options)
    },
    call(headers) {
      if (!session || session.closed || session.destroyed) {
        const opened = connect(base.origin, { rejectUnauthorized: false })
        opened.on('error', () => undefined)
        opened.on('goaway', () => opened.close())
        opened.unref()
        session = opened
      }
      return session.request(headers)
    },
    close() {
      session?.destroy()
      agent.destroy()
    },
  }
}

/** Of one hop only; they are not passed on. */
const HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'http2-settings',
])

/** Headers that go through. HTTP/2 has its own ones, that begin with a colon. */
export function endToEnd(headers: IncomingMessage['headers'] | Readonly<Record<string, unknown>>): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => value !== undefined && !name.startsWith(':') && !HOP.has(name)),
  ) as OutgoingHttpHeaders
}
