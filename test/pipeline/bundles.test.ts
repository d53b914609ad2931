import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Bench } from '../../src/pipeline/bench.ts'
import { createEvidenceKeeper } from '../../src/pipeline/bundles.ts'
import { createEvidenceStore } from '../../src/prooflog/evidence.ts'
import { hash } from '../helpers/fixtures.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-evidence-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('evidence', () => {
  it('is kept within its quota also where a new bundle could not be written', async () => {
    for (let n = 1; n <= 4; n++) {
      const file = join(folder, `${hash(n)}.fishbundle`)
      writeFileSync(file, Buffer.alloc(1_000))
      utimesSync(file, n, n)
    }
    const errors: string[] = []
    const log = { find: async () => [] }
    const bench = {
      ...{ bundleDir: folder, evidenceBytes: 2_500, log, clock: { nowMs: () => 1 } },
      evidence: createEvidenceStore({ folder }, { log, nowMs: () => 1 } as never),
      logger: { info() {}, warn() {}, error: (text: string) => void errors.push(text) },
    } as unknown as Bench
    // There is no bundle of this hash, so that nothing can be added to it.
    await createEvidenceKeeper(bench).decided(hash(9), { faultId: hash(1), receiptDigest: hash(2) })
    expect(errors).toEqual(['Evidence could not be kept'])
    expect(readdirSync(folder).filter((name) => name.endsWith('.fishbundle'))).toEqual([3, 4].map((n) => `${hash(n)}.fishbundle`))
  })
})
