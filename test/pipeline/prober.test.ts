import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { sleep, systemClock } from '../../src/base/clock.ts'
import { createJudge } from '../../src/judge.ts'
import { createLivepeerClient } from '../../src/livepeer/client.ts'
import { createPayerFactory } from '../../src/livepeer/payment.ts'
import { openProbeFindings } from '../../src/pipeline/probe-findings.ts'
import { type ProberDeps, probeNode, runProber } from '../../src/pipeline/prober.ts'
import { createScoreBook, type ScoreBook } from '../../src/pipeline/score-book.ts'
import type { AnsweredSegment } from '../../src/pipeline/unreceipted.ts'
import { createBudget } from '../../src/sample/budget.ts'
import { addressOf, DOMAIN, wallet } from '../helpers/fixtures.ts'
import { personalSigner } from '../livepeer/fixtures.ts'
import { createOrchestrator, type Orchestrator } from '../livepeer/orchestrator.ts'

// A real node of another program's bytes, real ffmpeg, a real judge; only the time of the chain is held still.

vi.setConfig({ testTimeout: 60_000 })
const NOW = 1_000_000
const span = { sinceSec: 0, untilSec: 2 * NOW }
const signal = new AbortController().signal
let home: string
let node: Orchestrator
let book: ScoreBook
let expected: AnsweredSegment[]
let said: string[]
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fisherman-test-prober-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))
beforeEach(async () => {
  node = await createOrchestrator({})
  book = createScoreBook()
  ;[expected, said] = [[], []]
})
afterEach(() => node.close())

let files = 0
const newFile = () => join(home, `findings-${++files}.ndjson`)
const init = (changes = {}) => ({
  ...{ domain: DOMAIN, perDay: 5, segments: 1, segmentSec: 1, maxHeight: 360, scratchDir: join(home, 'scratch'), ...changes },
})

async function deps(file = newFile(), changes: Partial<ProberDeps> = {}): Promise<ProberDeps> {
  const signer = personalSigner(wallet(40))
  const limits = { maxPrice: { wei: 1n, pixels: 1n }, maxTicketEvWei: 1n, maxFaceValueWei: 1n }
  const createPayer = createPayerFactory(limits, { signer, ledger: { spend: async () => undefined } })
  const client = createLivepeerClient({ mayConnect: () => true, signer, createPayer }, { clock: systemClock })
  const tell = (text: string, fields?: object) => {
    said.push(text)
    if (process.env.SHOW) console.log(text, fields)
  }
  return {
    ...{ clock: systemClock, nowSec: () => NOW, random: () => 0.5, streamName: () => 'abcd0123', client: () => client },
    targets: () => [{ transcoder: node.address, uri: node.origin }],
    judge: createJudge({ scratchDir: join(home, 'judge'), searchPath: process.env.PATH ?? '', maxJobs: 1 }),
    findings: await openProbeFindings(file, book),
    isFollowed: () => true,
    receipts: { expect: (segment) => void expected.push(segment) },
    budget: createBudget({ secondsPerDay: 1_000, bytesPerDay: 1e9 }),
    paused: () => false,
    logger: { debug: tell, info: tell, warn: tell, error: tell },
    ...changes,
  }
}
const target = () => ({ transcoder: node.address, uri: node.origin })
const facts = () => book.facts(span).get(node.address)

describe('a probe of a daemon', () => {
  it('becomes a trip and samples in the scores, and its segment waits for its receipt', async () => {
    const file = newFile()
    const budget = createBudget({ secondsPerDay: 1_000, bytesPerDay: 1e9 })
    await probeNode(target(), init(), await deps(file, { budget }), signal)
    expect(budget.spent(NOW).seconds).toBeGreaterThan(0)
    expect(budget.spent(NOW).bytes).toBeGreaterThan(1_000)
    expect(facts()).toMatchObject({ fail: 0, trips: { count: 1, segmentSec: 1 } })
    expect(facts()?.pass).toBeGreaterThan(0)
    expect(expected).toEqual([{ transcoder: node.address, orderHash: expect.stringMatching(/^0x/), answeredSec: NOW }])
    expect(await readdir(join(home, 'scratch'))).toEqual([])
    // A restart knows it, but for the line that a crash cut off.
    await writeFile(file, `${await readFile(file, 'utf8')}{"kind":"trip","trip":{"transcoder":"0x`)
    const before = facts()
    book = createScoreBook()
    await openProbeFindings(file, book)
    expect(facts()).toEqual(before)
  })

  it('waits for each receipt from the moment at which its segment came, however long the stream is', async () => {
    const nowSec = () => NOW + 1_000 * node.segments.length
    await probeNode(target(), init({ segments: 3 }), await deps(newFile(), { nowSec }), signal)
    expect(expected.map(({ answeredSec }) => answeredSec - NOW)).toEqual([1_000, 2_000, 3_000])
  })

  it('of a node that sends black pictures counts as failed in its score', async () => {
    node.fault = 'black'
    await probeNode(target(), init(), await deps(), signal)
    expect(facts()?.fail).toBeGreaterThan(0)
    expect(facts()?.pass).toBe(0)
    expect(book.of(node.address, span)).toContainEqual(expect.objectContaining({ kind: 'check', why: 'D2' }))
  })

  it('that is refused is no quick answer, no failed sample, and waits for no receipt', async () => {
    node.fault = 'busy'
    await probeNode(target(), init(), await deps(), signal)
    expect(facts()).toMatchObject({ pass: 0, fail: 0, inconclusive: 0, trips: { count: 0 } })
    expect(book.of(node.address, span)).toMatchObject([
      { kind: 'trip', sent: 1, received: 0, errors: [{ code: 'livepeer-busy' }] },
    ])
    expect(expected).toEqual([])
  })

  it('waits for no receipt of a node whose feed nobody reads', async () => {
    await probeNode(target(), init(), await deps(newFile(), { isFollowed: () => false }), signal)
    expect([facts()?.trips.count, expected]).toEqual([1, []])
  })

  it('is not made beyond the budget of the day', async () => {
    const spent = createBudget({ secondsPerDay: 1, bytesPerDay: 1e9 })
    spent.spend(NOW, { seconds: 5, bytes: 0 })
    await probeNode(target(), init(), await deps(newFile(), { budget: spent }), signal)
    expect([node.infos, facts()]).toEqual([0, undefined])
  })

  it('comes again and again at random times, goes on after a failure, and ends when it is told', async () => {
    const stop = new AbortController()
    let calls = 0
    const uri = 'http://127.0.0.1:1'
    const running = runProber(
      init({ perDay: 10_000_000 }),
      await deps(newFile(), {
        targets: () => (calls++ < 3 ? [{ transcoder: node.address, uri: calls === 1 ? uri : node.origin }] : []),
        judge: { judge: () => Promise.reject(new Error('a bug')) },
      }),
      stop.signal,
    )
    for (let i = 0; i < 400 && calls < 4; i++) await sleep(100)
    stop.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(said.filter((text) => text === 'Probed')).toHaveLength(3)
    expect(said).toContain('A rendition of a probe could not be judged')
    expect(facts()?.fail ?? 0).toBe(0)
  })

  it('that got no receipt counts, also after a restart', async () => {
    const file = newFile()
    const findings = await openProbeFindings(file, book)
    await findings.add({ kind: 'unreceipted', transcoder: addressOf(wallet(1)) as Hex, atSec: NOW })
    book = createScoreBook()
    await openProbeFindings(file, book)
    expect(book.facts(span).get(addressOf(wallet(1)))?.unreceipted).toBe(1)
  })
})
