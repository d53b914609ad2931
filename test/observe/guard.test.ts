import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { startHttp } from '../../src/base/http.ts'
import { readPeers } from '../../src/monitor/net/ask.ts'
import { createGuard, type GuardInit } from '../../src/observe/api/guard.ts'
import { openSite } from './site.ts'

// Who is taken for this machine, and what commands on it say where they are not.

const TOKEN = 'a-token-of-the-test'
const home = mkdtempSync(join(tmpdir(), 'fisherman-test-guard-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const always = { take: () => true } as never
const guardOf = (init: Partial<GuardInit> = {}) =>
  createGuard({ host: '127.0.0.1', ...init }, { requests: always, logins: always })
const from = (ip: string, localAddress?: string, headers: Record<string, string> = {}) =>
  ({ ip, socket: { localAddress }, headers: { host: '127.0.0.1', ...headers } }) as never

describe('this machine', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.7', '::ffff:127.0.0.1'],
    ['::1', '::1'],
    ['192.168.1.5', '192.168.1.5'],
    ['::ffff:192.168.1.5', '192.168.1.5'],
    ['fd00::2', 'fd00::2'],
  ])('is who asks from %s at %s', (ip, at) => {
    expect(() => guardOf().admit(from(ip, at))).not.toThrow()
  })
  it.each([
    ['192.168.1.6', '192.168.1.5'],
    ['192.168.1.6', undefined],
    ['10.127.0.1', '10.0.0.1'],
    ['fd00::3', 'fd00::2'],
  ])('is not who asks from %s at %s', (ip, at) => {
    expect(() => guardOf().admit(from(ip, at))).toThrow(/on the machine itself only/)
    expect(() => guardOf({ token: TOKEN }).admit(from(ip, at))).toThrow(/send the token/)
  })
})

describe('behind a proxy on this machine', () => {
  it.each(['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Real-IP', 'Via'])(
    'who asks with %s needs the token',
    (name) => {
      const asked = (more = {}) => from('127.0.0.1', '127.0.0.1', { [name.toLowerCase()]: '127.0.0.1', ...more })
      expect(() => guardOf().admit(asked())).toThrow(/on the machine itself only/)
      expect(() => guardOf({ token: TOKEN }).admit(asked())).toThrow(/send the token/)
      expect(() => guardOf({ token: TOKEN }).admit(asked({ authorization: `Bearer ${TOKEN}` }))).not.toThrow()
    },
  )
  it('that adds none of these, http.trustLocal: false asks everybody for the token', () => {
    const guard = guardOf({ token: TOKEN, trustLocal: false })
    expect(() => guard.admit(from('127.0.0.1', '127.0.0.1'))).toThrow(/send the token/)
    expect(() => guard.admit(from('127.0.0.1', '127.0.0.1', { authorization: `Bearer ${TOKEN}` }))).not.toThrow()
  })
})

/** A folder whose daemon answers there. */
function announced(http: string, more: Record<string, unknown> = {}): string {
  const folder = mkdtempSync(join(home, 'data-'))
  writeFileSync(join(folder, 'daemon.json'), JSON.stringify({ pid: process.pid, http, ...more }))
  return folder
}
const signal = AbortSignal.timeout(60_000)

const outside = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

it.skipIf(outside === undefined)('commands reach a daemon that listens on an address of the network alone', async () => {
  const host = outside as string
  const site = await openSite({ http: { host, token: TOKEN }, peers: () => [] })
  const http = await startHttp({ host, port: 0, routes: site.routes })
  try {
    expect(await readPeers(announced(http.url), { signal })).toEqual([])
  } finally {
    await http.stop()
    await site.stop()
  }
})

it('commands send the token that the daemon names, and say why they could not', async () => {
  const site = await openSite({ http: { host: '127.0.0.1', token: TOKEN, trustLocal: false }, peers: () => [] })
  try {
    const tokenFile = join(home, 'token')
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
    expect(await readPeers(announced(site.url, { tokenFile }), { signal })).toEqual([])
    const missing = readPeers(announced(site.url, { tokenFile: join(home, 'none') }), { signal })
    await expect(missing).rejects.toThrow(
      / runs, and takes us for another machine, and its token cannot be read: http\.tokenFile /,
    )
  } finally {
    await site.stop()
  }
})

it.each([401, 403])('a daemon that refuses with %d is not called dead', async (status) => {
  const http = await startHttp({
    ...{ host: '127.0.0.1', port: 0 },
    routes: (app) => app.get('/api/v1/peers', async (_request, reply) => reply.code(status).send({})),
  })
  try {
    const asked = readPeers(announced(http.url), { signal })
    await expect(asked).rejects.toThrow(/^the fisherman at http:\/\/127\.0\.0\.1:\d+ runs, and /)
  } finally {
    await http.stop()
  }
})
