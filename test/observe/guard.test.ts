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

/** A folder whose daemon answers there. */
function announced(http: string): string {
  const folder = mkdtempSync(join(home, 'data-'))
  writeFileSync(join(folder, 'daemon.json'), JSON.stringify({ pid: process.pid, http }))
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
