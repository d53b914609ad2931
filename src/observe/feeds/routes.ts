import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { HttpApp, HttpReply, HttpRequest } from '../../base/http.ts'
import type { Guard } from '../api/guard.ts'
import { Problem, sendProblem, statusOf } from '../api/problem.ts'
import { createFeedAnswers } from './answers.ts'
import { authBody, postedStat, statsQuery, webhookQuery } from './queries.ts'
import type { FeedSource } from './source.ts'

export interface FeedRoutesDeps {
  source: FeedSource
  guard: Guard
  clock: Clock
  randomId(): string
  onError(error: unknown): void
}

/** Gateways ask for scores every ten minutes and for the list each minute; both may be a minute old. */
const CACHE = 'private, max-age=60'
/** Milliseconds that one answer is made once: a hundred gateways cost as much as one. */
const MADE_FOR_MS = 5_000
const MADE_KEPT = 64

/** Scores in the shapes that Livepeer's gateways, Explorer and exporters read already. Behind the same guard as the API. */
export function feedRoutes({ source, guard, clock, randomId, onError }: FeedRoutesDeps): (app: HttpApp) => void {
  const answers = createFeedAnswers(source)
  const made = new Map<string, { atMs: number; body: string }>()

  function bodyOf(key: string, make: () => unknown): string {
    const known = made.get(key)
    if (known && clock.monotonicMs() - known.atMs < MADE_FOR_MS) return known.body
    const body = JSON.stringify(make())
    made.delete(key)
    made.set(key, { atMs: clock.monotonicMs(), body })
    for (const oldest of made.keys()) {
      if (made.size <= MADE_KEPT) break
      made.delete(oldest)
    }
    return body
  }

  function takeStat(request: HttpRequest): { message: string } {
    const { post, region } = source
    if (!post) throw new Problem(404, 'no measurements are taken here; scores.postSecretFile lets a stream tester send them')
    const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0)
    if (!isSignedBy(post.secret, body, request.headers.authorization ?? ''))
      throw new Problem(401, 'Authorization must be the hex HMAC-SHA256 of the body with the agreed secret')
    const stat = parsed(postedStat, jsonOf(body))
    if (stat.region !== region) throw new Problem(400, `region: this fisherman measures from ${region} only`)
    post.take(stat)
    return { message: 'taken' }
  }

  /** What holds for all of them. */
  function guarded(app: HttpApp, admit: (request: HttpRequest) => void): void {
    app.setErrorHandler((error: unknown, _request, reply) => {
      if (statusOf(error) >= 500 && !(error instanceof Problem)) onError(error)
      return sendProblem(reply.header('cache-control', 'no-store'), error)
    })
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-content-type-options', 'nosniff')
      guard.host(request)
      admit(request)
    })
  }

  return (root) => {
    root.register(async (app) => {
      guarded(app, guard.admit)
      const get = <S extends z.ZodType>(path: string, schema: S, make: (query: z.output<S>) => unknown) =>
        app.get(path, async (request, reply) => {
          const query = parsed(schema, request.query)
          return send(
            request,
            reply,
            bodyOf(`${path}?${JSON.stringify(query)}`, () => make(query)),
          )
        })
      get('/api/aggregated_stats', statsQuery, answers.aggregated)
      get('/api/raw_stats', statsQuery, answers.raw)
      get('/api/regions', statsQuery, answers.regions)
      get('/api/pipelines', statsQuery, answers.pipelines)
      get('/webhook/orchestrators', webhookQuery, answers.orchestrators)
      app.post('/webhook/auth', { bodyLimit: 8 * 1024 }, async (request, reply) =>
        reply.header('cache-control', 'no-store').send(answers.auth(parsed(authBody, request.body), randomId)),
      )
    })
    root.register(async (app) => {
      // Who posts shows the agreed secret instead of the token, and signs the bytes as they came.
      guarded(app, guard.throttle)
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
      app.post('/api/post_stats', { bodyLimit: 64 * 1024 }, async (request, reply) =>
        reply.header('cache-control', 'no-store').send(takeStat(request)),
      )
    })
  }
}

function parsed<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0] ?? { path: [], message: 'not understood' }
  throw new Problem(400, `${path.join('.') || 'the request'}: ${message}`)
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new Problem(400, 'the request: is no JSON')
  }
}

function isSignedBy(secret: string, body: Buffer, authorization: string): boolean {
  const wanted = createHmac('sha256', secret).update(body).digest()
  const given = /^[0-9a-f]{64}$/i.test(authorization) ? Buffer.from(authorization, 'hex') : Buffer.alloc(wanted.length)
  return timingSafeEqual(wanted, given)
}

function send(request: HttpRequest, reply: HttpReply, body: string): HttpReply {
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
  reply.header('cache-control', CACHE).header('etag', tag)
  const asked = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''))
  return asked.includes(tag) ? reply.code(304).send() : reply.type('application/json').send(body)
}
