import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type HttpServer, startHttp } from '../../src/base/http.ts'
import { keccakOf } from '../../src/base/keccak.ts'
import { SILENT } from '../../src/base/log.ts'
import { createQueue, type WorkQueue } from '../../src/base/queue.ts'
import { createJudge } from '../../src/judge.ts'
import { createSeenBook, type SeenBook } from '../../src/seen/book.ts'
import { donorsOf, readDonors } from '../../src/seen/donors.ts'
import { createReceiver, type ReceiveInit } from '../../src/seen/receive.ts'
import { hlsFolder } from './hls.ts'

const TOKEN = 'a'.repeat(40)
const OTHER = 'b'.repeat(40)
const START_MS = 1_700_000_000_000

let folder: string
let media: { source: Buffer; good: Buffer; wrong: Buffer }
beforeAll(async () => {
  const hls = hlsFolder()
  folder = await mkdtemp(join(tmpdir(), 'fisherman-test-receive-'))
  const read = (name: string) => readFileSync(join(hls, name))
  media = { source: read('source/0.ts'), good: read('P240p/0.ts'), wrong: read('wrong/0.ts') }
}, 120_000)
afterAll(async () => await rm(folder, { recursive: true, force: true }))

let bench:
  | { http: HttpServer; queue: WorkQueue; book: SeenBook; media: string; clock: { ms: number }; refused: string[] }
  | undefined
afterEach(async () => {
  await bench?.http.stop()
  await bench?.queue.stop()
  bench = undefined
})

async function receiver(init: Partial<ReceiveInit> = {}, limit = 4) {
  const clock = { ms: START_MS }
  const place = join(folder, randomUUID())
  const queue = createQueue({ concurrency: limit === 0 ? 0 : 1, limit, onError: (error) => expect(error).toBeUndefined() })
  const book = createSeenBook()
  const refused: string[] = []
  const routes = await createReceiver(
    { folder: place, quotaBytes: 1e9, ...init },
    {
      clock: { nowMs: () => clock.ms, monotonicMs: () => clock.ms },
      ...{ log: SILENT, book, queue, onRefused: (code: string) => void refused.push(code) },
      donors: donorsOf([
        { name: 'one', token: TOKEN },
        { name: 'two', token: OTHER },
      ]),
      judge: createJudge({ scratchDir: join(folder, 'judge'), maxJobs: 1 }),
    },
  )
  const http = await startHttp({ host: '127.0.0.1', port: 0, routes })
  bench = { http, queue, book, media: place, clock, refused }
  return bench
}

async function eventOf(rendition: Buffer, changes: Record<string, unknown> = {}) {
  return {
    ...{ id: randomUUID(), timeMs: START_MS + 1, manifestId: 'secret-stream', seq: 7 },
    source: { contentHash: await keccakOf(media.source) },
    renditions: [{ contentHash: await keccakOf(rendition), profile: { width: 426, height: 240, bitrate: 400_000, fps: 0 } }],
    orchestrator: { address: `0x${'Ab'.repeat(20)}`, uri: 'https://10.0.0.1:8935' },
    latency: { uploadMs: 10, transcodeMs: 300, downloadMs: 20, totalMs: 330 },
    ...changes,
  }
}

interface Sending {
  token?: string | undefined
  parts?: [string, string | Buffer][]
}

async function donate(event: unknown, rendition: Buffer, { token = TOKEN, parts }: Sending = {}) {
  const form = new FormData()
  const usual: [string, string | Buffer][] = [
    ['event', JSON.stringify(event)],
    ['source', media.source],
    ['rendition-0', rendition],
  ]
  for (const [name, value] of parts ?? usual)
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new Blob([new Uint8Array(value)]), 'x.ts')
  const response = await fetch(`${bench?.http.url}/donations/v1/segments`, {
    ...{ method: 'POST', body: form, headers: { authorization: `Bearer ${token}` } },
  })
  return {
    status: response.status,
    retry: response.headers.get('retry-after'),
    body: (await response.json()) as { error?: string },
  }
}

const left = (place: string) => (existsSync(place) ? readdirSync(place, { recursive: true }) : [])

describe('donated segments', { timeout: 60_000 }, () => {
  it('are judged, and nothing of the media stays or is served', async () => {
    const { book, queue, media: place, http } = await receiver()
    const good = await eventOf(media.good)
    const wrong = await eventOf(media.wrong)
    expect((await donate(good, media.good)).status).toBe(202)
    expect((await donate(wrong, media.wrong)).status).toBe(202)
    await queue.idle()
    expect(book.newest(9).map(({ verdicts }) => verdicts.map(({ outcome }) => outcome))).toEqual([['fail'], ['pass']])
    expect(left(place)).toEqual([])
    const ask = async (token: string) =>
      await fetch(`${http.url}/donations/v1/results/${wrong.id}`, { headers: { authorization: `Bearer ${token}` } })
    const text = await (await ask(TOKEN)).text()
    expect(JSON.parse(text)).toMatchObject({ from: 'donated', seq: 7, orchestrator: `0x${'ab'.repeat(20)}`, missing: null })
    // Names of streams and files tell who watches what.
    expect(text).not.toMatch(/secret-stream|\/tmp|10\.0\.0\.1/)
    expect(text.length).toBeLessThan(4_000)
    // Another donor has no business with it.
    expect((await ask(OTHER)).status).toBe(404)
    expect((await ask('c'.repeat(40))).status).toBe(401)
  })

  it('are refused where the bytes are not those of the event', async () => {
    const { media: place, book, refused } = await receiver()
    const answer = await donate(await eventOf(media.good), media.wrong)
    expect(answer).toMatchObject({ status: 422, body: { error: expect.stringMatching(/rendition-0/) } })
    expect([left(place), book.newest(9), refused]).toEqual([[], [], ['donation-lying-hash']])
  })

  it('are taken once, within five minutes of our clock, and not from before the start', async () => {
    const { queue, clock } = await receiver()
    const event = await eventOf(media.good)
    expect((await donate(event, media.good)).status).toBe(202)
    expect((await donate(event, media.good)).status).toBe(409)
    // Names are each donor's own.
    expect((await donate(event, media.good, { token: OTHER })).status).toBe(202)
    expect((await donate(await eventOf(media.good, { timeMs: START_MS - 1 }), media.good)).status).toBe(409)
    clock.ms += 300_002
    expect((await donate(await eventOf(media.good), media.good)).status).toBe(409)
    expect((await donate({ ...event, timeMs: clock.ms }, media.good)).status).toBe(409)
    await queue.idle()
  })

  it('may be sent again when they did not come whole', async () => {
    const { queue } = await receiver()
    const event = await eventOf(media.good)
    expect((await donate(event, media.wrong)).status).toBe(422)
    expect((await donate(event, media.good)).status).toBe(202)
    await queue.idle()
  })

  it.each([
    ['no event first', 400, [['source', Buffer.from('x')]]],
    ['no JSON', 400, [['event', '{']]],
    ['a huge event', 413, [['event', ' '.repeat(40_000)]]],
    ['a foreign field', 400, [['other', '1']]],
    ['no media', 400, [['event', undefined]]],
    [
      'a rendition that the event does not name',
      400,
      [
        ['event', undefined],
        ['rendition-1', Buffer.from('x')],
      ],
    ],
    [
      'the source twice',
      400,
      [
        ['event', undefined],
        ['source', Buffer.from('x')],
        ['source', Buffer.from('x')],
      ],
    ],
    [
      'a name that leads elsewhere',
      400,
      [
        ['event', undefined],
        ['../../source', Buffer.from('x')],
      ],
    ],
    [
      'a file that is too large',
      413,
      [
        ['event', undefined],
        ['source', Buffer.alloc(200_000)],
      ],
    ],
  ] as [string, number, [string, string | Buffer | undefined][]][])(
    'with %s are refused, and leave nothing',
    async (_, status, given) => {
      const { media: place } = await receiver({ fileBytes: 100_000 })
      const event = JSON.stringify(await eventOf(media.good))
      const parts = given.map(([name, value]): [string, string | Buffer] => [name, value ?? event])
      expect((await donate(undefined, media.good, { parts })).status).toBe(status)
      expect(left(place)).toEqual([])
    },
  )

  it('are put off where there is no room, no queue, or too many of them', async () => {
    const { media: place } = await receiver({ quotaBytes: 1_000 })
    expect(await donate(await eventOf(media.good), media.good)).toMatchObject({ status: 503, retry: '5' })
    expect(left(place)).toEqual([])
    await bench?.http.stop()
    const full = await receiver({ rate: { burst: 2, everyMs: 3_000 } }, 0)
    expect(await donate(await eventOf(media.good), media.good)).toMatchObject({ status: 503, retry: '5' })
    expect(await donate(await eventOf(media.good), media.good)).toMatchObject({ status: 503 })
    expect(await donate(await eventOf(media.good), media.good)).toMatchObject({ status: 429, retry: '3' })
    expect(left(full.media)).toEqual([])
  })

  it('are no larger together than four files, also where nobody says their length before', async () => {
    const { media: place, http } = await receiver({ fileBytes: 70_000 })
    const names = ['source', 'rendition-0', 'rendition-1', 'rendition-2', 'rendition-3']
    const event = await eventOf(media.good)
    const renditions = [0, 1, 2, 3].map(() => event.renditions[0])
    const part = (name: string, body: string, file = '; filename="x"') =>
      `--b\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${body}\r\n`
    const form = [
      part('event', JSON.stringify({ ...event, renditions }), ''),
      ...names.map((name) => part(name, 'x'.repeat(60_000))),
      '--b--\r\n',
    ]
    const response = await fetch(`${http.url}/donations/v1/segments`, {
      ...{ method: 'POST', body: new Blob(form).stream(), duplex: 'half' },
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'multipart/form-data; boundary=b' },
    } as RequestInit)
    expect(response.status).toBe(413)
    expect(await response.text()).toMatch(/at most 280000 bytes/)
    expect(left(place)).toEqual([])
  })

  it('are refused before their body where the token is wrong', async () => {
    await receiver()
    expect((await donate(await eventOf(media.good), media.good, { token: 'c'.repeat(40) })).status).toBe(401)
    expect((await donate(await eventOf(media.good), media.good, { token: '' })).status).toBe(401)
  })

  it('that break off in the middle leave nothing, and the receiver goes on', async () => {
    const { media: place, http, queue } = await receiver()
    const port = Number(new URL(http.url).port)
    const event = JSON.stringify(await eventOf(media.good))
    const head = `POST /donations/v1/segments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 900000\r\n\r\n`
    const form = `--b\r\ncontent-disposition: form-data; name="event"\r\n\r\n${event}\r\n--b\r\ncontent-disposition: form-data; name="source"; filename="s"\r\n\r\n`
    for (const cut of [head.length, head.length + 30, head.length + form.length, head.length + form.length + 50_000]) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      await new Promise<void>((resolve) => socket.write((head + form + 'x'.repeat(60_000)).slice(0, cut), () => resolve()))
      await new Promise((resolve) => setTimeout(resolve, 100))
      socket.destroy()
    }
    await expect.poll(() => left(place)).toEqual([])
    expect((await donate(await eventOf(media.good), media.good)).status).toBe(202)
    await queue.idle()
  })
})

describe('the token file', () => {
  it('is for its owner alone, and names each donor once', async () => {
    const file = join(folder, 'tokens')
    await writeFile(file, `# gateways\none ${TOKEN}\n\ntwo ${OTHER}\n`, { mode: 0o600 })
    const donors = readDonors(file)
    expect(donors.names()).toEqual(['one', 'two'])
    expect([donors.of(`Bearer ${OTHER}`), donors.of(TOKEN), donors.of(undefined)]).toEqual(['two', undefined, undefined])
    await chmod(file, 0o644)
    expect(() => readDonors(file)).toThrow(/chmod 600/)
    await chmod(file, 0o600)
    for (const bad of ['one short', `one ${TOKEN}\none ${OTHER}`, `one ${TOKEN}\ntwo ${TOKEN}`, '']) {
      await writeFile(file, bad)
      expect(() => readDonors(file)).toThrow(/token file/)
    }
  })
})
