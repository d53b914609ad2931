import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createEvidenceStore } from '../../src/prooflog/evidence.ts'
import { hash } from '../helpers/fixtures.ts'

const looks = vi.hoisted(() => ({ count: 0, now: 0, most: 0 }))
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  return {
    ...fs,
    async stat(file: string) {
      looks.count++
      looks.most = Math.max(looks.most, ++looks.now)
      return await fs.stat(file).finally(() => looks.now--)
    },
  }
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fisherman-test-quota-'))
  Object.assign(looks, { count: 0, now: 0, most: 0 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const store = () => createEvidenceStore({ folder }, { log: { find: async () => [] }, nowMs: () => 1 })
const names = () => readdirSync(folder).sort()
const nameOf = (n: number) => `${hash(n)}.fishbundle`
function write(n: number, bytes = 1_000): void {
  writeFileSync(join(folder, nameOf(n)), Buffer.alloc(bytes))
  utimesSync(join(folder, nameOf(n)), n, n)
}

describe('the quota of evidence', () => {
  it('looks at each bundle once when it is written, one at a time, and not at all others', async () => {
    const evidence = store()
    for (let n = 1; n <= 100; n++) {
      write(n)
      await evidence.keepWithin(1e9, hash(n))
    }
    expect(looks).toMatchObject({ count: 100, most: 1 })
    // After a start all are new to it, and then no more than that.
    const later = store()
    await later.keepWithin(1e9, hash(1))
    await later.keepWithin(1e9, hash(2))
    expect(looks).toMatchObject({ count: 201, most: 1 })
  })

  it('is kept once for all that are written meanwhile, and what went is told once', async () => {
    for (let n = 1; n <= 50; n++) write(n)
    const evidence = store()
    const first = evidence.keepWithin(50_000, hash(1))
    // Written while the first looks around.
    await new Promise((resolve) => setImmediate(resolve))
    const rest = Array.from({ length: 20 }, (_, n) => {
      write(51 + n)
      return evidence.keepWithin(50_000, hash(51 + n))
    })
    const dropped = await Promise.all([first, ...rest])
    expect(dropped.filter(({ files }) => files > 0).length).toBeLessThanOrEqual(2)
    expect(dropped.reduce((sum, { files }) => sum + files, 0)).toBe(20)
    expect(names()).toEqual(Array.from({ length: 50 }, (_, n) => nameOf(n + 21)).sort())
    expect(looks.most).toBe(1)
    expect(looks.count).toBeLessThanOrEqual(90)
  })

  it('sees a bundle that grew, and one that is gone', async () => {
    const evidence = store()
    for (let n = 1; n <= 4; n++) write(n)
    expect(await evidence.keepWithin(4_000, hash(4))).toEqual({ files: 0, bytes: 0 })
    rmSync(join(folder, nameOf(4)))
    write(3, 2_000)
    expect(await evidence.keepWithin(4_000, hash(3))).toEqual({ files: 0, bytes: 0 })
    write(3, 3_000)
    expect(await evidence.keepWithin(4_000, hash(3))).toEqual({ files: 1, bytes: 1_000 })
    expect(names()).toEqual([nameOf(2), nameOf(3)].sort())
  })

  it('goes on after a run that failed', async () => {
    write(1)
    let isBroken = true
    const find = async () => (isBroken ? Promise.reject(new Error('closed')) : [])
    const evidence = createEvidenceStore({ folder }, { log: { find }, nowMs: () => 1 })
    await expect(evidence.keepWithin(0, hash(1))).rejects.toThrow('closed')
    isBroken = false
    expect(await evidence.keepWithin(0, hash(1))).toEqual({ files: 1, bytes: 1_000 })
  })
})
