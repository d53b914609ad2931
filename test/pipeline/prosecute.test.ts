import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Hex } from '../../proofs/types.ts'
import type { Bench } from '../../src/pipeline/bench.ts'
import type { FoundCase } from '../../src/pipeline/case-book.ts'
import { createJusticeStage } from '../../src/pipeline/justice.ts'
import { createProsecutions } from '../../src/pipeline/prosecutions.ts'
import { createEvidenceStore } from '../../src/prooflog/evidence.ts'
import type { FoundFault } from '../../src/receipt/faults.ts'
import { DOMAIN, hash } from '../helpers/fixtures.ts'

// One window may hold thousands of faults that its node's own signatures prove. Whether they prove it is another test's.

vi.mock('../../src/chain/proof.ts', () => ({ buildProof: () => ({ ok: true, round: undefined }) }))

const NODE: Hex = `0x${'11'.repeat(20)}`
const OTHER: Hex = `0x${'22'.repeat(20)}`
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-prosecute-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function benchOf(change: object) {
  const chain = {
    ...{ cases: () => [], alarms: () => [], nowSec: () => 1, onAlarm: () => () => undefined, suspect() {}, unsuspect() {} },
    ...{ round: async () => 1n, commitReveal: async () => ({ status: 'mined' }) },
  }
  return {
    ...{ domain: DOMAIN, mode: 'active', logger: SILENT, signal: new AbortController().signal, chain, params: {}, court: {} },
    ...{ clock: { nowMs: () => 1, monotonicMs: () => 1 }, metrics: { dropped() {} }, ledger: { onForget() {} } },
    ...{ bundleDir: folder, evidenceBytes: 1e9, program: { name: 'fisherman', version: '0', decoder: '', platform: '' } },
    later: (_ms: number, _what: string, work: () => Promise<void>) => void work(),
    ...change,
  } as unknown as Bench & { chain: typeof chain }
}

it('a fault that is added is looked at, and no other', async () => {
  const bench = benchOf({ identity: {}, address: NODE })
  const round = vi.spyOn(bench.chain, 'round')
  const act = Object.assign(async () => undefined, { again() {} })
  const book = { lost: async () => undefined }
  const prosecutions = createProsecutions(bench, { act, book, keep() {}, over() {} })
  for (let n = 1; n <= 100; n++)
    prosecutions.add({ faultId: hash(n), faultClass: 'O1', transcoder: NODE, evidenceHash: hash(n), evidence: '0x' } as FoundCase)
  expect(round).toHaveBeenCalledTimes(100)
  prosecutions.onHead()
  expect(round).toHaveBeenCalledTimes(200)
})

it('faults of one window are written down two at a time, another node in between, and bundled as far as they are brought', async () => {
  let [now, most] = [0, 0]
  const written: Hex[] = []
  const log = {
    find: async () => [],
    async append(_kind: string, { faultId }: { faultId: Hex }) {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      written.push(faultId)
      now--
    },
  }
  const evidence = createEvidenceStore({ folder }, { log: log as never, nowMs: () => 1 })
  const justice = createJusticeStage(benchOf({ log, evidence }), { replay() {} })
  const found = (n: number, transcoder = NODE) =>
    ({
      fault: { faultClass: 'O1', faultId: hash(n), transcoder, receiptDigest: hash(n) },
      ...{ evidence: `0x${n.toString(16).padStart(4, '0')}`, receipts: [{ digest: hash(n) }] },
    }) as unknown as FoundFault
  for (let n = 1; n <= 100; n++) justice.objective(found(n))
  justice.objective(found(101, OTHER))
  await vi.waitFor(() => expect(written).toHaveLength(101))
  await vi.waitFor(() => expect(readdirSync(folder).filter((name) => name.endsWith('.fishbundle'))).toHaveLength(21))
  expect(most).toBeLessThanOrEqual(2)
  expect(written.indexOf(hash(101))).toBeLessThan(5)
})
