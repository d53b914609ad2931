import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { HttpApp, HttpReply, HttpRequest } from '../base/http.ts'
import type { Metrics } from './metrics.ts'

export interface DaemonRoutesDeps {
  bundleDir: string
  metrics: Metrics
  /** One line that says why the daemon is not ready, or undefined. */
  ready(): string | undefined
  summary(): Readonly<Record<string, unknown>>
  /** Links to peers. */
  peers(): readonly unknown[]
  /** Why a receipt is looked at, and by whom; undefined for one that is not known here. */
  explain(digest: string): Promise<unknown>
  /** What a doctor of the network wants to know. */
  network(): Readonly<Record<string, unknown>>
}

const HASH = /^0x[0-9a-f]{64}$/

/** What a daemon answers to anybody on its own machine, and its case bundles to everybody. */
export function daemonRoutes(deps: DaemonRoutesDeps): (app: HttpApp) => void {
  return (app) => {
    app.get('/healthz', async () => ({ ok: true }))
    app.get('/readyz', (_request, reply) => {
      const reason = deps.ready()
      return reply.code(reason ? 503 : 200).send(reason ? { ready: false, reason } : { ready: true })
    })
    app.get('/metrics', async (_request, reply) => reply.type('text/plain; version=0.0.4').send(await deps.metrics.render()))
    app.get('/api/v1/summary', async () => ({ ...deps.summary(), bundles: await bundles(deps.bundleDir) }))
    // Where our peers are is nobody's business but this machine's.
    app.get('/api/v1/peers', async (request, reply) => (isLocal(request) ? { peers: deps.peers() } : onlyLocal(reply)))
    app.get('/api/v1/network', async (request, reply) => (isLocal(request) ? deps.network() : onlyLocal(reply)))
    // Whom we were drawn for is private until we answer.
    app.get('/api/v1/receipts/:digest/draws', async (request, reply) => {
      if (!isLocal(request)) return onlyLocal(reply)
      const { digest } = request.params as { digest: string }
      if (!HASH.test(digest)) return reply.code(400).send({ error: 'a receipt digest is 0x and 64 lower-case hex digits' })
      const told = await deps.explain(digest)
      return told ?? reply.code(404).send({ error: 'no feed that is followed here has shown this receipt lately' })
    })
    app.get('/fisherman/v1/bundles/:hash', async (request, reply) =>
      sendBundle(reply, deps.bundleDir, (request.params as { hash: string }).hash),
    )
  }
}

function isLocal({ ip }: HttpRequest): boolean {
  return ip === '::1' || /^(::ffff:)?127\./.test(ip)
}

function onlyLocal(reply: HttpReply): HttpReply {
  return reply.code(403).send({ error: 'this is told on the machine itself only' })
}

async function bundles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => name.endsWith('.fishbundle')).map((name) => name.slice(0, -'.fishbundle'.length))
}

async function sendBundle(reply: HttpReply, folder: string, hash: string): Promise<HttpReply> {
  if (!HASH.test(hash)) return reply.code(400).send({ error: 'an evidence hash is 0x and 64 lower-case hex digits' })
  const file = join(folder, `${hash}.fishbundle`)
  const info = await stat(file).catch(() => undefined)
  if (!info) return reply.code(404).send({ error: 'this fisherman has no such bundle' })
  return reply.header('content-length', info.size).type('application/x-tar').send(createReadStream(file))
}
