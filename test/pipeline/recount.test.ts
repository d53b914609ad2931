import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Outcome } from '../../proofs/types.ts'
import { recount } from '../../src/pipeline/recount.ts'
import { createTally } from '../../src/pipeline/tally.ts'
import { openTallyFile, type TallyFile } from '../../src/pipeline/tally-file.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { addressOf, hash, wallet } from '../helpers/fixtures.ts'

const DAY_MS = 86_400_000
const START_MS = 20_000 * DAY_MS
/** As far back as a start of the daemon looks for unfinished work. */
const RESUME_MS = 15 * DAY_MS
const node = addressOf(wallet(1))

let folder: string
let log: ProofLog
let nowMs: number
let warned: string[]
const opened: { close(): Promise<void> }[] = []
const clock = { nowMs: () => nowMs, monotonicMs: () => 0 }
const logger = { debug() {}, info() {}, warn: (text: string) => void warned.push(text), error() {} }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-recount-'))
  ;[nowMs, warned] = [START_MS, []]
  await openLog('log')
})
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
  rmSync(folder, { recursive: true, force: true })
})

async function openLog(name: string): Promise<void> {
  log = await openProofLog({ folder: join(folder, name), identity: 'recount' }, { clock })
  opened.push(log)
}

/** What a verdict is counted by, at the present time. */
const counted = (outcome: Outcome, stream: number) => ({
  ...{ transcoder: node, outcome, streamId: hash(stream), requester: addressOf(wallet(stream)) },
  completedAt: Math.floor(nowMs / 1000),
})
/** Enough others could not have the bytes either. */
const writeAgreed = (stream: number) => log.append('withheld', { ...counted('withheld', stream), sampleId: hash(stream) })
const write = (outcome: Outcome, stream = 1) => log.append('verdict', { ...counted(outcome, stream), sampleId: hash(stream) })

/** A start of the daemon: what was kept, and the log. */
async function start() {
  const file = await openTallyFile(join(folder, 'tally.json'), { log: logger, proofLog: log })
  opened.push(file)
  const tally = createTally(file)
  await recount({ log, tally }, nowMs - RESUME_MS)
  return { tally, file, of: () => tally.nodes()[node] }
}
const stop = async (file: TallyFile) => {
  opened.splice(opened.indexOf(file), 1)
  await file.close()
}

describe('a start', () => {
  it('counts every verdict of the log, however old, and each once', async () => {
    await write('fail')
    nowMs += 20 * DAY_MS
    for (let i = 0; i < 2_500; i++) void write('pass', 2)
    await write('inconclusive')
    const first = await start()
    expect(first.of()).toMatchObject({ checked: 2_502, fail: 1, pass: 2_500, inconclusive: 1, withheld: 0 })
    await stop(first.file)
    await write('withheld', 3)
    const second = await start()
    expect(second.of()).toMatchObject({ checked: 2_503, fail: 1, pass: 2_500, inconclusive: 1, withheld: 1 })
    expect(second.tally.totals().checked).toBe(2_503)
  })

  it('goes on from the evidence before it: old strikes, passes of others, and what the day has struck already', async () => {
    const first = await start()
    const check = async (outcome: Outcome, stream: number) => {
      await write(outcome, stream)
      first.tally.verdict(counted(outcome, stream))
    }
    await check('fail', 1)
    await check('withheld', 2)
    await writeAgreed(2)
    first.tally.agreed(counted('withheld', 2))
    nowMs += 20 * DAY_MS
    await check('fail', 3)
    const { outcome: _, ...heard } = counted('pass', 4)
    for (let i = 0; i < 100; i++) first.tally.heardPass(heard)
    const before = first.tally.evidence(node)
    expect(before?.value).toBeCloseTo(3 * 3.51 - 100 * 0.00975)
    await stop(first.file)

    const second = await start()
    expect(second.tally.evidence(node)).toEqual(before)
    expect(second.of()?.evidenceScore).toBe(before?.value)
    second.tally.verdict(counted('fail', 3))
    expect(second.of()).toMatchObject({ fail: 3, evidenceScore: before?.value })
    // A day without a change is kept as well.
    await stop(second.file)
    await write('pass')
    expect((await start()).of()?.evidenceScore).toBeCloseTo((before?.value ?? 0) - 0.00975)
  })

  it('counts passes that were pruned, and no node has more against it for that', async () => {
    const first = await start()
    for (let i = 0; i < 400; i++) void write('pass')
    await write('fail')
    for (let i = 0; i < 400; i++) first.tally.verdict(counted('pass', 1))
    first.tally.verdict(counted('fail', 1))
    for (let i = 0; i < 400; i++) first.tally.verdict(counted('pass', 1))
    for (let i = 0; i < 400; i++) void write('pass')
    await write('inconclusive')
    first.tally.verdict(counted('inconclusive', 1))
    expect(first.of()?.evidenceScore).toBe(0)
    await stop(first.file)
    nowMs += DAY_MS
    expect((await log.prune({ beforeMs: nowMs, forgetIdsBeforeMs: nowMs })).entries).toBe(800)
    const second = await start()
    expect(second.of()).toMatchObject({ checked: 802, pass: 800, evidenceScore: 0 })
    await stop(second.file)
    // Without what was kept the passes are gone; then the fail beside them is no evidence either.
    rmSync(join(folder, 'tally.json'))
    expect((await start()).of()).toMatchObject({ checked: 2, fail: 1, evidenceScore: 0 })
  })

  it('takes nothing from sums of another log: it counts from its own, and of old verdicts it makes no evidence', async () => {
    const first = await start()
    first.tally.verdict(counted('fail', 1))
    await write('fail')
    await stop(first.file)
    await openLog('other')
    nowMs += 1
    await write('fail')
    nowMs += 20 * DAY_MS
    await write('withheld', 2)
    await writeAgreed(2)
    await write('withheld', 4)
    await write('pass', 3)
    const { of } = await start()
    expect(warned).toEqual([expect.stringContaining('counting from the log')])
    expect(of()).toMatchObject({ checked: 4, fail: 1, withheld: 2, withheldAgreed: 1 })
    expect(of()?.evidenceScore).toBeCloseTo(3.51 - 0.00975)
  })

  it('finds no sums of a moment at which a verdict was written and not counted', async () => {
    const { tally, file } = await start()
    const verdict = {}
    tally.expect(verdict)
    await write('pass')
    await stop(file)
    expect(existsSync(join(folder, 'tally.json'))).toBe(false)
    const second = await start()
    expect(second.of()?.checked).toBe(1)
    second.tally.expect(verdict)
    await write('pass')
    second.tally.verdict(counted('pass', 1), verdict)
    await stop(second.file)
    expect((await start()).of()?.checked).toBe(2)
  })
})
