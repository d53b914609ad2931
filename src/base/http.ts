import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { FishermanError, isFishermanError, messageOf } from './errors.ts'

export type { FastifyReply as HttpReply, FastifyRequest as HttpRequest } from 'fastify'
/** The server as routes see it: fastify's own interface, so that its documentation applies. */
export type HttpApp = FastifyInstance

export interface HttpServer {
  /** http://host:port as bound; the port is the real one also when 0 was asked for. */
  readonly url: string
  stop(): Promise<void>
}

export interface HttpServerInit {
  host: string
  /** 0 picks a free port. */
  port: number
  /** Bytes of a request body at most. */
  bodyLimit?: number
  routes(app: HttpApp): void
}

/** Starts the one HTTP server that a process has. Errors of ours are answered without their inside. */
export async function startHttp(init: HttpServerInit): Promise<HttpServer> {
  const app = fastify({
    bodyLimit: init.bodyLimit ?? 64 * 1024,
    // A client that sends its request slower than this is cut off (slow loris).
    requestTimeout: 30_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    // Addresses that cannot be read reach no route, and so no error handler of one.
    frameworkErrors: (error, _request, reply) => {
      const status = statusOf(error)
      const problem = { type: 'about:blank', title: 'Bad request', status, detail: 'this address cannot be read' }
      void (reply as unknown as FastifyReply).code(status).type('application/problem+json').send(JSON.stringify(problem))
    },
  })
  app.setErrorHandler((error: unknown, _request: FastifyRequest, reply: FastifyReply) => {
    const status = statusOf(error)
    void reply.code(status).send({ error: status < 500 ? messageOf(error) : 'internal error' })
  })
  app.setNotFoundHandler((_request, reply) => void reply.code(404).send({ error: 'not found' }))
  init.routes(app)
  try {
    await app.listen({ host: init.host, port: init.port })
  } catch (cause) {
    throw new FishermanError({
      code: 'http-listen',
      message: `cannot listen on ${init.host}:${init.port} (${messageOf(cause)}); choose another port or stop the program that holds it`,
      blame: 'ours',
      cause,
    })
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : init.port
  return {
    url: `http://${init.host.includes(':') ? `[${init.host}]` : init.host}:${port}`,
    stop: () => app.close(),
  }
}

function statusOf(error: unknown): number {
  if (isFishermanError(error)) return error.blame === 'theirs' ? 400 : 500
  const status = (error as { statusCode?: unknown }).statusCode
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}
