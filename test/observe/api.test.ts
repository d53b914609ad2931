import { request } from 'node:http'
import fc from 'fast-check'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logLeaf, verifyInclusion } from '../../proofs/log-tree.ts'
import type { Hex } from '../../proofs/types.ts'
import * as schema from '../../src/observe/api/schemas.ts'
import { FAULT, fill, HOSTILE, NODE, openSite, REBUTTAL } from './site.ts'

let site: Awaited<ReturnType<typeof openSite>>
beforeAll(async () => {
  site = await openSite({ requests: { burst: 100_000, everyMs: 1 } })
  await fill(site.log, 30)
})
afterAll(() => site?.stop())

const ask = (path: string, headers: Record<string, string> = {}) => fetch(`${site.url}/api/v1${path}`, { headers })
const json = async (path: string) => await (await ask(path)).json()

describe('the API', () => {
  it('tells the samples page by page, each once, newest first', async () => {
    const seen: number[] = []
    let cursor = ''
    do {
      const { items, next } = schema.samples.parse(await json(`/samples?limit=7${cursor}`))
      seen.push(...items.map(({ seq }) => seq))
      cursor = next === null ? '' : `&cursor=${next}`
    } while (cursor)
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => 29 - i))
    expect(schema.samples.parse(await json('/samples?outcome=fail')).items.map(({ seq }) => seq)).toEqual([29])
  })
  it('shows measures beside their lines, the nearest first', async () => {
    const one = schema.oneSample.parse(await json('/samples/29'))
    expect(one.measures[0]).toMatchObject({ code: 'frame-error', value: 12, clear: 4.5, fraud: 9, frame: 3 })
    expect((await ask('/samples/29/sheet.png')).status).toBe(404)
    expect((await ask('/samples/30')).status).toBe(404)
  })
  it('answers all else by its schema', async () => {
    const summary = schema.summary.parse(await json('/summary'))
    expect(summary).toMatchObject({ today: { checked: 30, found: 1 }, money: { takenWei: '5', gasUsed: '21000' } })
    expect(schema.oneOrchestrator.parse(await json(`/orchestrators/${NODE}`)).history).toHaveLength(30)
    expect(schema.orchestrators.parse(await json('/orchestrators')).items).toHaveLength(1)
    expect(schema.cases.parse(await json('/cases')).items).toMatchObject([{ faultId: FAULT, state: 'answered' }])
    const { timeline, ...story } = schema.caseStory.parse(await json(`/cases/${FAULT}`))
    expect(story).toMatchObject({ rebuttalHash: REBUTTAL, rebuttal: HOSTILE })
    expect(timeline.map(({ what }) => what)).toEqual(['found', 'open', 'open', 'answered'])
    expect(timeline[1]?.tx).toBe(`0x${'ef'.repeat(32)}`)
    schema.peers.parse(await json('/peers'))
    schema.entries.parse(await json('/log?kind=case'))
  })
  it('proves that an entry is in the log', async () => {
    const { text, leaf, seq, size, root, path } = schema.provenEntry.parse(await json('/log/4'))
    expect(logLeaf(new TextEncoder().encode(text))).toBe(leaf)
    expect(verifyInclusion(leaf as Hex, seq, size, path as Hex[], root as Hex)).toBe(true)
    expect((await ask('/log/34')).status).toBe(404)
  })
  it('sends the same answer once', async () => {
    const tag = (await ask('/samples')).headers.get('etag') ?? ''
    expect((await ask('/samples', { 'if-none-match': tag })).status).toBe(304)
    expect((await ask('/samples', { 'if-none-match': '"other"' })).status).toBe(200)
  })
  it('says when the log grows', async () => {
    const response = await ask('/events')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('"size":34')) text += (await reader?.read())?.value ?? ''
    await site.log.append('self-test', {})
    while (!text.includes('"size":35')) text += (await reader?.read())?.value ?? ''
    await reader?.cancel()
  }, 30_000)
})

describe('cases', () => {
  let busy: Awaited<ReturnType<typeof openSite>>
  const faults = Array.from({ length: 60 }, (_, i) => `0x${(i + 1).toString(16).padStart(64, '0')}`)
  const step = (faultId: string | undefined, state: string, more = {}) =>
    busy.log.append('case', { faultId: faultId ?? '', faultClass: 'D2', transcoder: NODE, state, ...more })
  const page = async (query: string) => schema.cases.parse(await (await fetch(`${busy.url}/api/v1/cases?${query}`)).json())
  beforeAll(async () => {
    busy = await openSite({ requests: { burst: 100_000, everyMs: 1 } })
    for (const state of ['found', 'open', 'answered', 'convicted', 'settled'])
      await Promise.all(faults.map((faultId) => step(faultId, state)))
  })
  afterAll(() => busy?.stop())

  it('fill each page, each once over all of them, also while one of them goes on', async () => {
    const newestFirst = faults.toReversed()
    for (const limit of [7, 25, 60]) {
      const seen: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { items, next }: Awaited<ReturnType<typeof page>> = await page(`limit=${limit}${cursor && `&cursor=${cursor}`}`)
        expect(items, 'a page before the end is never empty').not.toHaveLength(0)
        expect(items).toHaveLength(Math.min(limit, faults.length - seen.length))
        seen.push(...items.map(({ faultId }) => faultId))
        cursor = next
      }
      expect(seen).toEqual(newestFirst)
    }
    const { next } = await page('limit=30')
    await step(faults[3], 'refunded')
    const { items } = await page(`limit=30&cursor=${next}`)
    expect(items.map(({ faultId }) => faultId)).toEqual(newestFirst.slice(30))
    expect((await page('limit=1')).items).toMatchObject([{ faultId: faults[3], state: 'refunded' }])
  })

  it('stand where the chain says, with what is known of money and evidence; our own notes are steps like others', async () => {
    const [evidenceHash, fault] = [`0x${'e1'.repeat(32)}`, `0x${'f1'.repeat(32)}`]
    for (const [state, more] of [
      ['found', { evidenceHash }],
      ['convicted', { amount: '7' }],
      ['reported', { observedAt: '5' }],
      ['lost', { finder: NODE }],
    ] as const)
      await step(fault, state, more)
    const expected = { faultId: fault, state: 'convicted', amountWei: '7', evidenceHash }
    expect((await page('limit=1')).items).toEqual([expect.objectContaining(expected)])
    const story = schema.caseStory.parse(await (await fetch(`${busy.url}/api/v1/cases/${fault}`)).json())
    expect(story).toMatchObject(expected)
    expect(story.timeline.map(({ what }) => what)).toEqual(['found', 'convicted', 'reported', 'lost'])
  })
})

describe('who may ask', () => {
  const hostOf = (host: string) =>
    new Promise<number>((resolve, reject) => {
      request(`${site.url}/api/v1/summary`, { headers: { host } }, (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
        .on('error', reject)
        .end()
    })
  it.each([
    ['evil.example', 421],
    ['evil.example:7936', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost:1', 200],
    ['[::1]:7936', 200],
    ['127.0.0.1', 200],
  ])('a request for the host %s gets %d', async (host, status) => {
    expect(await hostOf(host)).toBe(status)
  })
  it('other machines need the token, by header or by cookie', async () => {
    const app = fastify()
    const guarded = await openSite({ http: { host: '0.0.0.0', token: 'a-token-of-the-test' } })
    guarded.routes(app)
    const from = async (headers: Record<string, string>, remoteAddress = '192.0.2.1') =>
      (await app.inject({ url: '/api/v1/peers', remoteAddress, headers: { host: '192.0.2.9', ...headers } })).statusCode
    const forwarded = { 'x-forwarded-for': '127.0.0.1' }
    expect(await from({})).toBe(401)
    expect(await from(forwarded)).toBe(401)
    expect(await from({}, '127.0.0.1')).toBe(200)
    // A proxy on this machine asks for somebody else.
    expect(await from(forwarded, '127.0.0.1')).toBe(401)
    expect(await from({ authorization: 'Bearer wrong' })).toBe(401)
    expect(await from({ authorization: 'Bearer a-token-of-the-test' })).toBe(200)
    const login = async (token: string) =>
      await app.inject({
        method: 'POST',
        url: '/api/v1/session',
        remoteAddress: '192.0.2.1',
        headers: { host: '192.0.2.9' },
        payload: { token },
      })
    const { headers, statusCode } = await login('a-token-of-the-test')
    expect([statusCode, headers['set-cookie']]).toEqual([204, expect.stringMatching(/HttpOnly; SameSite=Strict/)])
    expect(await from({ cookie: String(headers['set-cookie']).split(';')[0] as string })).toBe(200)
    const tries = await Promise.all(Array.from({ length: 6 }, () => login('wrong')))
    expect(tries.map((one) => one.statusCode)).toContain(429)
    await app.close()
    await guarded.stop()
  })
  it('without a token only this machine is answered, and nobody too often', async () => {
    const app = fastify()
    const small = await openSite({ requests: { burst: 3, everyMs: 60_000 } })
    small.routes(app)
    expect(
      (await app.inject({ url: '/api/v1/peers', remoteAddress: '192.0.2.1', headers: { host: '192.0.2.9' } })).statusCode,
    ).toBe(403)
    const headers = { 'x-forwarded-for': '127.0.0.1' }
    expect((await app.inject({ url: '/api/v1/peers', remoteAddress: '127.0.0.2', headers })).statusCode).toBe(403)
    const statuses = []
    for (let i = 0; i < 4; i++) statuses.push((await fetch(`${small.url}/api/v1/peers`)).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    await app.close()
    await small.stop()
  })
})

it('whatever is asked of the whole document, the answer is of it or a problem', async () => {
  const document = (await json('/openapi.json')) as {
    openapi: string
    paths: Record<string, { get: { parameters: { name: string; in: string }[] } }>
  }
  expect(document.openapi).toBe('3.1.0')
  const paths = Object.entries(document.paths)
  expect(paths.length).toBeGreaterThan(10)
  const hostile = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.string({ unit: 'binary', maxLength: 50 }),
    fc.constantFrom(
      '-1',
      '0',
      '5',
      '1e400',
      'NaN',
      '__proto__',
      '../../etc/passwd',
      '%00',
      '999999999999999',
      NODE,
      FAULT,
      'fail',
      "' or 1=1",
    ),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.array(hostile, { minLength: 5, maxLength: 5 }),
      async ([path, { get }], values) => {
        const value = (i: number) => encodeURIComponent(values[i % values.length]?.toWellFormed() ?? '')
        const inPath = get.parameters.filter((one) => one.in === 'path')
        const filled = inPath.reduce((text, { name }, i) => text.replace(`{${name}}`, value(i)), path)
        const query = get.parameters.filter((one) => one.in === 'query').map(({ name }, i) => `${name}=${value(i)}`)
        const response = await ask(`${filled}?${query.join('&')}`)
        const type = response.headers.get('content-type') ?? ''
        const body = await response.text()
        expect(response.status, `${path} ${body}`).toBeLessThan(500)
        if (response.status === 200) expect(type).toMatch(/^(application\/json|image\/png)/)
        else
          expect([type, JSON.parse(body).status]).toEqual([expect.stringMatching(/^application\/problem\+json/), response.status])
      },
    ),
    { numRuns: 400 },
  )
}, 120_000)

it('bodies, methods and addresses that nobody serves get a problem', async () => {
  const post = async (body: string, type = 'application/json') =>
    await fetch(`${site.url}/api/v1/session`, { method: 'POST', body, headers: { 'content-type': type } })
  for (const [response, status] of [
    [await post(JSON.stringify({ token: 'x'.repeat(5_000) })), 413],
    [await post('{'), 400],
    [await post('{}'), 400],
    [await post('<x/>', 'application/xml'), 415],
    [await ask('/nothing'), 404],
    [await ask('/%ff'), 400],
    [await fetch(`${site.url}/api/v1/summary`, { method: 'DELETE' }), 404],
  ] as const) {
    expect([response.status, response.headers.get('content-type')]).toEqual([status, expect.stringContaining('problem+json')])
  }
})
