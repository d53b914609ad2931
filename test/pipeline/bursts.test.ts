import { readdir } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { sleep } from '../../src/base/clock.ts'
import { type BurstDeps, type BurstInit, burstNode, runBursts } from '../../src/pipeline/bursts.ts'
import { openProbeFindings } from '../../src/pipeline/probe-findings.ts'
import { createScoreBook } from '../../src/pipeline/score-book.ts'
import { createBudget } from '../../src/sample/budget.ts'
import { isBurst } from '../../src/sample/burst.ts'
import { hash } from '../helpers/fixtures.ts'
import { createProbed, NOW } from './probed.ts'

vi.setConfig({ testTimeout: 90_000 })
const signal = new AbortController().signal
const site = createProbed()
let names = 0
const init = (changes: Partial<BurstInit> = {}): BurstInit => ({
  ...{ ...site.init(), streams: 2, draw: { windowSeconds: 60, beaconDelaySeconds: 30 }, ...changes },
})
const deps = async (changes: Partial<BurstDeps> = {}, file?: string): Promise<BurstDeps> => ({
  // Streams that differ, with names of their own.
  ...(await site.deps(file, { random: Math.random, streamName: () => `stream${++names}` })),
  ...{ beaconAt: async () => hash(1), ...changes },
})

describe('many streams at once', () => {
  it('tell the capacity of a node, are judged as samples, and each segment waits for its receipt', async () => {
    const file = site.newFile()
    const budget = createBudget({ secondsPerDay: 1_000, bytesPerDay: 1e9 })
    await burstNode(site.target(), NOW, init(), await deps({ budget }, file), signal)
    expect(site.said).toContainEqual(['Asked for many streams at once', expect.objectContaining({ asked: 2, whole: 2 })])
    const found = site.facts()
    expect(found).toMatchObject({ fail: 0, trips: { count: 0 }, streams: expect.any(Number) })
    expect(found?.pass).toBeGreaterThan(0)
    expect(site.expected).toHaveLength(4)
    expect(budget.spent(NOW).seconds).toBeGreaterThan(0)
    expect(budget.spent(NOW).bytes).toBeGreaterThan(1_000)
    expect(await readdir(site.scratchDir)).toEqual([])
    // A restart knows it.
    site.book = createScoreBook()
    await openProbeFindings(file, site.book)
    expect(site.facts()).toEqual(found)
  })

  it('that come back as garbage are no capacity, however quick', async () => {
    site.node.fault = 'black'
    // Each segment would have a minute: all of them are in time.
    await burstNode(site.target(), NOW, init({ streams: 1 }), await deps(), signal)
    expect(site.facts()).toMatchObject({ pass: 0, streams: 0 })
    expect(site.facts()?.fail).toBeGreaterThan(0)
  })

  it('that are refused are no fail: the node has room for no more', async () => {
    Object.assign(site.node, { fault: 'capped', sessions: 1 })
    await burstNode(site.target(), NOW, init(), await deps(), signal)
    expect(site.facts()?.fail).toBe(0)
    expect(site.facts()?.streams).toBeLessThan(2)
    expect(site.said).toContainEqual([
      'Asked for many streams at once',
      expect.objectContaining({ asked: 2, refused: expect.any(String) }),
    ])
  })

  it('are not sent late, nor beyond the budget of the day', async () => {
    await burstNode(site.target(), NOW - 1, init({ streams: 1 }), await deps(), signal)
    expect(site.lines()).toEqual(['Too late for a burst: its streams were not made in time'])
    const budget = createBudget({ secondsPerDay: 1, bytesPerDay: 1e9 })
    budget.spend(NOW, { seconds: 5, bytes: 0 })
    await burstNode(site.target(), NOW, init(), await deps({ budget }), signal)
    expect([site.node.infos, site.facts(), site.lines().length]).toEqual([0, undefined, 1])
  })
})

it('a beacon says when and to whom, and what fails is told', async () => {
  const stop = new AbortController()
  const draw = { windowSeconds: 2, beaconDelaySeconds: 1 }
  let named = hash(0)
  for (let i = 1; !isBurst(named, site.node.address, draw.windowSeconds); i++) named = hash(i)
  const other = `0x${'99'.repeat(20)}` as Hex
  expect(isBurst(named, other, draw.windowSeconds)).toBe(false)
  const asked: number[] = []
  let begun = 0
  const began = Date.now()
  const running = runBursts(
    init({ draw }),
    await deps({
      nowSec: () => NOW + (Date.now() - began) / 1000,
      targets: () => [site.target(), { transcoder: other, uri: 'http://127.0.0.1:1' }],
      budget: { ...createBudget({ secondsPerDay: 1, bytesPerDay: 1 }), allows: () => ++begun < 0 },
      async beaconAt(timestampSec) {
        asked.push(timestampSec - NOW)
        if (asked.length === 2) throw new Error('no randomness')
        return named
      },
    }),
    stop.signal,
  )
  for (let i = 0; i < 300 && !site.lines().includes('The moment of a burst is not known'); i++) await sleep(100)
  stop.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  // Windows of two seconds, their beacons a second later; the first that is still to come, and the one after it.
  expect(asked).toEqual([1, 3])
  expect(begun).toBe(1)
})
