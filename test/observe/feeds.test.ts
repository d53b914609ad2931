import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import * as schema from '../../src/observe/api/schemas.ts'
import { manifestOf, uriOf } from '../../src/observe/feeds/answers.ts'
import type { FeedSource, RawStat } from '../../src/observe/feeds/source.ts'
import { NO_FACTS, type NodeFacts } from '../../src/score/score.ts'
import { PRESETS } from '../../src/score/weights.ts'
import { createGateway } from '../score/gateway.ts'
import { openSite } from './site.ts'

const address = (i: number): Hex => `0x${i.toString(16).padStart(40, '0')}`
const [GOOD, SLOW, NEW, CHEAT, HIDES, ODD] = [1, 2, 3, 4, 5, 6].map(address) as [Hex, Hex, Hex, Hex, Hex, Hex]
const NOW = 2_000_000_000
const uri = (i: number) => `https://node-${i}.example:8935`
const raw: RawStat = {
  ...{
    region: 'FRA',
    orchestrator: GOOD,
    success_rate: 1,
    round_trip_time: 0.8,
    errors: [],
    timestamp: NOW - 5,
    seg_duration: 2,
  },
  ...{ segments_sent: 15, segments_received: 15, upload_time: 0.1, download_time: 0.1, transcode_time: 0.6 },
}
let isKnown = true
const posted: RawStat[] = []
const asked: { sinceSec: number; untilSec: number }[] = []
const nodes = new Map<Hex, Partial<NodeFacts>>([
  [GOOD, { pass: 100, trips: { count: 5, roundTripSec: 0.8, segmentSec: 2 }, quality: 0.5 }],
  [SLOW, { pass: 99, fail: 1, trips: { count: 5, roundTripSec: 3, segmentSec: 2 }, quality: 0.9 }],
  [NEW, {}],
  [CHEAT, { pass: 500, isConvicted: true }],
  [HIDES, { pass: 90, withheld: 10 }],
  [ODD, { pass: 3 }],
])
const source: FeedSource = {
  ...{ region: 'FRA', presets: new Map(Object.entries(PRESETS)), verificationFreq: 10, nowSec: () => NOW },
  facts(span) {
    asked.push(span)
    return isKnown ? new Map([...nodes].map(([who, facts]) => [who, { ...NO_FACTS, ...facts }])) : undefined
  },
  serviceUris: () =>
    new Map([
      ...[GOOD, SLOW, NEW, CHEAT, HIDES].map((who, i) => [who, uri(i + 1)] as const),
      [ODD, 'javascript:alert(1)'] as const,
    ]),
  raw: (who) => (who === GOOD ? [raw] : []),
  post: { secret: 'a-secret-of-sixteen', take: (stat) => void posted.push(stat) },
}

let site: Awaited<ReturnType<typeof openSite>>
let guarded: Awaited<ReturnType<typeof openSite>>
beforeAll(async () => {
  site = await openSite({ scores: source, requests: { burst: 100_000, everyMs: 1 } })
  guarded = await openSite({
    scores: source,
    http: { host: '127.0.0.1', token: 'a-token-of-sixteen' },
    requests: { burst: 3, everyMs: 60_000 },
  })
})
afterAll(async () => {
  await site?.stop()
  await guarded?.stop()
})
let bust = 0
/** Each question is a new one: answers are made once in some seconds. */
const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${site.url}${path}${path.includes('?') ? '&' : '?'}region=FRA&since=${NOW - 1000 - bust++}`, init)
const json = async (path: string) => await (await ask(path)).json()
const list = async (query = '') =>
  (await (await fetch(`${site.url}/webhook/orchestrators${query}`)).json()) as { address: string; score: number }[]

describe('GET /api/aggregated_stats', () => {
  it("has Livepeer's shape, numbers only, all nodes, and the region's name", async () => {
    const response = await fetch(`${site.url}/api/aggregated_stats`)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(response.headers.get('cache-control')).toBe('private, max-age=60')
    const map = await response.json()
    expect(Object.keys(map).sort()).toEqual([...nodes.keys()].sort())
    expect(Object.keys(map[GOOD])).toEqual(['FRA'])
    expect(Object.keys(map[GOOD].FRA).slice(0, 3)).toEqual(['success_rate', 'round_trip_score', 'score'])
    expect(map[GOOD].FRA).toMatchObject({
      success_rate: 1,
      round_trip_score: expect.closeTo(1 - Math.exp(-2.5), 12),
      n: 100,
      known: 1,
    })
    expect([CHEAT, HIDES].map((who) => map[who].FRA.score)).toEqual([0, 0])
    expect(map[NEW].FRA).toMatchObject({ score: 1, known: 0, n: 0, success_low: 0, success_high: 1 })
    for (const regions of Object.values(map) as Record<string, Record<string, unknown>>[])
      for (const stats of Object.values(regions)) for (const value of Object.values(stats)) expect(typeof value).toBe('number')
  })
  it('routes a gateway that reads it away from the cheat and from who hides, and past neither the new nor the good', async () => {
    const gateway = createGateway('FRA')
    expect(gateway.readStats(await (await ask('/api/aggregated_stats')).text())).toBe(true)
    expect(gateway.filter([...nodes.keys()], 0.5)).toEqual([GOOD, NEW, ODD])
  })
  it("takes Livepeer's parameters: one node, a span, another region, AI work, empty ones; and ours", async () => {
    expect(Object.keys(await json(`/api/aggregated_stats?orchestrator=${GOOD.toUpperCase().replace('0X', '0x')}`))).toEqual([
      GOOD,
    ])
    await (await fetch(`${site.url}/api/aggregated_stats?since=17&until=18`)).text()
    expect(asked.at(-1)).toEqual({ sinceSec: 17, untilSec: 18 })
    expect(await (await fetch(`${site.url}/api/aggregated_stats?region=MDW`)).json()).toEqual({})
    expect(await json('/api/aggregated_stats?pipeline=text-to-image&model=x')).toEqual({})
    expect(Object.keys(await json('/api/aggregated_stats?orchestrator=&pipeline=&model=')).length).toBe(nodes.size)
    expect(Object.keys(await json('/api/aggregated_stats?unknown=omit')).sort()).toEqual([GOOD, SLOW, CHEAT, HIDES].sort())
    const fast = await json('/api/aggregated_stats?preset=low-latency')
    const archive = await json('/api/aggregated_stats?preset=archive')
    expect(fast[GOOD].FRA.score).toBeGreaterThan(fast[SLOW].FRA.score)
    expect(archive[GOOD].FRA.score).toBeLessThan(archive[SLOW].FRA.score)
  })
  it.each([
    ['orchestrator=0x12', /^orchestrator: must be an address/],
    ['preset=fast', /there are low-latency, archive, balanced/],
    ['floor=2', /^floor: /],
    ['since=yesterday', /^since: must be Unix seconds/],
    ['unknown=maybe', /^unknown: /],
  ])('refuses %s with a problem that a gateway does not take for scores', async (query, says) => {
    const response = await fetch(`${site.url}/api/aggregated_stats?${query}`)
    expect(response.status).toBe(400)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const body = await response.text()
    expect(JSON.parse(body).detail).toMatch(says)
    const gateway = createGateway('FRA')
    expect([gateway.readStats(body), gateway.scores.size]).toEqual([false, 0])
  })
  it('says 503 while not all nodes are known: a part would shut out the rest', async () => {
    isKnown = false
    const responses = await Promise.all([ask('/api/aggregated_stats'), ask('/webhook/orchestrators?top=7')])
    isKnown = true
    expect(responses.map(({ status }) => status)).toEqual([503, 503])
  })
  it('sends the same answer once', async () => {
    const url = `${site.url}/api/aggregated_stats`
    const tag = (await fetch(url)).headers.get('etag') ?? ''
    expect((await fetch(url, { headers: { 'if-none-match': tag } })).status).toBe(304)
  })
})

describe('the other questions of a leaderboard', () => {
  it('raw_stats by region, and only of one node', async () => {
    expect(await json(`/api/raw_stats?orchestrator=${GOOD}`)).toEqual({ FRA: [raw] })
    expect(await json(`/api/raw_stats?orchestrator=${SLOW}`)).toEqual({})
    expect((await ask('/api/raw_stats')).status).toBe(400)
  })
  it('regions and pipelines', async () => {
    expect(await json('/api/regions')).toEqual({ regions: [{ id: 'FRA', name: 'FRA', type: 'transcoding' }] })
    expect(await json('/api/pipelines')).toEqual({ pipelines: [] })
  })
})

describe('the discovery webhook', () => {
  it('lists who may get work, best first, with the scores that a gateway looks for', async () => {
    expect(await list()).toEqual([1, 2, 3].map((i) => ({ address: uri(i), score: 1 })))
    expect((await list('?preset=archive')).map(({ address: where }) => where)).toEqual([2, 1, 3].map(uri))
    expect(await list('?top=1&unknown=omit')).toEqual([{ address: uri(1), score: 1 }])
    const gateway = createGateway('FRA')
    const body = await (await fetch(`${site.url}/webhook/orchestrators?trust=known`)).text()
    expect(gateway.readList(body)).toEqual({ trusted: [uri(1), uri(2)], untrusted: [uri(3)] })
  })
  it('passes on plain addresses of web servers only', () => {
    expect(uriOf('https://a.example:8935/')).toBe('https://a.example:8935')
    for (const bad of [
      '',
      'x',
      'ftp://a.example',
      'https://u:p@a.example',
      'https://a.example/?q',
      'https://a.example/#x',
      `https://${'a'.repeat(300)}`,
    ])
      expect(uriOf(bad), bad).toBeUndefined()
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.string()), (text) => {
        const found = uriOf(text)
        if (found !== undefined) expect(uriOf(found)).toBe(found)
      }),
    )
  })
})

describe('the auth webhook', () => {
  const post = (body: string) =>
    fetch(`${site.url}/webhook/auth`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  it('names the stream and how often to verify', async () => {
    const response = await post(JSON.stringify({ url: 'http://gateway:8935/live/movie/12.ts' }))
    expect(await response.json()).toEqual({ manifestID: 'movie', verificationFreq: 10 })
    const odd = (await (await post(JSON.stringify({ url: '../../etc' }))).json()) as { manifestID: string }
    expect(odd.manifestID).toMatch(/^[0-9a-f-]{36}$/)
  })
  it('asks for no verification where one trusted and two others are not to be had', async () => {
    const old = nodes.get(NEW)
    nodes.set(NEW, { pass: 30 })
    const { verificationFreq } = (await (await post('{"url":"rtmp://x/movie/key"}')).json()) as { verificationFreq: number }
    nodes.set(NEW, old ?? {})
    expect(verificationFreq).toBe(0)
  })
  it('takes the name that the gateway itself would take', () => {
    expect(
      [
        'rtmp://h/movie/key',
        'http://h/live/movie/0.ts',
        'http://h/live/movie',
        'http://h/live/a%2fb/1.ts',
        'http://h/',
        'live/x',
      ].map(manifestOf),
    ).toEqual(['movie', 'movie', 'movie', undefined, undefined, undefined])
  })
  it.each(['', '{}', '[]', 'null', '{"url":5}', '{"url":', JSON.stringify({ url: 'x'.repeat(9000) })])(
    'refuses %.20s',
    async (body) => {
      expect((await post(body)).status).toBeGreaterThanOrEqual(400)
      expect((await post(body)).status).toBeLessThan(500)
    },
  )
})

describe('POST /api/post_stats', () => {
  const post = (body: string, secret = 'a-secret-of-sixteen', type = 'application/json') =>
    fetch(`${site.url}/api/post_stats`, {
      method: 'POST',
      headers: { 'content-type': type, authorization: createHmac('sha256', secret).update(body).digest('hex') },
      body,
    })
  it("takes what Livepeer's stream tester measured, and only from who has the secret", async () => {
    expect((await post(JSON.stringify({ ...raw, errors: null }))).status).toBe(200)
    expect(posted).toEqual([raw])
    expect((await post(JSON.stringify(raw), 'another-secret-here')).status).toBe(401)
    expect((await fetch(`${site.url}/api/post_stats`, { method: 'POST', body: '{}' })).status).toBe(401)
    expect(posted.length).toBe(1)
  })
  it.each([
    ['another region', JSON.stringify({ ...raw, region: 'MDW' })],
    ['no JSON', '{'],
    ['no body', ''],
    ['a node that is none', JSON.stringify({ ...raw, orchestrator: 'me' })],
    ['a time below 0', JSON.stringify({ ...raw, round_trip_time: -1 })],
    ['text for a number', JSON.stringify({ ...raw, seg_duration: '2' })],
    ['a success above 1', JSON.stringify({ ...raw, success_rate: 1.5 })],
  ])('refuses %s', async (_, body) => {
    expect((await post(body)).status).toBe(400)
    expect((await post(body, undefined, 'text/plain')).status).toBe(400)
    expect(posted.length).toBe(1)
  })
})

describe('GET /api/v1/scores', () => {
  it('says in words what the feeds say in numbers', async () => {
    const table = schema.scores.parse(await (await fetch(`${site.url}/api/v1/scores?preset=archive`)).json())
    expect(table.items.map(({ address: who, tier }) => [who, tier])).toEqual([
      [SLOW, 'known'],
      [GOOD, 'known'],
      [CHEAT, 'convicted'],
      [HIDES, 'failing'],
      [NEW, 'unknown'],
      [ODD, 'unknown'],
    ])
    expect(table.items[3]).toMatchObject({ because: '10 of 100 samples were withheld or had no receipt', score: 0 })
    expect(table.items[4]).toMatchObject({ score: null, n: 0, low: 0, high: 1 })
    expect((await fetch(`${site.url}/api/v1/scores?preset=x`)).status).toBe(400)
  })
})

describe('who may ask', () => {
  it('the same as the API: by name, often, and from elsewhere with the token, which a gateway carries in the address', async () => {
    const { createGuard } = await import('../../src/observe/api/guard.ts')
    const always = { take: () => true } as never
    const guard = createGuard({ host: '127.0.0.1', token: 'a-token-of-sixteen' }, { requests: always, logins: always })
    const from = (authorization?: string) =>
      ({ ip: '10.0.0.9', socket: {}, headers: authorization ? { authorization } : {} }) as never
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
    expect(() => guard.admit(from(basic('gateway:a-token-of-sixteen')))).not.toThrow()
    for (const wrong of [undefined, basic('gateway:another'), basic('a-token-of-sixteen'), 'Basic %%%'])
      expect(() => guard.admit(from(wrong))).toThrow(/token/)
    const codes = await Promise.all(
      Array.from({ length: 5 }, async () => (await fetch(`${guarded.url}/webhook/orchestrators`)).status),
    )
    expect(codes.sort()).toEqual([200, 200, 200, 429, 429])
  })
  it('hostile questions: an answer or a problem, never a fault of ours', async () => {
    const paths = [
      '/api/aggregated_stats',
      '/api/raw_stats',
      '/api/regions',
      '/api/pipelines',
      '/webhook/orchestrators',
      '/webhook/auth',
    ]
    const keys = [
      'orchestrator',
      'region',
      'since',
      'until',
      'preset',
      'floor',
      'unknown',
      'top',
      'trust',
      'pipeline',
      '__proto__',
      'constructor',
    ]
    const value = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom('__proto__', 'toString', '-1', '1e999', 'NaN', '0x', '%00', GOOD, '[]', '{}'),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 5 }),
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
        async (path, pairs, method) => {
          const query = pairs.map(([key, text]) => `${key}=${encodeURIComponent(text)}`).join('&')
          const response = await fetch(`${site.url}${path}?${query}`, { method })
          const body = await response.text()
          expect(response.status, `${method} ${path}?${query}: ${body}`).toBeLessThan(500)
          if (response.status === 200 && path !== '/webhook/orchestrators')
            expect(Object.getPrototypeOf(JSON.parse(body))).toBe(Object.prototype)
        },
      ),
      { numRuns: 600 },
    )
  }, 60_000)
})
