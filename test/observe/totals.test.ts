import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createTotals } from '../../src/observe/api/totals.ts'
import { openProofLog } from '../../src/prooflog/log.ts'

const DAY_MS = 86_400_000

it('totals count each entry once: over pages, as the log grows, asked at once, and from midnight on anew', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fisherman-test-totals-'))
  let nowMs = 20_000 * DAY_MS + 5
  const clock = { nowMs: () => nowMs, monotonicMs: () => 0 }
  const log = await openProofLog({ folder, identity: 'totals' }, { clock })
  let reads = 0
  const find = (...asked: Parameters<typeof log.find>) => {
    reads++
    return log.find(...asked)
  }
  const counted = { head: log.head, find }
  const totals = createTotals(counted, clock)
  const verdict = (outcome: string) => log.append('verdict', { sampleId: '0x1', transcoder: '0x2', outcome })
  const seen = (amount: string) => log.append('tx-seen', { action: 'open', result: { gasUsed: '100', amount } })
  try {
    expect(await totals.now()).toEqual({ today: { checked: 0, found: 0 }, money: { takenWei: '0', gasUsed: '0' } })
    await verdict('fail')
    nowMs += DAY_MS
    await Promise.all(Array.from({ length: 1_203 }, (_, i) => verdict(i % 3 === 0 ? 'withheld' : 'pass')))
    await Promise.all(Array.from({ length: 502 }, () => seen('7')))
    const expected = { today: { checked: 1_203, found: 401 }, money: { takenWei: '3514', gasUsed: '50200' } }
    expect(await Promise.all([totals.now(), totals.now()])).toEqual([expected, expected])
    await verdict('fail')
    await seen('no amount')
    reads = 0
    const more = { today: { checked: 1_204, found: 402 }, money: { takenWei: '3514', gasUsed: '50300' } }
    expect(await totals.now()).toEqual(more)
    expect(await totals.now()).toEqual(more)
    // Two kinds, one page each, and nothing where nothing came.
    expect(reads).toBeLessThanOrEqual(2)
    nowMs += DAY_MS
    expect(await totals.now()).toMatchObject({ today: { checked: 0, found: 0 }, money: { gasUsed: '50300' } })
  } finally {
    await log.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
