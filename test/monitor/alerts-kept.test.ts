import { mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { SILENT } from '../../src/base/log.ts'
import { openAlertBook } from '../../src/monitor/alerts/book.ts'
import { NO_MEMORY } from '../../src/monitor/alerts/rules.ts'
import type { Alert, Notice } from '../../src/monitor/alerts/types.ts'
import { createWebhook } from '../../src/monitor/alerts/webhook.ts'
import { scratchFolder } from '../helpers/scratch.ts'
import { until } from '../node/net.ts'

// An alert is told: with a full disk, with a webhook that is away, and over a restart.

const folder = scratchFolder('kept')
let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const alert = (id: string): Alert => ({ id, kind: 'paused', severity: 'warning', says: `${id} is so`, do: 'look' })
const round = (alerts: string[], news: string[] = []) => ({
  ...{ alerts: alerts.map(alert), news: news.map(alert), memory: NO_MEMORY, sight: new Map([['contracts', true]]) },
})
const told = (notices: readonly Notice[]) => notices.map(({ state, alert }) => `${state} ${alert.id}`)

function logged() {
  const lines: string[] = []
  const say = (text: string, fields?: object) => void lines.push(`${text} ${JSON.stringify(fields)}`)
  return { lines, log: { ...SILENT, info: say, error: say } }
}

/** A webhook that takes what comes, or answers with what `status` says. */
async function hookAt(status: (id: string) => number): Promise<{ url: string; got: string[] }> {
  const got: string[] = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { state, id } = JSON.parse(body) as { state: string; id: string }
      const code = status(id)
      if (code === 200) got.push(`${state} ${id}`)
      response.writeHead(code).end()
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got }
}

describe('a state that cannot be written', () => {
  it('holds no alert back, is told once, and is written when there is room again', () => {
    const { lines, log } = logged()
    const path = join(folder, 'full', 'state.json')
    // A folder in the place of the file that is written first: no write succeeds, whoever runs this.
    mkdirSync(`${path}.new`, { recursive: true })
    const book = openAlertBook({ path, scope: '1:0xa', forwards: false }, { log })
    expect(told(book.take(round(['x'], ['n']), 1_000))).toEqual(['raised x', 'news n'])
    expect(told(book.take(round(['x', 'y'], ['n']), 2_000))).toEqual(['raised y'])
    expect(lines).toEqual([expect.stringMatching(/cannot be kept .*state\.json: EISDIR.*make room/)])
    rmSync(`${path}.new`, { recursive: true })
    book.take(round(['x', 'y']), 3_000)
    expect(lines[1]).toMatch(/can be kept again/)
    const next = openAlertBook({ path, scope: '1:0xa', forwards: false }, { log })
    expect(told(next.take(round(['x', 'y'], ['n']), 4_000))).toEqual([])
  })
})

describe('news that is seen again in each round', () => {
  it('is told once, also where a flood of others came between, and over a restart', () => {
    const path = join(folder, 'flood.json')
    const open = () => openAlertBook({ path, scope: '1:0xa', forwards: false }, { log: SILENT })
    let book = open()
    book.take(round([], ['evasion']), 1_000)
    for (const part of [1, 2]) {
      const flood = Array.from({ length: 3_000 }, (_, i) => `${part}-${i}`)
      expect(book.take(round([], ['evasion', ...flood]), 2_000)).toHaveLength(3_000)
    }
    book = open()
    expect(book.take(round([], ['evasion']), 3_000)).toEqual([])
  })
})

describe('a webhook that is away', () => {
  it('gets after a restart what it did not take before it, first and in order', async () => {
    const path = join(folder, 'away.json')
    let isAway = true
    const { url, got } = await hookAt(() => (isAway ? 503 : 200))
    const start = () => {
      const stop = new AbortController()
      const book = openAlertBook({ path, scope: '1:0xa', forwards: true }, { log: SILENT })
      const deps = { clock: systemClock, log: SILENT, signal: stop.signal, onDone: book.delivered }
      const hook = createWebhook({ url, source: 'test', firstWaitMs: 20 }, deps)
      for (const notice of book.undelivered()) hook.send(notice)
      return { stop, book, hook }
    }
    const first = start()
    for (const notice of first.book.take(round(['x'], ['n']), 1_000)) first.hook.send(notice)
    first.stop.abort()
    await first.hook.idle()
    isAway = false
    const second = start()
    for (const notice of second.book.take(round([]), 2_000)) second.hook.send(notice)
    await second.hook.idle()
    expect(got).toEqual(['raised x', 'news n', 'over x'])
    // What was taken is not sent again.
    expect(start().book.undelivered()).toEqual([])
  })

  it('is waited for by two hundred notices; beyond that the oldest is given up, and told', async () => {
    const { lines, log } = logged()
    const path = join(folder, 'many.json')
    let isAway = true
    let tries = 0
    const { url, got } = await hookAt(() => {
      tries++
      return isAway ? 503 : 200
    })
    const book = openAlertBook({ path, scope: '1:0xa', forwards: true }, { log })
    const { signal } = new AbortController()
    const hook = createWebhook(
      { url, source: 'test', firstWaitMs: 20 },
      { clock: systemClock, log, signal, onDone: book.delivered },
    )
    const news = Array.from({ length: 203 }, (_, i) => `n${i}`)
    for (const notice of book.take(round([], news), 1_000)) hook.send(notice)
    expect(told(book.undelivered())).toEqual(news.slice(3).map((id) => `news ${id}`))
    expect(lines.length).toBe(3)
    expect(lines[0]).toMatch(/could not be delivered .*more than 200 wait.*n0 is so/)
    // What is under way while it is given up may still arrive.
    await until(() => tries > 0)
    isAway = false
    await until(() => got.length === 200)
    expect(got).toEqual(news.slice(3).map((id) => `news ${id}`))
  })

  it('is told of after an hour, and holds what comes; what it will never take does not hold up the rest', async () => {
    const { lines, log } = logged()
    let answers: Record<string, number> = { a: 503 }
    const { url, got } = await hookAt((id) => answers[id] ?? 200)
    // Each look at the clock is half an hour later.
    let nowMs = 0
    const clock = { ...systemClock, monotonicMs: () => (nowMs += 1_800_000) }
    const hook = createWebhook({ url, source: 'test', firstWaitMs: 5 }, { clock, log, signal: new AbortController().signal })
    for (const id of ['a', 'bad', 'c']) hook.send({ state: 'raised', alert: alert(id), sinceMs: 0 })
    await until(() => lines.length === 1)
    expect(lines[0]).toMatch(/has taken nothing for an hour/)
    answers = { bad: 400 }
    await hook.idle()
    expect(got).toEqual(['raised a', 'raised c'])
    expect(lines.slice(1)).toEqual([expect.stringMatching(/could not be delivered .*answered 400.*bad is so/)])
  })
})
