import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hash } from '../helpers/fixtures.ts'
import { openSite } from './site.ts'

const TOKEN = 'a-token-of-the-test'
const [HIDDEN, SHOWN, NONE] = [hash(1), hash(2), hash(3)]
const home = mkdtempSync(join(tmpdir(), 'fisherman-test-routes-'))
const app = fastify()
let site: Awaited<ReturnType<typeof openSite>>

beforeAll(async () => {
  for (const evidenceHash of [HIDDEN, SHOWN]) writeFileSync(join(home, `${evidenceHash}.fishbundle`), 'evidence')
  site = await openSite({
    ...{ bundleDir: home, ready: () => 'no chain', isPublic: (evidenceHash) => evidenceHash !== HIDDEN },
    http: { host: '127.0.0.1', token: TOKEN },
  })
  site.routes(app)
})
afterAll(async () => {
  await app.close()
  await site?.stop()
  rmSync(home, { recursive: true, force: true })
})

const asked = async (url: string, headers: Record<string, string> = {}, remoteAddress = '192.0.2.1') =>
  await app.inject({ url, remoteAddress, headers: { host: '192.0.2.9', ...headers } })

it('monitors and accused nodes need no token', async () => {
  expect((await asked('/healthz')).statusCode).toBe(200)
  expect((await asked('/readyz')).json()).toEqual({ ready: false, reason: 'no chain' })
  expect((await asked(`/fisherman/v1/bundles/0x${'0'.repeat(64)}`)).statusCode).toBe(404)
  expect((await asked('/fisherman/v1/bundles/..%2f..%2fetc%2fpasswd')).statusCode).toBe(400)
})

describe('a web page that points its own name at this machine', () => {
  const by = async (url: string, host: string, remoteAddress: string, headers = {}) =>
    (await asked(url, { host, ...headers }, remoteAddress)).statusCode
  const bundle = `/fisherman/v1/bundles/${SHOWN}`
  it.each(['evil.example', 'evil.example:7936', '127.0.0.1.evil.example', 'evil.', 'fisherman:7936'])(
    'is told nothing by the name %j',
    async (host) => {
      for (const url of ['/metrics', bundle]) expect(await by(url, host, '127.0.0.1'), url).toBe(421)
    },
  )
  it('learns nothing from what everybody may ask, by any name', async () => {
    expect(await by('/healthz', 'probe.example', '192.0.2.1')).toBe(200)
    expect(await by('/readyz', 'probe.example', '192.0.2.1')).toBe(503)
    expect(await by(bundle, 'fisherman.example:7936', '192.0.2.1')).toBe(200)
  })
  it('is not a neighbour that asks by a name of the network, as a Prometheus in a compose file does', async () => {
    const token = { authorization: `Bearer ${TOKEN}` }
    expect(await by('/metrics', 'fisherman:7936', '172.18.0.3', token)).toBe(200)
    expect(await by('/metrics', 'fisherman:7936', '172.18.0.3')).toBe(401)
    expect(await by('/metrics', 'evil.example', '172.18.0.3', token)).toBe(421)
  })
})

// They answered everybody once: verdicts are in them before their answers are sealed.
describe('metrics', () => {
  it('are told to this machine, and to others with the token', async () => {
    expect((await asked('/metrics', {}, '127.0.0.1')).body).toContain('fisherman_ready')
    expect((await asked('/metrics', { authorization: `Bearer ${TOKEN}` })).statusCode).toBe(200)
    const refused = await asked('/metrics')
    expect([refused.statusCode, refused.json().detail]).toEqual([
      401,
      expect.stringMatching(/^send the token of http\.tokenFile/),
    ])
    expect((await asked('/metrics', { 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1')).statusCode).toBe(401)
  })
  it.each([
    [{}, 403],
    [{ openMetrics: true }, 200],
  ])('with %o and no token others get %d', async (http, status) => {
    const other = fastify()
    const alone = await openSite({ http: { host: '0.0.0.0', ...http } })
    alone.routes(other)
    const { statusCode, body } = await other.inject({
      url: '/metrics',
      remoteAddress: '192.0.2.1',
      headers: { host: '192.0.2.9' },
    })
    expect([statusCode, body]).toEqual([
      status,
      status === 200 ? expect.stringContaining('fisherman_ready') : expect.stringContaining('http.tokenFile'),
    ])
    await other.close()
    await alone.stop()
  })
})

it('the summary counts bundles and names none', async () => {
  const { body } = await asked('/api/v1/summary', {}, '127.0.0.1')
  expect(JSON.parse(body)).toMatchObject({ bundles: 2 })
  expect(body).not.toContain(SHOWN)
})

describe('a bundle', () => {
  const bundle = async (evidenceHash: string, headers?: Record<string, string>, remoteAddress?: string) =>
    await asked(`/fisherman/v1/bundles/${evidenceHash}`, headers, remoteAddress)

  it('that is public goes to everybody', async () => {
    const { statusCode, body, headers } = await bundle(SHOWN)
    expect([statusCode, body, headers['content-type']]).toEqual([200, 'evidence', 'application/x-tar'])
  })
  it('that is not public yet cannot be told from one that is not there', async () => {
    const [hidden, none] = [await bundle(HIDDEN), await bundle(NONE)]
    expect(hidden.statusCode).toBe(404)
    const { date: _, ...headers } = hidden.headers
    expect([hidden.body, headers]).toEqual([none.body, expect.objectContaining(headers)])
  })
  it('goes to this machine and to who has the token at any time, in a header or in the cookie of the page', async () => {
    expect((await bundle(HIDDEN, {}, '127.0.0.1')).body).toBe('evidence')
    expect((await bundle(HIDDEN, { authorization: `Bearer ${TOKEN}` })).body).toBe('evidence')
    expect((await bundle(HIDDEN, { authorization: 'Bearer another-token-of-it' })).statusCode).toBe(404)
    const { headers } = await app.inject({
      ...{ method: 'POST', url: '/api/v1/session', remoteAddress: '192.0.2.1', payload: { token: TOKEN } },
      headers: { host: '192.0.2.9' },
    })
    // The browser sends it where bundles are, too.
    const [cookie, path] = /^(\S+);.*; Path=(\S+)$/.exec(String(headers['set-cookie']))?.slice(1) ?? []
    expect(`/fisherman/v1/bundles/${HIDDEN}`.startsWith(path ?? 'none')).toBe(true)
    expect((await bundle(HIDDEN, { cookie: cookie ?? '' })).body).toBe('evidence')
  })
})
