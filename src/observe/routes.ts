import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../proofs/types.ts'
import type { HttpApp, HttpReply, HttpRequest } from '../base/http.ts'
import { BUNDLE_ENDING, PRIVATE_ENDING } from '../prooflog/evidence.ts'
import type { Guard } from './api/guard.ts'
import { sendProblem } from './api/problem.ts'
import type { FileDesk } from './files.ts'
import type { Metrics } from './metrics.ts'

export interface DaemonRoutesDeps {
  bundleDir: string
  /** May everybody have this evidence? An accused that learns of it too early takes its deposit away. */
  isPublic(evidenceHash: Hex): boolean
  metrics: Metrics
  /** Shows metrics to other machines without the token: verdicts are in them before they are public. */
  openMetrics?: boolean
  /** One line that says why the daemon is not ready, or undefined. */
  ready(): string | undefined
}

type Deps = DaemonRoutesDeps & { guard: Guard; files: FileDesk }

/** What a daemon answers to monitors, and its case bundles, once they are public, to everybody: an accused node has no token. */
export function daemonRoutes(deps: Deps): (app: HttpApp) => void {
  return (app) => {
    app.get('/healthz', async () => ({ ok: true }))
    app.get('/readyz', (_request, reply) => {
      const reason = deps.ready()
      return reply.code(reason ? 503 : 200).send(reason ? { ready: false, reason } : { ready: true })
    })
    app.register(async (guarded) => {
      guarded.setErrorHandler((error: unknown, _request, reply) => sendProblem(reply, error))
      guarded.get('/metrics', async (request, reply) => {
        deps.guard.host(request)
        if (deps.openMetrics) deps.guard.throttle(request)
        else deps.guard.admit(request)
        return reply.type('text/plain; version=0.0.4').send(await deps.metrics.render())
      })
      guarded.get('/fisherman/v1/bundles/:hash', async (request, reply) => await sendBundle(deps, request, reply))
    })
  }
}

async function sendBundle(
  { bundleDir, isPublic, guard, files }: Deps,
  request: HttpRequest,
  reply: HttpReply,
): Promise<HttpReply> {
  guard.throttle(request)
  const isTrusted = guard.isTrusted(request)
  const { hash } = request.params as { hash: string }
  if (!isHash(hash)) return reply.code(400).send({ error: 'an evidence hash is 0x and 64 lower-case hex digits' })
  const none = { error: 'this fisherman has no such bundle' }
  // Before the disk is looked at: whether we hold it must not be told by the time that it takes either.
  if (!isTrusted && !isPublic(hash)) return reply.code(404).send(none)
  const file = join(bundleDir, `${hash}${BUNDLE_ENDING}`)
  const info = await stat(file).catch(() => undefined)
  if (await stat(`${file}${PRIVATE_ENDING}`).catch(() => undefined))
    return reply
      .code(403)
      .send({ error: 'this is evidence of a private stream: members get it over their own streams, nobody else' })
  if (!info) return reply.code(404).send(none)
  return files.send(request, reply.type('application/x-tar'), file, info.size)
}

function isHash(text: string): text is Hex {
  return /^0x[0-9a-f]{64}$/.test(text)
}
