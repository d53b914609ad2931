import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openProofLog } from '../../src/prooflog/log.ts'
import { hash } from '../helpers/fixtures.ts'
import { fisherman } from '../monitor/watch-world.ts'
import { mountDisk } from '../soak/disk.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-prune-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const YEAR_AGO_SEC = Math.floor(Date.now() / 1000) - 365 * 86_400

async function prune(): Promise<ReturnType<typeof fisherman>> {
  const run = fisherman(['log', 'prune', '--data-dir', folder, '--keep-days', '30', '--json'])
  await run.done
  return run
}

describe('fisherman log prune on a full disk', { timeout: 60_000 }, () => {
  it('removes old media though the log cannot be rewritten, and does the rest when there is space', async (context) => {
    const disk = mountDisk(folder, 32 << 20)
    if (typeof disk === 'string') return context.skip(disk)
    try {
      const clock = { nowMs: () => YEAR_AGO_SEC * 1000, monotonicMs: () => 0 }
      const log = await openProofLog({ folder: join(folder, 'proofs'), identity: 'me' }, { clock })
      const noise = (i: number) => createHash('sha512').update(String(i)).digest('hex')
      await Promise.all(Array.from({ length: 6_000 }, (_, i) => log.append('verdict', { i, outcome: 'pass', noise: noise(i) })))
      await log.close()
      // The next to open it writes what its journal holds into a table: not the one that is looked at here.
      await (await openProofLog({ folder: join(folder, 'proofs') }, { clock })).close()
      const bundles = join(folder, 'bundles')
      mkdirSync(bundles)
      const bundle = join(bundles, `${hash(1)}.fishbundle`)
      writeFileSync(bundle, Buffer.alloc(1_000_000))
      utimesSync(bundle, YEAR_AGO_SEC, YEAR_AGO_SEC)
      disk.fill()
      expect((await prune()).err).toMatch(/cannot be opened, its disk is full; free some space/)
      disk.free()
      // Enough to open the database, not enough to rewrite six thousand entries.
      disk.fill(400_000)
      const first = await prune()
      expect(await first.done).not.toBe(0)
      expect(first.err).toMatch(
        /the log could not be pruned .*; 1 bundles were removed, 1\.0 MB\. Free some space and run it again/,
      )
      expect(readdirSync(bundles)).toEqual([])
      disk.free()
      const second = await prune()
      expect(second.err).toBe('')
      expect(JSON.parse(second.out)).toMatchObject({ bundles: 0 })
    } finally {
      disk.unmount()
    }
  })
})
