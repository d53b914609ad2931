import { readdir, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import { sleep } from '../../src/base/clock.ts'
import { openProbeFindings } from '../../src/pipeline/probe-findings.ts'
import { probeNode, runProber } from '../../src/pipeline/prober.ts'
import { createScoreBook } from '../../src/pipeline/score-book.ts'
import { createBudget } from '../../src/sample/budget.ts'
import { addressOf, wallet } from '../helpers/fixtures.ts'
import { createProbed, NOW } from './probed.ts'

vi.setConfig({ testTimeout: 60_000 })
const signal = new AbortController().signal
const site = createProbed()

describe('a probe of a daemon', () => {
  it('becomes a trip and samples in the scores, and its segment waits for its receipt', async () => {
    const file = site.newFile()
    const budget = createBudget({ secondsPerDay: 1_000, bytesPerDay: 1e9 })
    await probeNode(site.target(), site.init(), await site.deps(file, { budget }), signal)
    expect(budget.spent(NOW).seconds).toBeGreaterThan(0)
    expect(budget.spent(NOW).bytes).toBeGreaterThan(1_000)
    expect(site.facts()).toMatchObject({ fail: 0, trips: { count: 1, segmentSec: 1 } })
    expect(site.facts()?.pass).toBeGreaterThan(0)
    expect(site.expected).toEqual([{ transcoder: site.node.address, orderHash: expect.stringMatching(/^0x/), answeredSec: NOW }])
    expect(await readdir(site.scratchDir)).toEqual([])
    // A restart knows it, but for the line that a crash cut off.
    await writeFile(file, `${await readFile(file, 'utf8')}{"kind":"trip","trip":{"transcoder":"0x`)
    const before = site.facts()
    site.book = createScoreBook()
    await openProbeFindings(file, site.book)
    expect(site.facts()).toEqual(before)
  })

  it('waits for each receipt from the moment at which its segment came, however long the stream is', async () => {
    const nowSec = () => NOW + 1_000 * site.node.segments.length
    await probeNode(site.target(), { ...site.init(), segments: 3 }, await site.deps(site.newFile(), { nowSec }), signal)
    expect(site.expected.map(({ answeredSec }) => answeredSec - NOW)).toEqual([1_000, 2_000, 3_000])
  })

  it('of a node that sends black pictures counts as failed in its score', async () => {
    site.node.fault = 'black'
    await probeNode(site.target(), site.init(), await site.deps(), signal)
    expect(site.facts()?.fail).toBeGreaterThan(0)
    expect(site.facts()?.pass).toBe(0)
    expect(site.seen()).toContainEqual(expect.objectContaining({ kind: 'check', why: 'D2' }))
  })

  it('that is refused is no quick answer, no failed sample, and waits for no receipt', async () => {
    site.node.fault = 'busy'
    await probeNode(site.target(), site.init(), await site.deps(), signal)
    expect(site.facts()).toMatchObject({ pass: 0, fail: 0, inconclusive: 0, trips: { count: 0 } })
    expect(site.seen()).toMatchObject([{ kind: 'trip', sent: 1, received: 0, errors: [{ code: 'livepeer-busy' }] }])
    expect(site.expected).toEqual([])
  })

  it('waits for no receipt of a node whose feed nobody reads', async () => {
    await probeNode(site.target(), site.init(), await site.deps(site.newFile(), { isFollowed: () => false }), signal)
    expect([site.facts()?.trips.count, site.expected]).toEqual([1, []])
  })

  it('is not made beyond the budget of the day', async () => {
    const spent = createBudget({ secondsPerDay: 1, bytesPerDay: 1e9 })
    spent.spend(NOW, { seconds: 5, bytes: 0 })
    await probeNode(site.target(), site.init(), await site.deps(site.newFile(), { budget: spent }), signal)
    expect([site.node.infos, site.facts()]).toEqual([0, undefined])
  })

  it('comes again and again at random times, goes on after a failure, and ends when it is told', async () => {
    const stop = new AbortController()
    let calls = 0
    const uri = 'http://127.0.0.1:1'
    const running = runProber(
      { ...site.init(), perDay: 10_000_000 },
      await site.deps(site.newFile(), {
        targets: () => (calls++ < 3 ? [{ transcoder: site.node.address, uri: calls === 1 ? uri : site.node.origin }] : []),
        judge: { judge: () => Promise.reject(new Error('a bug')) },
      }),
      stop.signal,
    )
    for (let i = 0; i < 400 && calls < 4; i++) await sleep(100)
    stop.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(site.lines().filter((text) => text === 'Probed')).toHaveLength(3)
    expect(site.lines()).toContain('A rendition of a probe could not be judged')
    expect(site.facts()?.fail ?? 0).toBe(0)
  })

  it('that got no receipt counts, also after a restart', async () => {
    const file = site.newFile()
    const findings = await openProbeFindings(file, site.book)
    await findings.add({ kind: 'unreceipted', transcoder: addressOf(wallet(1)) as Hex, atSec: NOW })
    site.book = createScoreBook()
    await openProbeFindings(file, site.book)
    expect(site.book.facts({ sinceSec: 0, untilSec: 2 * NOW }).get(addressOf(wallet(1)))?.unreceipted).toBe(1)
  })
})
