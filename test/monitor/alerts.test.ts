import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { SILENT } from '../../src/base/log.ts'
import type { CaseView } from '../../src/chain/types.ts'
import { openAlertBook } from '../../src/monitor/alerts/book.ts'
import { forecastAll, forecastOf } from '../../src/monitor/alerts/forecast.ts'
import { judge, type Memory, NO_MEMORY, THRESHOLDS } from '../../src/monitor/alerts/rules.ts'
import type { Alert, Observation } from '../../src/monitor/alerts/types.ts'
import { bodyOf, createWebhook } from '../../src/monitor/alerts/webhook.ts'
import { hash } from '../helpers/fixtures.ts'
import { until } from '../node/net.ts'

const NODE = `0x${'ab'.repeat(20)}` as const
const one = (change: Partial<CaseView> = {}): CaseView => ({
  ...{
    faultId: hash(1),
    faultClass: 'D2',
    transcoder: NODE,
    receiptDigest: hash(2),
    state: 'open',
    tx: hash(3),
    blockNumber: 9n,
  },
  ...{ answerUntilSec: 200, expiresAtSec: 300 },
  ...change,
})
const seen = (change: Partial<Observation> = {}): Observation => ({
  ...{ nowSec: 100, headAgeSec: 1, trouble: undefined, cases: [], alarms: [], paused: false },
  ...{ parameters: { openBond: '25' }, daemons: [], balances: [], falseProofs: [] },
  ...change,
})
const kinds = (alerts: readonly Alert[]) => alerts.map(({ kind }) => kind)
const standing = (change: Partial<Observation>, memory: Memory = NO_MEMORY) =>
  kinds(judge(seen(change), memory, THRESHOLDS).alerts)

describe('the forecast of a case', () => {
  it.each([
    [{}, 199, { next: 'answer-or-votes', who: 'accused, members', untilSec: 300, idleSec: 0 }],
    [{}, 200, { next: 'votes', who: 'members', untilSec: 300, idleSec: 0 }],
    [{ state: 'answered' as const }, 150, { next: 'votes', who: 'members', untilSec: 300, idleSec: 0 }],
    [{}, 299, { next: 'votes', idleSec: 0 }],
    [{}, 300, { next: 'expire', who: 'anybody', idleSec: 0 }],
    [{}, 360, { next: 'expire', who: 'anybody', idleSec: 60 }],
    [{ state: 'convicted' as const, releaseAtSec: 400 }, 399, { next: 'appeal-or-wait', who: 'nobody', untilSec: 400 }],
    [{ state: 'convicted' as const, releaseAtSec: 400, appellant: NODE }, 399, { next: 'oracle', who: 'oracle', untilSec: 400 }],
    [{ state: 'convicted' as const, releaseAtSec: 400, appellant: NODE }, 450, { next: 'settle', who: 'anybody', idleSec: 50 }],
  ])('%j at %i', (change, nowSec, expected) => {
    expect(forecastOf(one(change), nowSec)).toMatchObject(expected)
  })

  it.each(['settled', 'expired', 'refunded', 'rejected', 'drawn'] as const)('of one that is %s there is none', (state) => {
    expect(forecastOf(one({ state }), 1_000)).toBeUndefined()
  })

  it('puts the most pressing first', () => {
    const cases = [
      one({ faultId: hash(1), expiresAtSec: 900 }),
      one({ faultId: hash(2), expiresAtSec: 600 }),
      one({ faultId: hash(3), expiresAtSec: 400 }),
      one({ faultId: hash(4), expiresAtSec: 450 }),
    ]
    expect(forecastAll(cases, 500).map(({ faultId }) => faultId)).toEqual([3, 4, 2, 1].map((n) => hash(n)))
  })
})

describe('alerts', () => {
  it('stand while a case is idle for longer than the limit, and name the command that ends it', () => {
    const at = 300 + THRESHOLDS.idleSec
    expect(standing({ cases: [one()], nowSec: at - 1 })).toEqual([])
    const [alert] = judge(seen({ cases: [one()], nowSec: at }), NO_MEMORY, THRESHOLDS).alerts
    expect(alert).toMatchObject({ kind: 'case-idle', do: `type fisherman case expire ${hash(1)}` })
    const held = one({ state: 'convicted', releaseAtSec: 300 })
    expect(judge(seen({ cases: [held], nowSec: at }), NO_MEMORY, THRESHOLDS).alerts[0]?.do).toContain('case settle')
  })

  it('say nothing of cases where the chain cannot be followed, and keep what they knew', () => {
    const before: Memory = { ...NO_MEMORY, parameters: { openBond: '25' }, cases: { [hash(1)]: 'open' } }
    const judged = judge(
      seen({ trouble: 'no endpoint answers', cases: [one()], nowSec: 1e9, parameters: {} }),
      before,
      THRESHOLDS,
    )
    expect(kinds(judged.alerts)).toEqual(['chain-trouble'])
    expect(judged.news).toEqual([])
    expect(judged.memory).toMatchObject({ parameters: before.parameters, cases: before.cases })
  })

  it('stand for an old head, a pause, a daemon that is down or not ready, and for little gas', () => {
    expect(standing({ headAgeSec: THRESHOLDS.headAgeSec + 1 })).toEqual(['chain-stale'])
    expect(standing({ headAgeSec: THRESHOLDS.headAgeSec })).toEqual([])
    expect(standing({ paused: true })).toEqual(['paused'])
    const url = 'http://127.0.0.1:7936'
    expect(standing({ daemons: [{ url, state: 'down', says: 'refused' }] })).toEqual(['daemon-down'])
    expect(standing({ daemons: [{ url, state: 'not-ready', says: 'no bond' }] })).toEqual(['daemon-not-ready'])
    expect(standing({ daemons: [{ url, state: 'ready', checked: 1, receipts: 2 }] })).toEqual([])
    expect(standing({ balances: [{ address: NODE, wei: THRESHOLDS.minBalanceWei }] })).toEqual([])
    expect(standing({ balances: [{ address: NODE, wei: THRESHOLDS.minBalanceWei - 1n }] })).toEqual(['funds-low'])
  })

  it('a daemon that sees receipts and judges none is stuck; one that sees none, judges, or was restarted is not', () => {
    const look = (checked: number, receipts: number) => [{ url: 'http://d', state: 'ready' as const, checked, receipts }]
    const first = judge(seen({ daemons: look(5, 10), nowSec: 0 }), NO_MEMORY, THRESHOLDS).memory
    const later = THRESHOLDS.stuckSec + 1
    expect(standing({ daemons: look(5, 20), nowSec: later }, first)).toEqual(['daemon-stuck'])
    expect(standing({ daemons: look(5, 20), nowSec: later - 1 }, first)).toEqual([])
    expect(standing({ daemons: look(5, 10), nowSec: later }, first)).toEqual([])
    expect(standing({ daemons: look(6, 20), nowSec: later }, first)).toEqual([])
    expect(standing({ daemons: look(0, 3), nowSec: later }, first)).toEqual([])
  })

  it('tell what happened once: parameters that changed, cases, moves of suspects, false proofs', () => {
    const first = judge(seen({ cases: [one({ state: 'settled', faultId: hash(7) }), one()] }), NO_MEMORY, THRESHOLDS)
    // What was over before anybody looked is no news.
    expect(first.news.map(({ id }) => id)).toEqual([`case-new:${hash(1)}`])
    const alarm = { kind: 'unbond', transcoder: NODE, because: 'case D2 is open', tx: hash(5), blockNumber: 3n } as const
    const next = judge(
      seen({
        parameters: { openBond: '30', minBond: '1' },
        cases: [one({ state: 'convicted', releaseAtSec: 900 })],
        alarms: [alarm],
        falseProofs: [{ id: '0x9', reason: 'the signature is wrong' }],
      }),
      first.memory,
      THRESHOLDS,
    )
    expect(kinds(next.news)).toEqual(['parameter-changed', 'parameter-changed', 'case-convicted', 'evasion', 'proof-false'])
    expect(next.news[0]?.says).toBe('the parameter openBond of the contracts is now 30; it was 25')
    const appealed = judge(seen({ cases: [one({ state: 'convicted', appellant: NODE })] }), next.memory, THRESHOLDS)
    expect(kinds(appealed.news)).toContain('case-appealed')
  })
})

describe('the book of alerts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fisherman-alerts-'))
  const alert = (id: string): Alert => ({ id, kind: 'paused', severity: 'warning', says: `${id} is so`, do: 'look' })
  const round = (alerts: string[], news: string[] = []) => ({
    alerts: alerts.map(alert),
    news: news.map(alert),
    memory: NO_MEMORY,
    sight: new Map([['contracts', true]]),
  })
  const told = (notices: { state: string; alert: Alert }[]) => notices.map(({ state, alert }) => `${state} ${alert.id}`)
  const DAY = 86_400_000

  it('tells a trouble when it begins, once a day while it lasts, and when it is over, also over a restart', () => {
    const path = join(folder, 'book.json')
    const open = () => openAlertBook({ path, scope: '1:0xa', forwards: false }, { log: SILENT })
    let book = open()
    expect(told(book.take(round(['x'], ['n']), 1_000))).toEqual(['raised x', 'news n'])
    expect(told(book.take(round(['x'], ['n']), 2_000))).toEqual([])
    book = open()
    expect(told(book.take(round(['x', 'y'], ['n']), 3_000))).toEqual(['raised y'])
    expect(told(book.take(round(['x', 'y']), 1_000 + DAY))).toEqual(['still x'])
    expect(told(book.take(round(['y']), 2_000 + DAY))).toEqual(['over x'])
    expect(book.standing()).toEqual([{ alert: alert('y'), sinceMs: 3_000 }])
    expect(told(book.take(round(['x', 'y']), 2_500 + DAY))).toEqual(['raised x'])
  })

  it('refuses a state of another network, and one that is damaged, in one line', () => {
    const path = join(folder, 'other.json')
    const open = (scope: string) => openAlertBook({ path, scope, forwards: false }, { log: SILENT })
    open('1:0xa').take(round([]), 1)
    expect(() => open('2:0xa')).toThrow(/is of another network; choose another with --state/)
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -9))
    expect(() => open('1:0xa')).toThrow(/it is damaged.*delete it to begin anew/)
    rmSync(folder, { recursive: true })
  })
})

describe('the webhook', () => {
  let server: Server | undefined
  const stop = new AbortController()
  afterEach(() => server?.close())
  const notice = {
    state: 'raised',
    alert: { id: 'x', kind: 'paused', severity: 'critical', says: 'It stands', do: 'Look' },
    sinceMs: 0,
  } as const

  it('takes each notice in order, again until it was taken, and tells nothing of its secret path', async () => {
    const got: unknown[] = []
    let failures = 2
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        if (failures-- > 0) return response.writeHead(500).end()
        got.push(JSON.parse(body))
        response.writeHead(204).end()
      })
    })
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/SECRET`
    const lines: string[] = []
    const say = (text: string, fields?: object) => void lines.push(`${text} ${JSON.stringify(fields)}`)
    const log = { debug: say, info: say, warn: say, error: say }
    const hook = createWebhook({ url, source: 'test', firstWaitMs: 20 }, { clock: systemClock, log, signal: stop.signal })
    hook.send(notice)
    hook.send({ ...notice, state: 'over' })
    await until(() => got.length === 2)
    await hook.idle()
    expect(got).toEqual([bodyOf(notice, 'test'), bodyOf({ ...notice, state: 'over' }, 'test')])
    expect(got[0]).toMatchObject({
      text: 'ALERT (critical) It stands. Look.',
      content: 'ALERT (critical) It stands. Look.',
      id: 'x',
    })
    expect(lines.length).toBe(2)
    expect(lines.join()).not.toContain('SECRET')
  })
})
