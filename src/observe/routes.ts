import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { HttpApp, HttpReply } from '../base/http.ts'
import { BUNDLE_ENDING, PRIVATE_ENDING } from '../prooflog/evidence.ts'
import type { Metrics } from './metrics.ts'

export interface DaemonRoutesDeps {
  bundleDir: string
  metrics: Metrics
  /** One line that says why the daemon is not ready, or undefined. */
  ready(): string | undefined
}

const HASH = /^0x[0-9a-f]{64}$/

/** What a daemon answers to monitors, and its case bundles to everybody: an accused node has no token. */
export function daemonRoutes(deps: DaemonRoutesDeps): (app: HttpApp) => void {
  return (app) => {
    app.get('/healthz', async () => ({ ok: true }))
    app.get('/readyz', (_request, reply) => {
      const reason = deps.ready()
      return reply.code(reason ? 503 : 200).send(reason ? { ready: false, reason } : { ready: true })
    })
    app.get('/metrics', async (_request, reply) => reply.type('text/plain; version=0.0.4').send(await deps.metrics.render()))
    app.get('/fisherman/v1/bundles/:hash', async (request, reply) =>
      sendBundle(reply, deps.bundleDir, (request.params as { hash: string }).hash),
    )
  }
}

async function sendBundle(reply: HttpReply, folder: string, hash: string): Promise<HttpReply> {
  if (!HASH.test(hash)) return reply.code(400).send({ error: 'an evidence hash is 0x and 64 lower-case hex digits' })
  const file = join(folder, `${hash}${BUNDLE_ENDING}`)
  const info = await stat(file).catch(() => undefined)
  if (await stat(`${file}${PRIVATE_ENDING}`).catch(() => undefined))
    return reply
      .code(403)
      .send({ error: 'this is evidence of a private stream: members get it over their own streams, nobody else' })
  if (!info) return reply.code(404).send({ error: 'this fisherman has no such bundle' })
  return reply.header('content-length', info.size).type('application/x-tar').send(createReadStream(file))
}
