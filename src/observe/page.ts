import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { HttpApp } from '../base/http.ts'
import type { Guard } from './api/guard.ts'
import { Problem, sendProblem } from './api/problem.ts'

/** Files of the page; nothing else of the folder is served. They hold nothing that is secret. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/page/app.js': ['app.js', 'text/javascript; charset=utf-8'],
  '/page/dom.js': ['dom.js', 'text/javascript; charset=utf-8'],
  '/page/views.js': ['views.js', 'text/javascript; charset=utf-8'],
  '/page/player.js': ['player.js', 'text/javascript; charset=utf-8'],
  '/page/proof.js': ['proof.js', 'text/javascript; charset=utf-8'],
  '/page/icon.svg': ['icon.svg', 'image/svg+xml'],
}
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
}

/** The page at /; its files lie beside this one, in the source as in the built program. */
export function pageRoutes(guard: Guard): (app: HttpApp) => void {
  return (root) => {
    root.register(async (app) => {
      app.addHook('onRequest', async (request) => guard.host(request))
      app.setErrorHandler((error: unknown, _request, reply) => sendProblem(reply, error))
      for (const [path, [name, type]] of Object.entries(FILES))
        app.get(path, async (_request, reply) => {
          const file = fileURLToPath(new URL(`./page/${name}`, import.meta.url))
          const bytes = await readFile(file).catch(() => undefined)
          if (!bytes) throw new Problem(404, 'this build carries no page; run `npm run build`')
          return reply.headers(HEADERS).type(type).send(bytes)
        })
    })
  }
}
