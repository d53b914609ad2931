import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpRequest } from '../../src/base/http.ts'
import { lookAtDaemon } from '../../src/monitor/alerts/daemon.ts'
import { judge, NO_MEMORY, THRESHOLDS } from '../../src/monitor/alerts/rules.ts'
import { targetOf } from '../../src/monitor/alerts/target.ts'
import type { DaemonLook, Observation } from '../../src/monitor/alerts/types.ts'
import { createGuard } from '../../src/observe/api/guard.ts'
import type { Problem } from '../../src/observe/api/problem.ts'

// A daemon as another machine sees it: its own guard decides who is answered.

const TOKEN = 'a-token-of-sixteen/+:%'
const always = { take: () => true, allows: () => true, size: () => 0 }
const guarded = (token?: string) =>
  createGuard({ host: '127.0.0.1', ...(token ? { token } : {}) }, { requests: always, logins: always })
let guard = guarded(TOKEN)
/** Answers of a path that are not the daemon's own. */
let other: Record<string, { status: number; body?: string }> = {}
let server: Server
let url: string

beforeAll(async () => {
  server = createServer((request, response) => {
    const told = other[request.url ?? '']
    if (told) return response.writeHead(told.status).end(told.body ?? '')
    if (request.url !== '/api/v1/summary') return response.end('{}')
    try {
      guard.admit({ ip: '192.0.2.1', headers: request.headers, socket: request.socket } as unknown as HttpRequest)
      response.end(JSON.stringify({ checked: 3, orchestrators: { '0x1': { receipts: 4 }, '0x2': { receipts: 5 } } }))
    } catch (error) {
      response.writeHead((error as Problem).status).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server?.close())

const look = (address: string, token?: string) => lookAtDaemon(targetOf(address, token), new AbortController().signal)
const alertsOf = (daemon: DaemonLook) => {
  const seen: Observation = {
    ...{ nowSec: 100, headAgeSec: 1, trouble: undefined, cases: [], alarms: [], paused: false, parameters: {} },
    ...{ daemons: [daemon], balances: [], falseProofs: [] },
  }
  return judge(seen, NO_MEMORY, THRESHOLDS).alerts
}
const withUser = (user: string) => url.replace('://', `://${user}@`)

describe('a daemon on another machine', () => {
  it('tells its counts to who has the token: by a file, or as a user or a password in the address', async () => {
    const told = { url, state: 'ready', checked: 3, receipts: 9 }
    const typed = encodeURIComponent(TOKEN)
    expect(await look(`${url}/`, TOKEN)).toEqual(told)
    for (const user of [typed, `any:${typed}`, `:${typed}`]) expect(await look(withUser(user))).toEqual(told)
  })

  it('refuses who has none or another one: a warning that says what to do, and never that it is down', async () => {
    for (const daemon of [await look(url), await look(withUser('any:wrong')), await look(url, 'wrong')]) {
      const [alert, ...more] = alertsOf(daemon)
      expect(more).toEqual([])
      expect(alert).toMatchObject({ id: `daemon-refused:${url}`, severity: 'warning' })
      expect(alert?.says).toMatch(/does not let us ask \(401\): whether it judges anything cannot be seen/)
      expect(alert?.do).toMatch(/give the token of its http\.tokenFile with --token-file/)
      expect(JSON.stringify([daemon, alert])).not.toContain('wrong')
    }
    guard = guarded()
    const [alert] = alertsOf(await look(url))
    guard = guarded(TOKEN)
    expect(alert).toMatchObject({ kind: 'daemon-refused', do: expect.stringMatching(/set http\.tokenFile on that machine/) })
  })

  it.each(['/healthz', '/readyz'])('that stands behind a gate which refuses %s is refused, and not down', async (path) => {
    other = { [path]: { status: 403 } }
    const alerts = alertsOf(await look(url, TOKEN))
    other = {}
    expect(alerts.map(({ kind }) => kind)).toEqual(['daemon-refused'])
  })

  it.each([
    [{ status: 404 }, /answered 404/],
    [{ status: 200, body: '{"ok":true}' }, /is not what a daemon of this version tells/],
    [{ status: 200, body: '<html>' }, /did not answer with JSON/],
  ])('whose summary cannot be read (%j) does not look well', async (answer, says) => {
    other = { '/api/v1/summary': answer }
    const [alert] = alertsOf(await look(url, TOKEN))
    other = {}
    expect(alert).toMatchObject({ id: `daemon-unread:${url}`, severity: 'warning', says: expect.stringMatching(says) })
  })

  it('is not ready where it says so, and down where nothing answers, without a word of its token', async () => {
    other = { '/readyz': { status: 503, body: '{"reason":"no bond in the registry"}' } }
    expect(await look(url, TOKEN)).toMatchObject({ state: 'not-ready', says: 'no bond in the registry', checked: 3 })
    other = { '/readyz': { status: 502, body: '<html>' } }
    expect(await look(url, TOKEN)).toMatchObject({ state: 'not-ready', says: 'it answered 502' })
    other = {}
    const [down] = alertsOf(await look('http://any:SECRET@127.0.0.1:9'))
    expect(down).toMatchObject({ id: 'daemon-down:http://127.0.0.1:9', severity: 'critical' })
    expect(JSON.stringify(down)).not.toContain('SECRET')
  })
})
