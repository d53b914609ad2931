import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { HttpApp, HttpReply, HttpRequest } from '../../base/http.ts'
import { type ApiSource, type Endpoint, endpointsOf } from './endpoints.ts'
import type { EventDesk } from './events.ts'
import { COOKIE, type Guard } from './guard.ts'
import { openApiOf } from './openapi.ts'
import { Problem, sendProblem, statusOf } from './problem.ts'

export interface ApiDeps {
  source: ApiSource
  guard: Guard
  events: EventDesk
  version: string
  onError(error: unknown): void
}

export const API = '/api/v1'

/** The read-only API under /api/v1: whatever is asked, the answer is of the document or a problem. */
export function apiRoutes({ source, guard, events, version, onError }: ApiDeps): (app: HttpApp) => void {
  const endpoints = endpointsOf(source)
  const document = JSON.stringify(openApiOf(endpoints, version))
  return (root) => {
    root.register(
      async (app) => {
        app.setErrorHandler((error: unknown, _request, reply) => {
          if (statusOf(error) >= 500 && !(error instanceof Problem)) onError(error)
          return sendProblem(reply, error)
        })
        app.addHook('onRequest', async (request, reply) => {
          reply.header('cache-control', 'no-cache').header('x-content-type-options', 'nosniff')
          guard.host(request)
          if (request.url !== `${API}/session`) guard.admit(request)
        })
        app.setNotFoundHandler((request, reply) => {
          guard.host(request)
          return sendProblem(reply, new Problem(404, `there is no such question; see ${API}/openapi.json`))
        })
        app.addHook('onClose', async () => events.close())
        for (const endpoint of endpoints) app.get(endpoint.path, (request, reply) => answer(endpoint, request, reply))
        app.get('/openapi.json', async (request, reply) => tagged(request, reply, 'application/json', document))
        app.get('/events', (_request, reply) => events.follow(reply))
        app.post('/session', { bodyLimit: 1024 }, async (request, reply) => openSession(guard, request, reply))
      },
      { prefix: API },
    )
  }
}

async function answer(endpoint: Endpoint, request: HttpRequest, reply: HttpReply): Promise<HttpReply> {
  const params = parsed(endpoint.params, request.params)
  const query = parsed(endpoint.query, request.query)
  const found = await endpoint.handle({ params, query })
  if (typeof endpoint.answer === 'string') return tagged(request, reply, endpoint.answer, found as Buffer)
  return tagged(request, reply, 'application/json', JSON.stringify(found))
}

/** Twice the same answer is sent once. */
function tagged(request: HttpRequest, reply: HttpReply, type: string, body: string | Buffer): HttpReply {
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
  reply.header('etag', tag)
  const known = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''))
  if (known.includes(tag)) return reply.code(304).send()
  return reply.type(type).send(body)
}

function parsed(schema: z.ZodObject | undefined, value: unknown): unknown {
  if (!schema) return {}
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0] ?? { path: [], message: 'not understood' }
  throw new Problem(400, `${path.join('.') || 'the request'}: ${message}`)
}

/** A browser gives the token once, and then has a cookie that no script can read. */
function openSession(guard: Guard, request: HttpRequest, reply: HttpReply): HttpReply {
  const body = z.object({ token: z.string().max(512) }).safeParse(request.body)
  if (!body.success) throw new Problem(400, 'send {"token": "…"} as JSON')
  if (!guard.isLoginAllowed(request)) throw new Problem(429, 'too many tries; wait a minute')
  if (!guard.isToken(body.data.token)) throw new Problem(401, 'this is not the token of http.tokenFile')
  return reply
    .header('set-cookie', `${COOKIE}=${encodeURIComponent(body.data.token)}; HttpOnly; SameSite=Strict; Path=/`)
    .code(204)
    .send()
}
