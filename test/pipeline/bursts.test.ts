import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { sleep, systemClock } from '../../src/base/clock.ts'
import { createJudge } from '../../src/judge.ts'
import { createLivepeerClient } from '../../src/livepeer/client.ts'
import { createPayerFactory } from '../../src/livepeer/payment.ts'
import { type BurstDeps, burstNode, runBursts } from '../../src/pipeline/bursts.ts'
import { openProbeFindings } from '../../src/pipeline/probe-findings.ts'
import { createScoreBook, type ScoreBook } from '../../src/pipeline/score-book.ts'
import type { AnsweredSegment } from '../../src/pipeline/unreceipted.ts'
import { createBudget } from '../../src/sample/budget.ts'
import { isBurst } from '../../src/sample/burst.ts'
import { DOMAIN, hash, wallet } from '../helpers/fixtures.ts'
import { personalSigner } from '../livepeer/fixtures.ts'
import { createOrchestrator, type Orchestrator } from '../livepeer/orchestrator.ts'

// A real node of another program's bytes, real ffmpeg, a real judge; only the time of the chain is ours.

vi.setConfig({ testTimeout: 90_000 })
const NOW = 1_000_000
const span = { sinceSec: 0, untilSec: 2 * NOW }
const signal = new AbortController().signal
let home: string
let node: Orchestrator
let book: ScoreBook
let expected: AnsweredSegment[]
let said: [text: string, fields: Record<string, unknown>][]
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fisherman-test-bursts-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))
beforeEach(async () => {
  node = await createOrchestrator({})
  book = createScoreBook()
  ;[expected, said] = [[], []]
})
afterEach(() => node.close())

let names = 0
const init = (changes = {}) => ({
  ...{ domain: DOMAIN, perDay: 0, segments: 1, segmentSec: 1, maxHeight: 360, scratchDir: join(home, 'scratch'), streams: 2 },
  ...{ draw: { windowSeconds: 60, beaconDelaySeconds: 30 }, ...changes },
})
const target = () => ({ transcoder: node.address, uri: node.origin })
const facts = () => book.facts(span).get(node.address)
const lines = () => said.map(([text]) => text)

async function deps(changes: Partial<BurstDeps> = {}, file = join(home, `findings-${++names}.ndjson`)): Promise<BurstDeps> {
  const signer = personalSigner(wallet(40))
  const limits = { maxPrice: { wei: 1n, pixels: 1n }, maxTicketEvWei: 1n, maxFaceValueWei: 1n }
  const createPayer = createPayerFactory(limits, { signer, ledger: { spend: async () => undefined } })
  const client = createLivepeerClient({ mayConnect: () => true, signer, createPayer }, { clock: systemClock })
  const tell = (text: string, fields = {}) => void said.push([text, fields])
  return {
    ...{ clock: systemClock, nowSec: () => NOW, random: Math.random, client: () => client, targets: () => [target()] },
    ...{ streamName: () => `stream${++names}`, beaconAt: async () => hash(1) },
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

describe('many streams at once', () => {
  it('tell the capacity of a node, are judged as samples, and each segment waits for its receipt', async () => {
    const file = join(home, 'kept.ndjson')
    const budget = createBudget({ secondsPerDay: 1_000, bytesPerDay: 1e9 })
    await burstNode(target(), NOW, init(), await deps({ budget }, file), signal)
    expect(said).toContainEqual(['Asked for many streams at once', expect.objectContaining({ asked: 2, whole: 2 })])
    const found = facts()
    expect(found).toMatchObject({ fail: 0, trips: { count: 0 }, streams: expect.any(Number) })
    expect(found?.pass).toBeGreaterThan(0)
    expect(expected).toHaveLength(4)
    expect(budget.spent(NOW).seconds).toBeGreaterThan(0)
    expect(budget.spent(NOW).bytes).toBeGreaterThan(1_000)
    expect(await readdir(join(home, 'scratch'))).toEqual([])
    // A restart knows it.
    book = createScoreBook()
    await openProbeFindings(file, book)
    expect(facts()).toEqual(found)
  })

  it('that come back as garbage are no capacity, however quick', async () => {
    node.fault = 'black'
    // Each segment would have a minute: all of them are in time.
    await burstNode(target(), NOW, init({ streams: 1 }), await deps(), signal)
    expect(facts()).toMatchObject({ pass: 0, streams: 0 })
    expect(facts()?.fail).toBeGreaterThan(0)
  })

  it('that are refused are no fail: the node has room for no more', async () => {
    Object.assign(node, { fault: 'capped', sessions: 1 })
    await burstNode(target(), NOW, init(), await deps(), signal)
    expect(facts()?.fail).toBe(0)
    expect(facts()?.streams).toBeLessThan(2)
    expect(said).toContainEqual([
      'Asked for many streams at once',
      expect.objectContaining({ asked: 2, refused: expect.any(String) }),
    ])
  })

  it('are not sent late, nor beyond the budget of the day', async () => {
    await burstNode(target(), NOW - 1, init({ streams: 1 }), await deps(), signal)
    expect(lines()).toEqual(['Too late for a burst: its streams were not made in time'])
    const budget = createBudget({ secondsPerDay: 1, bytesPerDay: 1e9 })
    budget.spend(NOW, { seconds: 5, bytes: 0 })
    await burstNode(target(), NOW, init(), await deps({ budget }), signal)
    expect([node.infos, facts(), lines().length]).toEqual([0, undefined, 1])
  })
})

it('a beacon says when and to whom, and what fails is told', async () => {
  const stop = new AbortController()
  const draw = { windowSeconds: 2, beaconDelaySeconds: 1 }
  let named = hash(0)
  for (let i = 1; !isBurst(named, node.address, draw.windowSeconds); i++) named = hash(i)
  const other = `0x${'99'.repeat(20)}` as Hex
  expect(isBurst(named, other, draw.windowSeconds)).toBe(false)
  const asked: number[] = []
  let begun = 0
  const began = Date.now()
  const running = runBursts(
    init({ draw }),
    await deps({
      nowSec: () => NOW + (Date.now() - began) / 1000,
      targets: () => [target(), { transcoder: other, uri: 'http://127.0.0.1:1' }],
      budget: { ...createBudget({ secondsPerDay: 1, bytesPerDay: 1 }), allows: () => ++begun < 0 },
      async beaconAt(timestampSec) {
        asked.push(timestampSec - NOW)
        if (asked.length === 2) throw new Error('no randomness')
        return named
      },
    }),
    stop.signal,
  )
  for (let i = 0; i < 300 && !lines().includes('The moment of a burst is not known'); i++) await sleep(100)
  stop.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  // Windows of two seconds, their beacons a second later; the first that is still to come, and the one after it.
  expect(asked).toEqual([1, 3])
  expect(begun).toBe(1)
})
