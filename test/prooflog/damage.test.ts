import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifyInclusion } from '../../proofs/log-tree.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openProofLog, type ProofLog } from '../../src/prooflog/log.ts'
import { repairProofLog } from '../../src/prooflog/repair.ts'
import { hash } from '../helpers/fixtures.ts'

// Real damage to a real database: nothing wrong is ever returned as if it were right.

let dir: string
let folder: string
const opened: ProofLog[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fisherman-test-damage-'))
  folder = join(dir, 'log')
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((log) => log.close().catch(() => undefined)))
  await rm(dir, { recursive: true, force: true })
})

async function open(at = folder, onDamage?: (sentence: string) => void): Promise<ProofLog> {
  const log = await openProofLog(
    { folder: at, identity: 'me', minFreeBytes: 600_000 },
    { clock: systemClock, ...(onDamage ? { onDamage } : {}) },
  )
  opened.push(log)
  return log
}

async function filled(count: number): Promise<void> {
  const log = await open()
  const noise = (i: number) => createHash('sha512').update(String(i)).digest('hex').repeat(3)
  await Promise.all(
    Array.from({ length: count }, (_, i) => log.append('verdict', { i, outcome: i % 2 ? 'pass' : 'fail', noise: noise(i) })),
  )
  opened.splice(opened.indexOf(log), 1)
  await log.close()
}

const key = (seq: number) => seq.toString(16).padStart(14, '0')

async function inside(change: (db: Level<string, string>) => Promise<unknown>): Promise<void> {
  const db = new Level<string, string>(folder)
  await change(db)
  await db.close()
}

describe('a damaged log', () => {
  it('never gives back a wrong entry, wherever a bit of its files is flipped or their tail is cut', async () => {
    await filled(400)
    // Reading it once more moves the journal into a table, as after any restart.
    await (await open()).close()
    opened.length = 0
    const files = (await readdir(folder)).filter((name) => /^(MANIFEST|[0-9]+\.(ldb|log))/.test(name))
    let refused = 0
    for (const name of files) {
      const bytes = await readFile(join(folder, name))
      for (let round = 0; round < 12; round++) {
        const copy = join(dir, `copy-${name}-${round}`)
        await cp(folder, copy, { recursive: true })
        if (round < 9) {
          const broken = Buffer.from(bytes)
          const at = Math.floor((bytes.length * (round + 0.5)) / 9)
          if (at < bytes.length) broken[at] = (broken[at] as number) ^ (1 << (round % 8))
          await writeFile(join(copy, name), broken)
        } else await truncate(join(copy, name), Math.floor((bytes.length * (round - 8)) / 4))
        refused += await isRefused(copy)
        await rm(copy, { recursive: true, force: true })
      }
    }
    expect(refused).toBeGreaterThan(10)
  }, 60_000)

  /** 1 when the damage was noticed; throws when something wrong passed for right. */
  async function isRefused(copy: string): Promise<number> {
    let log: ProofLog
    try {
      log = await openProofLog({ folder: copy, identity: 'me' }, { clock: systemClock })
    } catch (error) {
      expect((error as { code: string }).code).toMatch(/^log-/)
      return 1
    }
    try {
      const result = await log.verify().catch((error: unknown) => ({ ok: false as const, error }))
      if (!result.ok) return 1
      // It holds: then every entry must be what was written.
      let i = 0
      for await (const entry of log.entries()) expect(entry.payload).toMatchObject({ i: i++ })
      expect(i).toBe(400)
      return 0
    } finally {
      await log.close()
    }
  }

  it('notices two entries that changed places, and says so once and for all', async () => {
    await filled(150)
    await inside(async (db) => {
      const entries = db.sublevel<string, string>('entry', {})
      const [a, b] = (await entries.getMany([key(20), key(21)])) as [string, string]
      await entries.batch([
        { type: 'put', key: key(20), value: b },
        { type: 'put', key: key(21), value: a },
      ])
    })
    const said: string[] = []
    const log = await open(folder, (sentence) => said.push(sentence))
    await expect(log.read(20)).rejects.toMatchObject({ code: 'log-damaged' })
    await expect(log.read(21)).rejects.toMatchObject({ code: 'log-damaged' })
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(/damaged at entry 20/)
    // Nothing is ever written to it again, so nothing is signed with it.
    await expect(log.append('verdict', {})).rejects.toMatchObject({ code: 'log-damaged' })
    expect(await log.recover()).toBe(false)
    expect(log.trouble()).toMatch(/nothing will be signed/)
  })

  it('finds index keys that were taken away or put in', async () => {
    await filled(20)
    await inside((db) => db.sublevel('by', {}).del(`r/fail/${key(4)}`))
    expect(await (await open()).verify()).toMatchObject({ ok: false, reason: expect.stringContaining('indexes') })
  })

  it('is repaired as far as it holds, and the rest is in the copy', async () => {
    await filled(300)
    await inside(async (db) => {
      const entries = db.sublevel<string, string>('entry', {})
      await entries.put(key(120), ((await entries.get(key(120))) as string).replace('"outcome":"fail"', '"outcome":"pass"'))
    })
    const result = await repairProofLog(folder, { clock: systemClock })
    expect(result).toMatchObject({ kept: 120, behind: 180, firstGap: { seq: 120, reason: 'is not the one that was written' } })
    const log = await open()
    expect(await log.verify()).toEqual({ ok: true, size: 121 })
    expect(await log.read(120)).toMatchObject({ kind: 'repair', payload: { seq: 120, behind: 180 } })
    expect(await log.find({ outcome: 'fail' })).toHaveLength(60)
    expect((await readdir(dir)).filter((name) => name.startsWith('log.before-repair-'))).toHaveLength(1)
  })

  it('is repaired when LevelDB itself cannot open it any more', async () => {
    await filled(200)
    for (const name of await readdir(folder)) if (/^(MANIFEST|CURRENT)/.test(name)) await rm(join(folder, name))
    await expect(open()).rejects.toMatchObject({ code: expect.stringMatching(/^log-/) })
    const result = await repairProofLog(folder, { clock: systemClock })
    expect(result).toMatchObject({ kept: 200, behind: 0 })
    expect(result.firstGap).toBeUndefined()
    expect(await (await open()).verify()).toEqual({ ok: true, size: 200 })
  })
})

describe('a pruned log', () => {
  it('keeps every head, every proof and what did not pass', async () => {
    await filled(100)
    const log = await open()
    await log.appendStatement('received', 'window', hash(7), Uint8Array.of(1))
    await log.append('case', { faultId: hash(9), state: 'open' })
    const before = log.head()
    const pruned = await log.prune({ beforeMs: systemClock.nowMs() + 1, forgetIdsBeforeMs: 0 })
    expect(pruned.entries).toBe(51)
    expect(pruned.bytes).toBeGreaterThan(10_000)
    expect(await log.rootAt(before.size)).toBe(before.root)
    await expect(log.read(1)).rejects.toMatchObject({ code: 'log-pruned' })
    expect(log.trouble()).toBeUndefined()
    expect((await log.read(2)).payload).toMatchObject({ outcome: 'fail' })
    expect(await log.find({ outcome: 'pass' })).toEqual([])
    expect(await log.find({ outcome: 'fail' })).toHaveLength(50)
    const leaf = ((await inclusionLeaf(1)) ?? '') as `0x${string}`
    expect(verifyInclusion(leaf, 1, before.size, await log.proveInclusion(1, before.size), before.root)).toBe(true)
    // A pruned statement is not served, and not taken again either.
    expect(await log.statementsSince(0n, 10)).toEqual([])
    expect(await log.appendStatement('received', 'window', hash(7), Uint8Array.of(1))).toBeUndefined()
    expect(await log.verify()).toEqual({ ok: true, size: 103 })
    await log.close()
    opened.length = 0
    const again = await open()
    const all: number[] = []
    for await (const { seq } of again.entries()) all.push(seq)
    expect(all).toHaveLength(52)
    expect(await again.verify(30)).toEqual({ ok: true, size: 103 })
  })

  async function inclusionLeaf(seq: number): Promise<string | undefined> {
    const copy = join(dir, 'look')
    await cp(folder, copy, { recursive: true })
    const db = new Level<string, string>(copy)
    const text = await db.sublevel<string, string>('entry', {}).get(key(seq))
    await db.close()
    return (JSON.parse(text ?? '{}') as { pruned?: string }).pruned
  }
})

describe('a full disk', () => {
  const mounted = (() => {
    try {
      const at = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim()
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', at], { stdio: 'ignore' })
      return at
    } catch {
      return undefined
    }
  })()

  it.skipIf(mounted === undefined)(
    'makes the log read-only with a plain sentence, and it goes on when there is space again',
    async () => {
      const disk = mounted as string
      try {
        const log = await open(join(disk, 'log'))
        const acknowledged: number[] = []
        await writeFile(join(disk, 'ballast'), Buffer.alloc(1_000_000))
        const big = 'x'.repeat(20_000)
        const fill = async () => {
          for (let i = 0; i < 200; i++) {
            const noise = Array.from({ length: 40 }, (_, k) => createHash('sha512').update(`${i}/${k}`).digest('base64')).join('')
            acknowledged.push((await log.append('verdict', { i, noise, big })).seq)
          }
        }
        await expect(fill()).rejects.toMatchObject({ code: 'log-write', message: expect.stringMatching(/free some space/) })
        const last = acknowledged.at(-1) as number
        expect(log.trouble()).toMatch(/cannot write the proof log/)
        await expect(log.append('verdict', {})).rejects.toMatchObject({ code: 'log-write' })
        expect((await log.read(last)).seq).toBe(last)
        expect(await log.recover()).toBe(false)
        await rm(join(disk, 'ballast'))
        // Whoever reads meanwhile notices nothing of it: the database is closed and opened again.
        const reads = { begun: 0, failed: [] as unknown[], isOver: false }
        const reader = async () => {
          while (!reads.isOver && reads.failed.length === 0) {
            reads.begun++
            await Promise.all([log.read(last), log.find({ kind: 'verdict', limit: 3 }), log.rootAt(last)]).catch((error) =>
              reads.failed.push(error),
            )
          }
        }
        const readers = [1, 2, 3].map(reader)
        const hasRecovered = log.recover()
        for await (const { seq } of log.entries()) reads.begun += seq < 0 ? 1 : 0
        const isWell = await hasRecovered
        reads.isOver = true
        expect(isWell).toBe(true)
        await Promise.all(readers)
        expect(reads.begun).toBeGreaterThan(3)
        expect(reads.failed).toEqual([])
        expect(log.trouble()).toBeUndefined()
        const entry = await log.append('verdict', { after: true })
        expect(entry.seq).toBeGreaterThan(last)
        expect(await log.verify()).toMatchObject({ ok: true })
        await log.close()
        opened.length = 0
        expect((await (await open(join(disk, 'log'))).read(entry.seq)).payload).toEqual({ after: true })
      } finally {
        await Promise.all(opened.splice(0).map((log) => log.close()))
        execFileSync('umount', [disk])
        await rm(disk, { recursive: true, force: true })
      }
    },
  )
})
